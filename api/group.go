package api

// Group is some users of a tenant, who get its roles.
type Group struct {
	ID            string         `json:"id"` // 24 hexadecimal digits
	TenantID      string         `json:"tenantId"`
	Name          string         `json:"name"`
	Description   string         `json:"description,omitempty"`
	ProviderType  string         `json:"providerType"` // "idp" or "custom"
	Status        string         `json:"status"`       // "active" or "disabled"
	AssignedRoles []AssignedRole `json:"assignedRoles"`
	CreatedAt     Time           `json:"createdAt"`
	CreatedBy     string         `json:"createdBy,omitempty"`
	LastUpdatedAt Time           `json:"lastUpdatedAt"`
	UpdatedBy     string         `json:"updatedBy,omitempty"`
	Links         SelfLinks      `json:"links"`
}

// GroupList is a page of groups.
type GroupList struct {
	Data         []Group   `json:"data"`
	Links        PageLinks `json:"links"`
	TotalResults *int64    `json:"totalResults,omitempty"`
}

// CreateGroupRequest is the body of POST /api/v1/groups.
type CreateGroupRequest struct {
	Name          string          `json:"name"`
	Description   string          `json:"description,omitempty"`
	ProviderType  string          `json:"providerType,omitempty"` // absent: "idp"
	Status        string          `json:"status,omitempty"`       // absent: "active"
	AssignedRoles []RoleReference `json:"assignedRoles,omitempty"`
}

// GroupSettings are a tenant's settings of groups. SystemGroups is by id; there is
// one, which every user is in.
type GroupSettings struct {
	AutoCreateGroups bool                   `json:"autoCreateGroups"`
	SyncIDPGroups    bool                   `json:"syncIdpGroups"`
	SystemGroups     map[string]SystemGroup `json:"systemGroups"`
	TenantID         string                 `json:"tenantId"`
	Links            SelfLinks              `json:"links"`
}

// SystemGroup is a group that is there by itself.
type SystemGroup struct {
	ID            string         `json:"id"`
	Name          string         `json:"name"`
	Enabled       bool           `json:"enabled"`
	AssignedRoles []AssignedRole `json:"assignedRoles"`
	CreatedAt     Time           `json:"createdAt"`
	LastUpdatedAt Time           `json:"lastUpdatedAt"`
}
