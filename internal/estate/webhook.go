package estate

import (
	"crypto/rand"
	"encoding/hex"
	"time"
)

// WebhookID is 32 hexadecimal digits, 128 random bits.
type WebhookID string

// DeliveryID is 32 hexadecimal digits, 128 random bits.
type DeliveryID string

// NewWebhookID makes a random id.
func NewWebhookID() WebhookID { return WebhookID(randomHex()) }

// NewDeliveryID makes a random id.
func NewDeliveryID() DeliveryID { return DeliveryID(randomHex()) }

func randomHex() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, by its documentation
	return hex.EncodeToString(b[:])
}

// Webhook is an address that is told of events: those of the tenant of its scope,
// or of a whole organization with all its tenants.
//
//	enabled --dead for days, or gone--> disabled, with a reason --by hand--> enabled
type Webhook struct {
	ID              WebhookID
	Scope           Scope
	Name            string
	Description     string
	URL             string
	EventTypes      []string // names, or "*"
	Filter          string   // SCIM; empty: all
	Enabled         bool
	Headers         map[string]string
	HiddenHeaders   []string // names of the headers that are in Sealed
	HasSecret       bool
	Sealed          []byte // secret and hidden headers
	CheckRevocation bool
	Origin          string
	CreatedAt       time.Time
	CreatedBy       string
	UpdatedAt       time.Time
	UpdatedBy       string
	DisabledReason  string
	DisabledCode    string
	FailingSince    time.Time // zero: the last delivery went well
	After           int64     // position in the organization's chain: it is told of later events only
}

// DeliveryStatus is how a delivery stands.
type DeliveryStatus string

// The states of a delivery. A failed one may be tried again.
const (
	DeliveryPending DeliveryStatus = "pending"
	DeliverySuccess DeliveryStatus = "success"
	DeliveryFail    DeliveryStatus = "fail"
)

// Delivery is one event on its way to one webhook, with its last attempt.
type Delivery struct {
	ID          DeliveryID
	Scope       Scope // of the webhook
	Webhook     WebhookID
	Event       AuditID
	EventType   string
	Status      DeliveryStatus
	Message     string
	TriggeredAt time.Time
	Attempts    int64
	Request     DeliveryMessage
	Response    DeliveryMessage
}

// DeliveryMessage is what was sent or what came back, as people may see it.
type DeliveryMessage struct {
	URL     string            `json:"url,omitempty"`
	Status  int               `json:"status,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    string            `json:"body,omitempty"`
}
