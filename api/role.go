package api

// Role is a set of rights in a tenant: a built-in one, which is as old as the tenant, or
// a custom one, which has CreatedBy and UpdatedBy.
type Role struct {
	ID             string    `json:"id"` // 24 hexadecimal digits
	Name           string    `json:"name"`
	Description    string    `json:"description"`
	Type           string    `json:"type"`  // "default" or "custom"
	Level          string    `json:"level"` // "admin" or "user"
	AssignedScopes []string  `json:"assignedScopes"`
	Permissions    []string  `json:"permissions"` // always empty
	CanEdit        bool      `json:"canEdit"`
	CanDelete      bool      `json:"canDelete"`
	TenantID       string    `json:"tenantId"`
	CreatedAt      Time      `json:"createdAt"`
	CreatedBy      string    `json:"createdBy,omitempty"`
	LastUpdatedAt  Time      `json:"lastUpdatedAt"`
	UpdatedBy      string    `json:"updatedBy,omitempty"`
	Links          SelfLinks `json:"links"`
}

// RoleList is a page of roles.
type RoleList struct {
	Data         []Role    `json:"data"`
	Links        PageLinks `json:"links"`
	TotalResults *int64    `json:"totalResults,omitempty"`
}

// CreateRoleRequest is the body of POST /api/v1/roles.
type CreateRoleRequest struct {
	Name           string   `json:"name"`
	Description    string   `json:"description,omitempty"`
	AssignedScopes []string `json:"assignedScopes,omitempty"`
}
