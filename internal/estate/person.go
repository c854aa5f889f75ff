package estate

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"
)

// CredentialID names what somebody signs in with. Of a passkey it is a hash of
// where it is for and the id that the authenticator gave it, so that nobody can
// take the id of a passkey elsewhere; of all else it is random.
type CredentialID string

// NewCredentialID makes a random id.
func NewCredentialID() CredentialID { return CredentialID(hex.EncodeToString(randomBytes(16))) }

// CredentialKind is what a person can sign in with.
type CredentialKind string

// The kinds. A person has one password and one key of one-time codes at most.
const (
	CredentialPasskey      CredentialKind = "passkey"
	CredentialPassword     CredentialKind = "password"
	CredentialTOTP         CredentialKind = "totp"
	CredentialRecoveryCode CredentialKind = "recovery-code"
)

// PersonCredential is what a person signs in with.
type PersonCredential struct {
	ID         CredentialID
	Person     Person
	Kind       CredentialKind
	Name       string // that its person gave it
	Data       []byte // a public key, a hash, or sealed
	Counter    int64  // of one-time codes: the time step of the last one; of passkeys: when the last sign-in was begun, in microseconds
	CreatedAt  time.Time
	LastUsedAt time.Time
}

// Lifetimes of links.
const (
	SetUpLinkLifetime    = 24 * time.Hour
	RecoveryLinkLifetime = time.Hour
)

// LinkID is the SHA-256 of a link's secret, 64 hexadecimal digits.
type LinkID string

// OneTimeLink signs a person in once: to set up the first credential, or to recover
// from having lost all.
type OneTimeLink struct {
	ID        LinkID
	Person    Person
	Recovery  bool
	CreatedBy string
	CreatedAt time.Time
	ExpiresAt time.Time
}

// NewLinkSecret makes the secret of a link: 256 random bits.
func NewLinkSecret() Secret { return Secret(base64.RawURLEncoding.EncodeToString(randomBytes(32))) }

// NewOneTimeLink makes a link of a person that ends sooner if it is for recovery.
func NewOneTimeLink(p Person, recovery bool, by string, now time.Time) (Secret, OneTimeLink) {
	secret, lifetime := NewLinkSecret(), SetUpLinkLifetime
	if recovery {
		lifetime = RecoveryLinkLifetime
	}
	return secret, OneTimeLink{ID: LinkIDOf(secret), Person: p, Recovery: recovery, CreatedBy: by, CreatedAt: now, ExpiresAt: now.Add(lifetime)}
}

// LinkIDOf is the id of the link with the secret.
func LinkIDOf(secret Secret) LinkID {
	sum := sha256.Sum256([]byte("freehold sign-in link " + secret.Reveal()))
	return LinkID(hex.EncodeToString(sum[:]))
}

// inviteSubject begins the subject of users who have yet to sign in.
const inviteSubject = "invite|"

// InviteSubject is the subject of a user who was invited, until a login of an
// identity provider has one.
func InviteSubject(id UserID) string { return inviteSubject + string(id) }

// IsInviteSubject tells whether a subject only stands in for one.
func IsInviteSubject(subject string) bool { return strings.HasPrefix(subject, inviteSubject) }
