package estate

import "time"

// SeatType is a kind of seat that a subscription has.
type SeatType string

// The types of seats.
const (
	SeatProfessional SeatType = "professional"
	SeatAnalyzer     SeatType = "analyzer"
)

// SeatTypes are the types of seats.
func SeatTypes() []SeatType { return []SeatType{SeatProfessional, SeatAnalyzer} }

// Seats are the seats of one type that a subscription has. All of its tenants
// share them.
type Seats struct {
	Type  SeatType
	Units int64
	Used  int64
}

// LicenseAssignment is that a subject of a tenant has a seat.
type LicenseAssignment struct {
	Organization OrganizationID
	Subscription SubscriptionID
	Tenant       TenantID
	Subject      string
	Type         SeatType
	CreatedAt    time.Time
}
