package estate

import (
	"encoding/hex"
	"time"
)

// SavedViewID is 32 hexadecimal digits, 128 random bits.
type SavedViewID string

// NewSavedViewID makes a random id.
func NewSavedViewID() SavedViewID { return SavedViewID(hex.EncodeToString(randomBytes(16))) }

// SavedView is a view of a list that a person keeps under a name: what is looked
// for, the order and the columns. It is the account's alone; what others are shown
// is the address that it leads to.
type SavedView struct {
	ID           SavedViewID
	Organization OrganizationID
	Account      AccountID
	List         string // such as "tenants"
	Name         string
	Query        string // of the list's address, encoded
	CreatedAt    time.Time
	UpdatedAt    time.Time
}
