package estate

import "time"

// Grant is that a client may act through a user in a tenant. It is what people
// see as a token: however many access tokens a client gets for the user, they
// are revoked as one.
type Grant struct {
	ID           GrantID
	Organization OrganizationID
	Tenant       TenantID
	Client       ClientID
	User         UserID
	CreatedAt    time.Time
	LastUsedAt   time.Time // when a token of it was last issued

	Approved Permissions // by the user, where that is needed
}

// RevokedToken is an access token that is refused before its time.
type RevokedToken struct {
	ID        string // jti
	Client    ClientID
	ExpiresAt time.Time // of the token
}

// RevokedGrant is that tokens of a grant are refused which were issued at
// IssuedUntil or before. None of them is left after ExpiresAt.
type RevokedGrant struct {
	Tenant      TenantID
	Client      ClientID
	User        UserID
	IssuedUntil time.Time
	ExpiresAt   time.Time
}
