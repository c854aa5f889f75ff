package api

// User is a person or a bot in one tenant. Roles, Groups, Created and
// LastUpdated repeat other fields in the older form that the contract's
// clients still read.
type User struct {
	ID             string         `json:"id"` // 24 hexadecimal digits
	TenantID       string         `json:"tenantId"`
	ClientID       string         `json:"clientId,omitempty"` // set on bots: the client that acts through it
	Status         string         `json:"status"`
	Subject        string         `json:"subject"`
	Name           string         `json:"name"`
	Email          string         `json:"email,omitempty"`
	Roles          []string       `json:"roles"`
	AssignedRoles  []AssignedRole `json:"assignedRoles"`
	AssignedGroups []any          `json:"assignedGroups"`
	Groups         []string       `json:"groups"`
	CreatedAt      Time           `json:"createdAt"`
	LastUpdatedAt  Time           `json:"lastUpdatedAt"`
	Created        Time           `json:"created"`
	LastUpdated    Time           `json:"lastUpdated"`
	Links          SelfLinks      `json:"links"`
}

// AssignedRole is a role that a user has.
type AssignedRole struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Type  string `json:"type"`  // "default" or "custom"
	Level string `json:"level"` // "admin" or "user"
}
