package estate

import "time"

// TenantPreferences are what the administrators of a tenant prefer; the contract
// calls them tenant settings. Freehold keeps them for the products behind the
// tenant.
type TenantPreferences struct {
	StartPage             string
	NoAccess              NoAccess
	ReleaseCadence        string
	NoSessionReplay       bool
	CrossRegionProcessing bool

	CreatedAt time.Time
	CreatedBy string
	UpdatedAt time.Time
	UpdatedBy string
}

// NoAccess is what somebody is shown who may not use the tenant.
type NoAccess struct {
	LinkEnabled bool
	LinkLabel   string
	LinkURL     string
	Message     string
}

// DefaultTenantPreferences are those of a tenant that has none of its own.
func DefaultTenantPreferences() TenantPreferences {
	return TenantPreferences{StartPage: "analytics-hub", ReleaseCadence: "continuous"}
}
