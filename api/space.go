package api

// Space holds content of a tenant.
type Space struct {
	ID          string     `json:"id"`   // 24 hexadecimal digits
	Type        string     `json:"type"` // "shared", "managed" or "data"
	Name        string     `json:"name"`
	Description string     `json:"description"`
	OwnerID     string     `json:"ownerId"`
	TenantID    string     `json:"tenantId"`
	CreatedAt   Time       `json:"createdAt"`
	CreatedBy   string     `json:"createdBy"`
	UpdatedAt   Time       `json:"updatedAt"`
	Meta        SpaceMeta  `json:"meta"`
	Links       SpaceLinks `json:"links"`
}

// SpaceMeta is what who asks may do in a space.
type SpaceMeta struct {
	Actions         []string `json:"actions"` // some of "read", "update" and "delete"
	Roles           []string `json:"roles"`   // of who asks
	AssignableRoles []string `json:"assignableRoles"`
}

// SpaceLinks are the links of a space.
type SpaceLinks struct {
	Self        Link `json:"self"`
	Assignments Link `json:"assignments"`
}

// ListMeta is how many there are on all pages.
type ListMeta struct {
	Count int64 `json:"count"`
}

// SpaceList is a page of spaces.
type SpaceList struct {
	Data  []Space   `json:"data"`
	Links PageLinks `json:"links"`
	Meta  ListMeta  `json:"meta"`
}

// SpaceTypeList is the types of spaces.
type SpaceTypeList struct {
	Data []string `json:"data"`
}

// CreateSpaceRequest is the body of POST /api/v1/spaces.
type CreateSpaceRequest struct {
	Name        string `json:"name"`
	Type        string `json:"type"`
	Description string `json:"description,omitempty"`
}

// UpdateSpaceRequest is the body of PUT /api/v1/spaces/{spaceId}. What is absent
// stays as it is.
type UpdateSpaceRequest struct {
	Name        *string `json:"name,omitempty"`
	Description *string `json:"description,omitempty"`
	OwnerID     *string `json:"ownerId,omitempty"`
}

// SpaceAssignment is that a user or group has roles in a space.
type SpaceAssignment struct {
	ID         string    `json:"id"`
	Type       string    `json:"type"` // "user", "group" or "bot"
	AssigneeID string    `json:"assigneeId"`
	Roles      []string  `json:"roles"`
	SpaceID    string    `json:"spaceId"`
	TenantID   string    `json:"tenantId"`
	CreatedAt  Time      `json:"createdAt"`
	CreatedBy  string    `json:"createdBy"`
	UpdatedAt  Time      `json:"updatedAt"`
	UpdatedBy  string    `json:"updatedBy"`
	Links      SelfLinks `json:"links"`
}

// SpaceAssignmentList is a page of assignments.
type SpaceAssignmentList struct {
	Data  []SpaceAssignment `json:"data"`
	Links PageLinks         `json:"links"`
	Meta  ListMeta          `json:"meta"`
}

// CreateSpaceAssignmentRequest is the body of POST
// /api/v1/spaces/{spaceId}/assignments.
type CreateSpaceAssignmentRequest struct {
	Type       string   `json:"type"`
	AssigneeID string   `json:"assigneeId"`
	Roles      []string `json:"roles"`
}

// UpdateSpaceAssignmentRequest is the body of PUT
// /api/v1/spaces/{spaceId}/assignments/{assignmentId}.
type UpdateSpaceAssignmentRequest struct {
	Roles []string `json:"roles"`
}
