package estate

import "time"

// UserProfile is what a user, or who manages it, says about it.
type UserProfile struct {
	Picture           string `json:"picture,omitempty"`
	Locale            string `json:"locale,omitempty"`
	Zoneinfo          string `json:"zoneinfo,omitempty"`
	PreferredLocale   string `json:"preferredLocale,omitempty"`
	PreferredZoneinfo string `json:"preferredZoneinfo,omitempty"`
}

// GroupID is 24 hexadecimal digits.
type GroupID string

// GroupEveryone is the id of the group that every user of a tenant is in.
const GroupEveryone GroupID = "000000000000000000000001"

// EveryoneName is the name of that group.
const EveryoneName = "com.qlik.Everyone"

// GroupProvider says where a group comes from.
type GroupProvider string

// The providers of groups.
const (
	GroupIDP    GroupProvider = "idp"
	GroupCustom GroupProvider = "custom"
)

// GroupStatus is whether a group counts.
type GroupStatus string

// The states of a group. The roles of one that is disabled go to nobody.
const (
	GroupActive   GroupStatus = "active"
	GroupDisabled GroupStatus = "disabled"
)

// Group is some users of a tenant, who get its roles.
type Group struct {
	ID           GroupID
	Organization OrganizationID
	Tenant       TenantID
	Name         string
	Description  string
	Provider     GroupProvider
	Status       GroupStatus
	Roles        []RoleName
	CreatedAt    time.Time
	CreatedBy    string
	UpdatedAt    time.Time
	UpdatedBy    string
}

// DirectorySettings are a tenant's settings of groups and licences. One that has
// never set any has the zero value but for what DefaultDirectorySettings says.
type DirectorySettings struct {
	AutoCreateGroups       bool `json:"autoCreateGroups"`
	SyncIDPGroups          bool `json:"syncIdpGroups"`
	AutoAssignProfessional bool `json:"autoAssignProfessional"`
	AutoAssignAnalyzer     bool `json:"autoAssignAnalyzer"`

	EveryoneRoles     []RoleName `json:"everyoneRoles,omitempty"`
	EveryoneUpdatedAt time.Time  `json:"everyoneUpdatedAt,omitzero"`
}

// DefaultDirectorySettings are those of a new tenant: it takes no seat of the
// subscription, which others share, before somebody says so.
func DefaultDirectorySettings() DirectorySettings { return DirectorySettings{} }
