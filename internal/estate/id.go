package estate

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"regexp"
	"time"
)

// Ids say nothing about their owner. The formats of tenant, user, client and
// subscription ids are the contract's; the others carry 128 bits. All are random
// but for those of which there are millions in indexes, tenants and audit records:
// these begin with their time, so that neighbours in time are neighbours in every
// index (decision 160).
type (
	// OrganizationID is "org_" and 26 characters of [a-z2-7].
	OrganizationID string
	// AccountID is "acc_" and 26 characters of [a-z2-7].
	AccountID string
	// SubscriptionID is the licence number: 16 digits.
	SubscriptionID string
	// RegionCode is a label in host names, such as "eu".
	RegionCode string
	// TenantID is 32 characters of [A-Za-z0-9_-]; those made here are of [0-9a-v]:
	// 48 bits of time, 112 random bits.
	TenantID string
	// UserID is 24 hexadecimal digits, 96 random bits.
	UserID string
	// ClientID is 32 hexadecimal digits, 128 random bits.
	ClientID string
	// GrantID is 24 hexadecimal digits, 96 random bits.
	GrantID string
	// KeyID is 32 hexadecimal digits, 128 random bits.
	KeyID string
)

var (
	subscriptionIDPattern = regexp.MustCompile(`^[0-9]{16}$`)
	regionCodePattern     = regexp.MustCompile(`^[a-z][a-z0-9-]{0,18}[a-z0-9]$`)
	tenantIDPattern       = regexp.MustCompile(`^[A-Za-z0-9_-]{32}$`)
)

// NewOrganizationID makes a random id.
func NewOrganizationID() OrganizationID { return OrganizationID("org_" + newToken()) }

// NewAccountID makes a random id.
func NewAccountID() AccountID { return AccountID("acc_" + newToken()) }

// NewTenantID makes the id of a tenant that is made at the time.
func NewTenantID(at time.Time) TenantID {
	return TenantID(orderedBase32.EncodeToString(timedBytes(at, 20)))
}

// NewUserID makes a random id.
func NewUserID() UserID { return UserID(hex.EncodeToString(randomBytes(12))) }

// NewClientID makes a random id.
func NewClientID() ClientID { return ClientID(hex.EncodeToString(randomBytes(16))) }

// NewRoleID makes a random id.
func NewRoleID() RoleID { return RoleID(hex.EncodeToString(randomBytes(12))) }

// NewGroupID makes a random id.
func NewGroupID() GroupID { return GroupID(hex.EncodeToString(randomBytes(12))) }

// NewSpaceID makes a random id.
func NewSpaceID() SpaceID { return SpaceID(hex.EncodeToString(randomBytes(12))) }

// NewAssignmentID makes a random id.
func NewAssignmentID() AssignmentID { return AssignmentID(hex.EncodeToString(randomBytes(12))) }

// NewGrantID makes a random id.
func NewGrantID() GrantID { return GrantID(hex.EncodeToString(randomBytes(12))) }

// NewTokenID makes the jti of a JWT: 32 hexadecimal digits, 128 random bits.
func NewTokenID() string { return hex.EncodeToString(randomBytes(16)) }

// NewKeyID makes a random id.
func NewKeyID() KeyID { return KeyID(hex.EncodeToString(randomBytes(16))) }

// NewSubscriptionID makes a random licence number. It is 53 random bits: the
// caller must be ready for a collision.
func NewSubscriptionID() SubscriptionID {
	digits := make([]byte, 16)
	for i := range digits {
		digits[i] = '0' + byte(randomIndex(10))
	}
	if digits[0] == '0' {
		digits[0] = '1' // spreadsheets drop leading zeros
	}
	return SubscriptionID(digits)
}

// Valid tells whether id has the format of its kind.
func (id SubscriptionID) Valid() bool { return subscriptionIDPattern.MatchString(string(id)) }

// Valid tells whether code can be a region's: 2 to 20 characters of a host
// label, and not the name of another surface.
func (code RegionCode) Valid() bool {
	return regionCodePattern.MatchString(string(code)) && !reservedLabels[string(code)]
}

// Valid tells whether id has the format of its kind.
func (id TenantID) Valid() bool { return tenantIDPattern.MatchString(string(id)) }

// Valid tells whether id has the format of its kind.
func (id UserID) Valid() bool { return isHex(string(id), 24) }

// Valid tells whether id has the format of its kind.
func (id RoleID) Valid() bool { return isHex(string(id), 24) }

// Valid tells whether id has the format of its kind.
func (id GroupID) Valid() bool { return isHex(string(id), 24) }

// Valid tells whether id has the format of its kind.
func (id ClientID) Valid() bool { return isHex(string(id), 32) }

// Valid tells whether id has the format of its kind.
func (id KeyID) Valid() bool { return isHex(string(id), 32) }

// Valid tells whether id has the format of its kind.
func (id GrantID) Valid() bool { return isHex(string(id), 24) }

// isHex tells whether s is that many hexadecimal digits, with small letters. The
// ids of clients come with every token request, where a pattern would be felt.
func isHex(s string, digits int) bool {
	if len(s) != digits {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// NewHostLabel makes the random label of a tenant's generated host name: 15
// characters of [a-z0-9], the first a letter.
func NewHostLabel() string {
	const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
	label := make([]byte, 15)
	for i := range label {
		n := len(alphabet)
		if i == 0 {
			n = 26
		}
		label[i] = alphabet[randomIndex(n)]
	}
	return string(label)
}

// randomIndex picks a uniform index below n, which is at most 256.
func randomIndex(n int) int {
	limit := 256 - 256%n // reject the tail: modulo alone would favour small indexes
	var b [1]byte
	for {
		_, _ = rand.Read(b[:]) // never fails, by its documentation
		if int(b[0]) < limit {
			return int(b[0]) % n
		}
	}
}

func newToken() string { return lowerBase32.EncodeToString(randomBytes(16)) }

// orderedBase32 keeps the order of bytes, also where letters are sorted without
// regard to their case.
var orderedBase32 = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// timedBytes are n bytes, of which the first six are the time in milliseconds
// since 1970, as in a UUID of version 7.
func timedBytes(at time.Time, n int) []byte {
	b := randomBytes(n)
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(at.UnixMilli()))
	copy(b, ms[2:])
	return b
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails, by its documentation
	return b
}
