package api

// SubjectTypeUser is the only type of subjects that API keys can have here.
const SubjectTypeUser = "user"

// APIKey lets a program act as a user in a tenant.
type APIKey struct { //nolint:revive // the name of the contract
	ID            string `json:"id"`
	TenantID      string `json:"tenantId"`
	Sub           string `json:"sub"`     // id of the user
	SubType       string `json:"subType"` // user
	Description   string `json:"description"`
	Status        string `json:"status"` // active, expired or revoked
	Expiry        Time   `json:"expiry"`
	Created       Time   `json:"created"`
	CreatedByUser string `json:"createdByUser"`
	LastUpdated   Time   `json:"lastUpdated"`
}

// CreatedAPIKey is an API key with its text, which is told this once.
type CreatedAPIKey struct {
	APIKey

	Token string `json:"token"`
}

// APIKeyList is a page of API keys.
type APIKeyList struct { //nolint:revive // the name of the contract
	Data  []APIKey  `json:"data"`
	Links PageLinks `json:"links"`
}

// CreateAPIKeyRequest is the body of POST /api/v1/api-keys.
type CreateAPIKeyRequest struct {
	Description string `json:"description"`
	Expiry      string `json:"expiry,omitempty"`  // ISO 8601 duration; absent: as long as the tenant allows
	Sub         string `json:"sub,omitempty"`     // id of the user; absent: the caller's
	SubType     string `json:"subType,omitempty"` // user
}

// APIKeySettings are the limits of API keys in a tenant.
type APIKeySettings struct { //nolint:revive // the name of the contract
	MaxAPIKeyExpiry          string `json:"max_api_key_expiry"`         // ISO 8601 duration
	MaxKeysPerUser           int64  `json:"max_keys_per_user"`          // active ones
	SCIMExternalClientExpiry string `json:"scim_externalClient_expiry"` // ISO 8601 duration; has no effect
}
