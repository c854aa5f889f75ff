package api

// HeaderConfirmHostname has to hold one of the host names of the tenant that is
// deactivated or reactivated.
const HeaderConfirmHostname = "qlik-confirm-hostname"

// TenantAdministrator is the person who is invited as the first user of a new
// tenant, with the role TenantAdmin.
type TenantAdministrator struct {
	Email string `json:"email"`
	Name  string `json:"name,omitempty"` // default: the e-mail address
}

// TenantPatchOperation is an operation of PATCH /api/v1/tenants/{tenantId}.
type TenantPatchOperation struct {
	Op    string `json:"op"`   // "replace"
	Path  string `json:"path"` // e.g. "/name", or "/hostnames/1" for the alias
	Value any    `json:"value"`
}

// PatchErrorMeta says what is wrong with one property of a patch.
type PatchErrorMeta struct {
	Code  string `json:"code"`
	Title string `json:"title"`
}

// DeactivateTenantRequest is the body of POST
// /api/v1/tenants/{tenantId}/actions/deactivate, which may be left out.
type DeactivateTenantRequest struct {
	PurgeAfterDays *int `json:"purgeAfterDays,omitempty"` // default 30
}

// DeactivatedTenant is the answer of the deactivate action.
type DeactivatedTenant struct {
	ID                 string `json:"id"`
	Status             string `json:"status"` // "disabled"
	EstimatedPurgeDate Time   `json:"estimatedPurgeDate"`
}

// ReactivatedTenant is the answer of the reactivate action.
type ReactivatedTenant struct {
	ID     string `json:"id"`
	Status string `json:"status"` // "active"
}

// DeactivationPreview says what the deactivation of a tenant would take down.
type DeactivationPreview struct {
	ID                 string           `json:"id"`
	Name               string           `json:"name"`
	Hostnames          []string         `json:"hostnames"`
	Status             string           `json:"status"`
	Allowed            bool             `json:"allowed"`
	Refusal            *Error           `json:"refusal,omitempty"`            // what the call would be answered
	EstimatedPurgeDate *Time            `json:"estimatedPurgeDate,omitempty"` // without purgeAfterDays
	Contents           map[string]int64 `json:"contents"`                     // how many of what the tenant holds, e.g. "users"
	TrustingTenants    int64            `json:"trustingTenants"`              // other tenants that let clients of this one act
	LastTokenAt        *Time            `json:"lastTokenAt,omitempty"`        // when anybody last got a token there
}

// HostnameAvailability tells whether a host name can become a tenant's alias.
type HostnameAvailability struct {
	Hostname  string `json:"hostname"`
	Available bool   `json:"available"`
	Reason    string `json:"reason,omitempty"` // "invalid" or "taken"
	Detail    string `json:"detail,omitempty"`
}

// TenantList is a page of tenants.
type TenantList struct {
	Data         []Tenant  `json:"data"`
	Links        PageLinks `json:"links"`
	TotalResults *int64    `json:"totalResults,omitempty"`
}

// The actions of BulkTenantsRequest.
const (
	BulkCreate     = "create"
	BulkDeactivate = "deactivate"
	BulkReactivate = "reactivate"
	BulkRelabel    = "relabel"
)

// MaxBulk is how many tenants one bulk request can be about.
const MaxBulk = 100

// BulkTenantsRequest is the body of POST /api/v1/tenants/actions/bulk. All actions
// but create pick tenants by Filter or by IDs.
type BulkTenantsRequest struct {
	Action         string                `json:"action"`
	DryRun         bool                  `json:"dryRun,omitempty"`
	Filter         string                `json:"filter,omitempty"`
	IDs            []string              `json:"ids,omitempty"`
	ExpectedCount  *int                  `json:"expectedCount,omitempty"`  // refuse the request if Filter picks another number; needed to deactivate
	PurgeAfterDays *int                  `json:"purgeAfterDays,omitempty"` // of deactivate
	Labels         map[string]*string    `json:"labels,omitempty"`         // of relabel; null removes a label
	Tenants        []CreateTenantRequest `json:"tenants,omitempty"`        // of create
}

// BulkTenantsResponse says what became of each tenant, in order.
type BulkTenantsResponse struct {
	Data   []BulkTenantResult `json:"data"`
	DryRun bool               `json:"dryRun"` // nothing was changed
}

// BulkTenantResult is what became of one tenant.
type BulkTenantResult struct {
	Status int     `json:"status"`           // as if the request had been about this tenant alone
	ID     string  `json:"id,omitempty"`     // none if it was not created
	Tenant *Tenant `json:"tenant,omitempty"` // as it is now, or in a dry run would be
	Errors []Error `json:"errors,omitempty"`
}
