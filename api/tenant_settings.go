package api

// TenantSettings are what the administrators of a tenant prefer.
type TenantSettings struct {
	ID                        string            `json:"id"` // the tenant's
	TenantID                  string            `json:"tenantId"`
	PreferredStartPage        StartPage         `json:"preferredStartPage"`
	CustomizeNoAccess         CustomizeNoAccess `json:"customizeNoAccess"`
	ReleaseCadence            string            `json:"releaseCadence"` // monthly or continuous
	SessionReplayOptOut       bool              `json:"sessionReplayOptOut"`
	CrossRegionDataProcessing bool              `json:"crossRegionDataProcessing"`
	CreatedAt                 Time              `json:"createdAt"`
	CreatedBy                 string            `json:"createdBy"`
	UpdatedAt                 Time              `json:"updatedAt"`
	UpdatedBy                 string            `json:"updatedBy,omitempty"`
}

// StartPage is where people begin.
type StartPage struct {
	Route string `json:"route"` // e.g. /insights
	Value string `json:"value"` // e.g. analytics-hub
}

// StartPageList are the pages that PreferredStartPage can be.
type StartPageList struct {
	DefaultValue string      `json:"defaultValue"`
	Values       []StartPage `json:"values"`
}

// CustomizeNoAccess is what somebody is shown who may not use the tenant.
type CustomizeNoAccess struct {
	LinkEnabled bool   `json:"linkEnabled"`
	LinkLabel   string `json:"linkLabel,omitempty"`
	LinkURL     string `json:"linkUrl,omitempty"`
	Message     string `json:"message,omitempty"`
}

// CreateTenantSettingsRequest are the settings that a tenant gets; at least one of
// them.
type CreateTenantSettingsRequest struct {
	PreferredStartPage string             `json:"preferredStartPage,omitempty"`
	CustomizeNoAccess  *CustomizeNoAccess `json:"customizeNoAccess,omitempty"`
}

// JSONPatchOperation is an operation of a JSON Patch (RFC 6902): add, remove,
// replace, move, copy or test.
type JSONPatchOperation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	From  string `json:"from,omitempty"`  // of move and copy
	Value any    `json:"value,omitempty"` // of add, replace and test
}

// QuotaList are the limits of a tenant.
type QuotaList struct {
	Data []Quota `json:"data"`
}

// Quota is how many things of a kind a tenant can have.
type Quota struct {
	ID         string          `json:"id"`
	Type       string          `json:"type"` // quotas
	Attributes QuotaAttributes `json:"attributes"`
}

// QuotaAttributes are the figures of a quota.
type QuotaAttributes struct {
	Quota             int64   `json:"quota"` // -1: there is no limit
	Unit              string  `json:"unit"`
	Usage             *int64  `json:"usage,omitempty"` // only if it was asked for
	WarningThresholds []int64 `json:"warningThresholds"`
}
