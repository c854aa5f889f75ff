package api

// User is a person or a bot in one tenant. Roles, Groups, Created and
// LastUpdated repeat other fields in the older form that the contract's
// clients still read.
type User struct {
	ID                string          `json:"id"` // 24 hexadecimal digits
	TenantID          string          `json:"tenantId"`
	ClientID          string          `json:"clientId,omitempty"` // set on bots: the client that acts through it
	Status            string          `json:"status"`             // "active", "invited", "disabled" or "provisioned"
	Subject           string          `json:"subject"`
	Name              string          `json:"name"`
	Email             string          `json:"email,omitempty"`
	Picture           string          `json:"picture,omitempty"`
	Locale            string          `json:"locale,omitempty"`
	Zoneinfo          string          `json:"zoneinfo,omitempty"`
	PreferredLocale   string          `json:"preferredLocale,omitempty"`
	PreferredZoneinfo string          `json:"preferredZoneinfo,omitempty"`
	InviteExpiry      int64           `json:"inviteExpiry,omitempty"` // seconds since 1970; of invited users
	Roles             []string        `json:"roles"`
	AssignedRoles     []AssignedRole  `json:"assignedRoles"`
	AssignedGroups    []AssignedGroup `json:"assignedGroups"`
	AssignedScopes    []string        `json:"assignedScopes,omitempty"` // that custom roles of the user give
	Groups            []string        `json:"groups"`
	CreatedAt         Time            `json:"createdAt"`
	LastUpdatedAt     Time            `json:"lastUpdatedAt"`
	Created           Time            `json:"created"`
	LastUpdated       Time            `json:"lastUpdated"`
	Links             SelfLinks       `json:"links"`
}

// AssignedRole is a role that a user or group has.
type AssignedRole struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Type  string `json:"type"`  // "default" or "custom"
	Level string `json:"level"` // "admin" or "user"
}

// AssignedGroup is a group that a user is in.
type AssignedGroup struct {
	ID            string         `json:"id"`
	Name          string         `json:"name"`
	ProviderType  string         `json:"providerType"` // "idp" or "custom"
	AssignedRoles []AssignedRole `json:"assignedRoles"`
}

// UserList is a page of users.
type UserList struct {
	Data         []User    `json:"data"`
	Links        PageLinks `json:"links"`
	TotalResults *int64    `json:"totalResults,omitempty"`
}

// FilterRequest is the body of the actions/filter of users and groups.
type FilterRequest struct {
	Filter string `json:"filter,omitempty"` // SCIM; absent: all
}

// RoleReference names a role by its id or its name.
type RoleReference struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

// CreateUserRequest is the body of POST /api/v1/users. Only Subject is required.
type CreateUserRequest struct {
	Subject           string          `json:"subject"`
	Name              string          `json:"name,omitempty"` // absent: the e-mail address or else the subject
	Email             string          `json:"email,omitempty"`
	Picture           string          `json:"picture,omitempty"`
	Status            string          `json:"status,omitempty"`   // absent: "active"
	TenantID          string          `json:"tenantId,omitempty"` // must be that of the tenant, if given
	AssignedRoles     []RoleReference `json:"assignedRoles,omitempty"`
	Locale            string          `json:"locale,omitempty"`
	Zoneinfo          string          `json:"zoneinfo,omitempty"`
	PreferredLocale   string          `json:"preferredLocale,omitempty"`
	PreferredZoneinfo string          `json:"preferredZoneinfo,omitempty"`
}

// InviteRequest is the body of POST /api/v1/users/actions/invite.
type InviteRequest struct {
	Invitees []Invitee `json:"invitees"` // 1 to 100
}

// Invitee is who is to be invited.
type Invitee struct {
	Email    string `json:"email"`
	Name     string `json:"name,omitempty"` // absent: the e-mail address
	Language string `json:"language,omitempty"`
	Resend   bool   `json:"resend,omitempty"` // make an invitation that is there last longer
}

// InviteResponse tells how each invitation went, in the order of the request.
type InviteResponse struct {
	Data []InviteResult `json:"data"`
}

// InviteResult is how one invitation went. Subject and UserID are there if there
// is a user, Code and Title after an error.
type InviteResult struct {
	Email   string `json:"email"`
	Status  string `json:"status"` // "ok", "exists" or "error"
	Subject string `json:"subject,omitempty"`
	UserID  string `json:"userId,omitempty"`
	Code    string `json:"code,omitempty"`
	Title   string `json:"title,omitempty"`
	Detail  string `json:"detail,omitempty"`
}
