package estate

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// AuditRecord says that somebody did, or was refused to do, something. One that
// was done is also an event.
type AuditRecord struct {
	ID      AuditID
	Time    time.Time
	Scope   Scope // at which level it happened
	Actor   Actor
	Action  string // "tenant.create"
	Type    string // of the event: "com.qlik.tenant.created"
	Source  string // of the event: "com.qlik/tenants"
	Target  string // id of what it was done to, if any
	Outcome Outcome
	Data    map[string]any // safe to show; never holds secrets

	// Position counts the records of the organization from 1, in the order in which
	// they were committed; 0: it is in no chain. Hash is over the record and the one
	// before. Both are the store's.
	Position int64
	Hash     string
}

// AuditID is 32 hexadecimal digits: 48 bits of time, 80 random bits.
type AuditID string

// NewAuditID makes the id of a record of the time.
func NewAuditID(at time.Time) AuditID { return AuditID(hex.EncodeToString(timedBytes(at, 16))) }

// Outcome is how an audited attempt ended.
type Outcome string

// The outcomes.
const (
	OutcomeDone    Outcome = "done"
	OutcomeRefused Outcome = "refused"
)

// ChainHash is the hash of a record in the chain of its organization: SHA-256, in
// hexadecimal digits, over a netstring ("length:text,") of each of these, in this
// order: "freehold audit 1", the hash of the record before (empty for the first),
// position, id, time in microseconds, organization, subscription, region, tenant,
// kind and id of the actor, user, action, type, source, target, outcome, data (the
// JSON text), trace id.
func (r AuditRecord) ChainHash(previous, data string) string {
	sum := sha256.New()
	for _, text := range [...]string{
		"freehold audit 1", previous, fmt.Sprint(r.Position), string(r.ID), fmt.Sprint(r.Time.UnixMicro()),
		string(r.Scope.Organization), string(r.Scope.Subscription), string(r.Scope.Region), string(r.Scope.Tenant),
		string(r.Actor.Kind), r.Actor.ID, string(r.Actor.User), r.Action, r.Type, r.Source, r.Target, string(r.Outcome), data, r.Actor.TraceID,
	} {
		fmt.Fprintf(sum, "%d:%s,", len(text), text)
	}
	return hex.EncodeToString(sum.Sum(nil))
}
