package api

// Link is a hypertext reference. Href is an absolute URL.
type Link struct {
	Href string `json:"href"`
}

// SelfLinks holds the link of a resource to itself.
type SelfLinks struct {
	Self Link `json:"self"`
}

// PageLinks are the links of a list. Next and Prev are absent at the ends.
type PageLinks struct {
	Self Link  `json:"self"`
	Next *Link `json:"next,omitempty"`
	Prev *Link `json:"prev,omitempty"`
}

// Tenant is a tenant as the register and tenant hosts show it. The fields from
// ExternalID down to EstimatedPurgeDate are additions of Freehold's.
type Tenant struct {
	ID                  string   `json:"id"` // 32 characters of [A-Za-z0-9_-]
	Name                string   `json:"name"`
	Hostnames           []string `json:"hostnames"`     // [0] generated, never changes; [1] alias, if any
	CreatedByUser       string   `json:"createdByUser"` // empty when created by a client
	Region              string   `json:"region"`
	Datacenter          string   `json:"datacenter"`
	Created             Time     `json:"created"`
	LastUpdated         Time     `json:"lastUpdated"`
	Status              string   `json:"status"` // "active", "disabled" or "deleted"
	StatusLastUpdatedAt Time     `json:"statusLastUpdatedAt"`

	AutoAssignCreateSharedSpacesRoleToProfessionals             bool `json:"autoAssignCreateSharedSpacesRoleToProfessionals"`
	AutoAssignPrivateAnalyticsContentCreatorRoleToProfessionals bool `json:"autoAssignPrivateAnalyticsContentCreatorRoleToProfessionals"`
	AutoAssignDataServicesContributorRoleToProfessionals        bool `json:"autoAssignDataServicesContributorRoleToProfessionals"`
	EnableAnalyticCreation                                      bool `json:"enableAnalyticCreation"`
	EnableAppOpeningFeedback                                    bool `json:"enableAppOpeningFeedback"`

	ExternalID         string            `json:"externalId,omitempty"`
	Labels             map[string]string `json:"labels,omitempty"`
	DeletionProtection bool              `json:"deletionProtection,omitempty"` // shown at register hosts
	EstimatedPurgeDate *Time             `json:"estimatedPurgeDate,omitempty"` // of a disabled tenant

	Admin *CreatedAdministrator `json:"admin,omitempty"` // in the answer to the request that created it

	Provisioning *Provisioning `json:"provisioning,omitempty"` // always there; an addition of Freehold's, too

	Links SelfLinks `json:"links"`
}

// CreateTenantRequest is the body of POST /api/v1/tenants on a register host.
// Only LicenseKey is required; Name, Hostnames, ExternalID and Labels are
// additions of Freehold's.
type CreateTenantRequest struct {
	LicenseKey string            `json:"licenseKey"`
	Datacenter string            `json:"datacenter,omitempty"` // must be the region's, if given
	Name       string            `json:"name,omitempty"`       // default: the generated host label
	Hostnames  []string          `json:"hostnames,omitempty"`  // at most one: the alias, e.g. "acme.us.example.com"
	ExternalID string            `json:"externalId,omitempty"` // unique in the subscription
	Labels     map[string]string `json:"labels,omitempty"`

	Admin *TenantAdministrator `json:"admin,omitempty"` // invited as the first user
}

// LicenseOverview is the answer of GET /api/v1/licenses/overview on a tenant
// host. LicenseKey is what POST /api/v1/tenants wants.
type LicenseOverview struct {
	LicenseNumber       string             `json:"licenseNumber"`
	LicenseKey          string             `json:"licenseKey"`
	ParentLicenseNumber string             `json:"parentLicenseNumber,omitempty"`
	SecondaryNumber     string             `json:"secondaryNumber"` // always empty
	LicenseType         string             `json:"licenseType"`
	Product             string             `json:"product"`
	Origin              string             `json:"origin"`
	Status              string             `json:"status"` // "Ok" or "Expired"
	Trial               bool               `json:"trial"`
	Valid               string             `json:"valid"` // ISO 8601 interval
	LatestValidTime     Time               `json:"latestValidTime"`
	Updated             Time               `json:"updated"`
	Version             string             `json:"version"` // another whenever the entitlement changes
	Allotments          []LicenseAllotment `json:"allotments"`
	Parameters          []LicenseParameter `json:"parameters"`
}

// LicenseAllotment is a quantity that an entitlement grants.
type LicenseAllotment struct {
	Name       string `json:"name"`
	Units      int64  `json:"units"`
	UnitsUsed  int64  `json:"unitsUsed"`
	Overage    int64  `json:"overage"`
	UsageClass string `json:"usageClass"`
}

// LicenseParameter is a named feature of an entitlement.
type LicenseParameter struct {
	Name   string         `json:"name"`
	Valid  string         `json:"valid"`
	Values map[string]any `json:"values"`
}

// OrganizationTenant is a tenant as the organization API shows it. Its field
// names differ from Tenant's; the contract has it so.
type OrganizationTenant struct {
	ID               string    `json:"id"`
	Name             string    `json:"name"`
	Status           string    `json:"status"` // "active", "disabled" or "deleted"
	Hostnames        []string  `json:"hostnames"`
	RegionCode       string    `json:"regionCode"` // e.g. "eu-west-1"
	CountryCode      string    `json:"countryCode"`
	CreatedAt        Time      `json:"createdAt"`
	UpdatedAt        Time      `json:"updatedAt"`
	CreatedBy        string    `json:"createdBy,omitempty"`
	LicenseNumber    string    `json:"licenseNumber"`
	SubscriptionID   string    `json:"subscriptionId"` // 16 digits
	LicenseStartsAt  *Time     `json:"licenseStartsAt,omitempty"`
	LicenseEndsAt    *Time     `json:"licenseEndsAt,omitempty"`
	DeletionStartsAt *Time     `json:"deletionStartsAt,omitempty"`
	Links            SelfLinks `json:"links"`

	Provisioning *Provisioning `json:"provisioning,omitempty"` // always there; an addition of Freehold's
}

// OrganizationTenantList is a page of tenants.
type OrganizationTenantList struct {
	Data         []OrganizationTenant `json:"data"`
	Links        PageLinks            `json:"links"`
	TotalResults *int64               `json:"totalResults,omitempty"`
}

// TenantFilterRequest is the body of POST /api/core/tenants/actions/filter.
type TenantFilterRequest struct {
	Filter string `json:"filter"`
}

// Count is the answer of the count actions.
type Count struct {
	Total int64 `json:"total"`
}

// ProductInfo is the document of
// /resources/autogenerated/product-info.json, which some clients read to learn
// what kind of platform they talk to.
type ProductInfo struct {
	Composition Composition `json:"composition"`
}

// Composition names the kind of deployment.
type Composition struct {
	DeploymentType string `json:"deploymentType"` // "qlikcloudservices" or "cloud-console"
}
