package estate

import (
	"encoding/hex"
	"time"
)

// CSPOriginID is 24 hexadecimal digits, 96 random bits.
type CSPOriginID string

// NewCSPOriginID makes a random id.
func NewCSPOriginID() CSPOriginID { return CSPOriginID(hex.EncodeToString(randomBytes(12))) }

// CSPDirective is a directive of a content security policy, by the name that the
// contract has for it.
type CSPDirective struct {
	Member string // e.g. frameAncestors
	Name   string // e.g. frame-ancestors
}

// CSPDirectives are the directives that an origin can be allowed in. A set of them
// is stored as bits in this order, so new ones go to the end.
func CSPDirectives() []CSPDirective {
	return []CSPDirective{
		{"childSrc", "child-src"},
		{"connectSrc", "connect-src"},
		{"connectSrcWSS", "connect-src"}, // the origin with wss://
		{"fontSrc", "font-src"},
		{"formAction", "form-action"},
		{"frameAncestors", "frame-ancestors"},
		{"frameSrc", "frame-src"},
		{"imgSrc", "img-src"},
		{"mediaSrc", "media-src"},
		{"objectSrc", "object-src"},
		{"scriptSrc", "script-src"},
		{"styleSrc", "style-src"},
		{"workerSrc", "worker-src"},
	}
}

// CSPOrigin is an origin that pages of a tenant may use, and for what.
type CSPOrigin struct {
	ID           CSPOriginID
	Organization OrganizationID
	Tenant       TenantID
	Origin       string
	Name         string
	Description  string
	Directives   int64 // a bit for each of CSPDirectives
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// WebIntegrationID is 24 hexadecimal digits, 96 random bits.
type WebIntegrationID string

// NewWebIntegrationID makes a random id.
func NewWebIntegrationID() WebIntegrationID {
	return WebIntegrationID(hex.EncodeToString(randomBytes(12)))
}

// WebIntegration names the origins of pages that are built around a tenant.
type WebIntegration struct {
	ID           WebIntegrationID
	Organization OrganizationID
	Tenant       TenantID
	Name         string
	Origins      []string
	CreatedAt    time.Time
	CreatedBy    string
	UpdatedAt    time.Time
}

// How many of each a tenant can have, and origins in a web integration.
const (
	MaxCSPOrigins            = 200
	MaxWebIntegrations       = 200
	MaxWebIntegrationOrigins = 100
)
