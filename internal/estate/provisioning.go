package estate

import (
	"encoding/hex"
	"strings"
	"time"
)

// ProvisionerID is 32 hexadecimal digits, 128 random bits.
type ProvisionerID string

// NewProvisionerID makes a random id.
func NewProvisionerID() ProvisionerID { return ProvisionerID(hex.EncodeToString(randomBytes(16))) }

// Valid tells whether id has the format of its kind.
func (id ProvisionerID) Valid() bool { return isHex(string(id), 32) }

// CallID is 32 hexadecimal digits, 128 random bits. It names what a provisioner is
// asked to do, over all attempts to ask it.
type CallID string

// NewCallID makes a random id.
func NewCallID() CallID { return CallID(hex.EncodeToString(randomBytes(16))) }

// Provisioner is an endpoint that is told of what becomes of the tenants of a
// subscription, and answers when it has done its part.
type Provisioner struct {
	ID           ProvisionerID
	Organization OrganizationID
	Subscription SubscriptionID
	Name         string
	URL          string
	SealedSecret []byte // that signs calls, encrypted
	CreatedBy    string
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// Scope is the reach that covers p.
func (p Provisioner) Scope() Scope {
	return Scope{Organization: p.Organization, Subscription: p.Subscription}
}

// TenantChange is what provisioners are told of.
type TenantChange string

// The changes.
const (
	TenantWasCreated     TenantChange = "created"
	TenantWasUpdated     TenantChange = "updated"
	TenantWasDeactivated TenantChange = "deactivated"
	TenantWasReactivated TenantChange = "reactivated"
	TenantWasPurged      TenantChange = "purged"
)

// ProvisioningState is how far a provisioner is with a tenant, or all of them are.
//
//	pending --answer or failure--> ready, failed
//	failed  --another attempt, or a late answer--> ready, failed
//	pending, failed --by hand--> skipped
//	any --a change of the tenant, or by hand--> pending
type ProvisioningState string

// The states.
const (
	ProvisioningPending ProvisioningState = "pending"
	ProvisioningReady   ProvisioningState = "ready"
	ProvisioningFailed  ProvisioningState = "failed"
	ProvisioningSkipped ProvisioningState = "skipped"
)

// Provisioning is the last call of a provisioner for a tenant.
type Provisioning struct {
	Provisioner ProvisionerID
	Name        string // of the provisioner
	Tenant      TenantID
	Call        CallID
	Change      TenantChange
	State       ProvisioningState
	Message     string
	UpdatedAt   time.Time

	// AcceptedUntil is when a provisioner that said it would answer later must have.
	// Beside a failure, it means that this is not counted as an attempt yet. Zero:
	// neither.
	AcceptedUntil time.Time
}

// ProvisioningStatus is how far the provisioners of a tenant are, all in one. The
// zero value is that of a tenant that no provisioner was ever told of: ready.
type ProvisioningStatus struct {
	State     ProvisioningState
	Message   string
	UpdatedAt time.Time
}

// MaxProvisioningMessage is the longest message of a provisioning, in bytes.
const MaxProvisioningMessage = 1000

// SumUp is how far the provisioners of a tenant are: it is ready when all are, and
// what needs somebody's attention comes first. The message has what those say that
// make it so.
func SumUp(all []Provisioning) ProvisioningStatus {
	sum := ProvisioningStatus{State: ProvisioningReady}
	for _, state := range []ProvisioningState{ProvisioningFailed, ProvisioningPending, ProvisioningSkipped, ProvisioningReady} {
		var messages []string
		found := false
		for _, p := range all {
			if p.State != state {
				continue
			}
			found = true
			if p.Message != "" {
				messages = append(messages, p.Name+": "+p.Message)
			}
		}
		if found {
			sum.State, sum.Message = state, strings.Join(messages, "; ")
			break
		}
	}
	sum.Message = CutText(sum.Message, MaxProvisioningMessage)
	return sum
}

// CutText cuts text to at most limit bytes, and makes it valid UTF-8 without
// control characters: it is shown to people.
func CutText(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "�"))
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit-3], "") + "…"
	}
	return text
}
