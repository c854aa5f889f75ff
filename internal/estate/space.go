package estate

import (
	"slices"
	"time"
)

// SpaceID is 24 hexadecimal digits.
type SpaceID string

// AssignmentID is 24 hexadecimal digits.
type AssignmentID string

// SpaceType says what a space is for.
type SpaceType string

// The types of spaces.
const (
	SpaceShared  SpaceType = "shared"
	SpaceManaged SpaceType = "managed"
	SpaceData    SpaceType = "data"
)

// SpaceTypes are the types of spaces.
func SpaceTypes() []SpaceType { return []SpaceType{SpaceData, SpaceManaged, SpaceShared} }

// SpaceFacilitator is the role in a space of any type that manages its members.
const SpaceFacilitator = "facilitator"

// SpaceRoles are the roles that members of a space of the type can have; none if
// there is no such type.
func SpaceRoles(of SpaceType) []string {
	return slices.Clone(map[SpaceType][]string{
		SpaceShared:  {"codeveloper", "consumer", "dataconsumer", SpaceFacilitator, "producer"},
		SpaceManaged: {"basicconsumer", "consumer", "contributor", "dataconsumer", SpaceFacilitator, "publisher"},
		SpaceData:    {"consumer", "dataconsumer", "datapreview", SpaceFacilitator, "operator", "producer", "publisher"},
	}[of])
}

// Space holds content of a tenant. What is in it is not Freehold's business; who
// may do what there is.
type Space struct {
	ID           SpaceID
	Organization OrganizationID
	Tenant       TenantID
	Type         SpaceType
	Name         string
	Description  string
	Owner        UserID
	CreatedAt    time.Time
	CreatedBy    string
	UpdatedAt    time.Time
}

// AssigneeType says who has roles in a space.
type AssigneeType string

// The types of assignees.
const (
	AssigneeUser  AssigneeType = "user"
	AssigneeGroup AssigneeType = "group"
	AssigneeBot   AssigneeType = "bot"
)

// SpaceAssignment is that a user or group has roles in a space.
type SpaceAssignment struct {
	ID           AssignmentID
	Organization OrganizationID
	Tenant       TenantID
	Space        SpaceID
	Type         AssigneeType
	Assignee     string // id of a user or a group
	Roles        []string
	CreatedAt    time.Time
	CreatedBy    string
	UpdatedAt    time.Time
	UpdatedBy    string
}
