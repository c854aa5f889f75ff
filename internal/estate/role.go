package estate

import (
	"crypto/sha256"
	"encoding/hex"
)

// RoleName is the name of a role within a tenant.
type RoleName string

// RoleTenantAdmin administers the tenant.
const RoleTenantAdmin RoleName = "TenantAdmin"

// RoleID is 24 hexadecimal digits.
type RoleID string

// Role is a set of rights within a tenant.
type Role struct {
	ID    RoleID
	Name  RoleName
	Type  string // "default" or "custom"
	Level string // "admin" or "user"
}

// DefaultRole is the built-in role called name. Built-in roles are the same in
// every tenant, so their ids are too.
func DefaultRole(name RoleName) Role {
	sum := sha256.Sum256([]byte("freehold role " + name))
	return Role{ID: RoleID(hex.EncodeToString(sum[:12])), Name: name, Type: "default", Level: "admin"}
}
