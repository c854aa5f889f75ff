package estate

import (
	"encoding/hex"
	"regexp"
	"time"
)

// APIKeyID is 32 hexadecimal digits, 128 random bits.
type APIKeyID string

// NewAPIKeyID makes a random id.
func NewAPIKeyID() APIKeyID { return APIKeyID(hex.EncodeToString(randomBytes(16))) }

// Valid tells whether id has the format of its kind.
func (id APIKeyID) Valid() bool { return isHex(string(id), 32) }

// APIKeyStatus says whether an API key is accepted.
type APIKeyStatus string

// The statuses of API keys. What is not active stays listed, and is never active again.
const (
	APIKeyActive  APIKeyStatus = "active"
	APIKeyExpired APIKeyStatus = "expired"
	APIKeyRevoked APIKeyStatus = "revoked"
)

// APIKey lets a program act as a person in a tenant, for as long as the person may.
type APIKey struct {
	ID           APIKeyID
	Organization OrganizationID
	Tenant       TenantID
	User         UserID // as whom it acts
	Description  string
	Status       APIKeyStatus // as stored: see At
	Hash         []byte       // of the key
	HashedBy     KeyID        // the server's key that Hash was made with
	CreatedAt    time.Time
	CreatedBy    string
	UpdatedAt    time.Time
	ExpiresAt    time.Time
}

// At is the status at a time: an active key expires at its very end, whether or not
// anybody has noted it.
func (k APIKey) At(now time.Time) APIKeyStatus {
	if k.Status == APIKeyActive && !now.Before(k.ExpiresAt) {
		return APIKeyExpired
	}
	return k.Status
}

// APIKeySettings are the limits of API keys in a tenant.
type APIKeySettings struct {
	MaxExpiry  Period // of keys of people
	MaxPerUser int64  // active keys
	SCIMExpiry Period // of keys for provisioning by SCIM, of which there are none
}

// DefaultAPIKeySettings are those of tenants that have not set any.
func DefaultAPIKeySettings() APIKeySettings {
	return APIKeySettings{MaxExpiry: "P365D", MaxPerUser: 5, SCIMExpiry: "P365D"}
}

// Limits of API keys.
const (
	MaxAPIKeysPerUser = 100
	MaxAPIKeyPeriod   = "P10Y"
)

// Period is a duration as ISO 8601 writes it, such as P30D, PT12H or P1Y6M. How long
// a year, a month or a day is depends on when it begins.
type Period string

var periodPattern = regexp.MustCompile(`^P(?:(\d{1,4})W|(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,5})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,9})S)?)?)$`)

// From is when the period ends that begins at start; ok is false if p is none, or
// lasts no time at all.
func (p Period) From(start time.Time) (end time.Time, ok bool) {
	parts := periodPattern.FindStringSubmatch(string(p))
	if parts == nil {
		return time.Time{}, false
	}
	var n [8]int
	for i, text := range parts[1:] {
		for _, digit := range text {
			n[i+1] = 10*n[i+1] + int(digit-'0')
		}
	}
	end = start.AddDate(n[2], n[3], 7*n[1]+n[4]).
		Add(time.Duration(n[5])*time.Hour + time.Duration(n[6])*time.Minute + time.Duration(n[7])*time.Second)
	return end, end.After(start)
}
