package api

import "encoding/json"

// HeaderConfirmDelete has to hold the id of the client that a DELETE is about.
const HeaderConfirmDelete = "qlik-confirm-delete"

// ContentTypeJSONPatch is the content type of patches (RFC 6902). Patches may
// also come as plain application/json, as the contract's clients send them.
const ContentTypeJSONPatch = "application/json-patch+json"

// DisableTagOperator is the OAuthClient.DisableTag of a client that the operator
// has disabled.
const DisableTagOperator = "disabled"

// OAuthClientList is a page of OAuth clients.
type OAuthClientList struct {
	Data         []OAuthClient `json:"data"`
	Links        PageLinks     `json:"links"`
	TotalResults *int64        `json:"totalResults,omitempty"`
}

// PatchOperation is one operation of a JSON Patch. Only whole members can be
// changed: Value is a string, a []string or, for "/publicKeys", a list of JWKs,
// such as a []json.RawMessage.
type PatchOperation struct {
	Op    string `json:"op"`   // "add", "remove" or "replace"
	Path  string `json:"path"` // e.g. "/clientName"
	Value any    `json:"value,omitempty"`
}

// PatchedOAuthClient is the answer to a patch that made a secret. Other patches
// are answered without a body.
type PatchedOAuthClient struct {
	ClientSecret string `json:"clientSecret"`
}

// PublishedOAuthClient is the answer of POST …/actions/publish.
type PublishedOAuthClient struct {
	PublishedAt Time `json:"publishedAt"`
}

// CreateClientSecretRequest is the body of POST …/client-secrets, which may be
// left out.
type CreateClientSecretRequest struct {
	ExpiresAt *Time `json:"expiresAt,omitempty"` // absent: never
}

// RotateClientSecretRequest is the body of POST …/actions/rotate-secret, which may
// be left out.
type RotateClientSecretRequest struct {
	OverlapSeconds int64 `json:"overlapSeconds,omitempty"` // how long the old secrets stay valid; 0: they end at once
}

// CreatedClientSecret is a new secret. It is told here and nowhere else.
type CreatedClientSecret struct {
	Hint         string `json:"hint"` // last five characters of the secret; unique in the client
	ClientID     string `json:"clientId"`
	ClientSecret string `json:"clientSecret"` // 64 hexadecimal digits
	CreatedAt    Time   `json:"createdAt"`
	CreatedBy    string `json:"createdBy,omitempty"`
	ExpiresAt    *Time  `json:"expiresAt,omitempty"`
	OverlapEnd   *Time  `json:"overlapEndsAt,omitempty"` // of a rotation: when the old secrets end
}

// CreateRegionOAuthClientRequest is the body of POST
// /api/core/subscriptions/{subscriptionId}/oauth-clients on the console host.
type CreateRegionOAuthClientRequest struct {
	RegionCode    string   `json:"regionCode"`           // such as "eu": a region of the subscription
	ClientName    string   `json:"clientName,omitempty"` // absent: named after the region
	Description   string   `json:"description,omitempty"`
	AllowedScopes []string `json:"allowedScopes,omitempty"` // some of RegionScopes; absent: all

	TokenBinding         string                `json:"tokenBinding,omitempty"` // "dpop" or "mtls"
	PublicKeys           []json.RawMessage     `json:"publicKeys,omitempty"`   // JWKs, at most 5
	JWKSURI              string                `json:"jwksUri,omitempty"`      // instead of PublicKeys
	FederatedCredentials []FederatedCredential `json:"federatedCredentials,omitempty"`
}

// Subscription is a licence with its entitlement, as the console host shows it.
type Subscription struct {
	ID          string    `json:"id"` // the licence number
	Name        string    `json:"name"`
	TenantLimit int64     `json:"tenantLimit"` // how many tenants it is entitled to
	TenantCount int64     `json:"tenantCount"` // how many there are
	Regions     []string  `json:"regions"`     // codes, such as "eu"
	StartsAt    Time      `json:"startsAt"`
	EndsAt      Time      `json:"endsAt"`
	CreatedAt   Time      `json:"createdAt"`
	UpdatedAt   Time      `json:"updatedAt"`
	Links       SelfLinks `json:"links"`
}

// SubscriptionList is all subscriptions of an organization, oldest first.
type SubscriptionList struct {
	Data  []Subscription `json:"data"`
	Links PageLinks      `json:"links"`
}
