package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// ExportFormat names the form of exported records.
const ExportFormat = "freehold audit 1"

// Exported is a record as it is exported: a line of JSON. It has all that its hash
// is over (see estate.AuditRecord.ChainHash), so that the file can be verified by
// itself.
type Exported struct {
	Format       string          `json:"format"`
	Organization string          `json:"organization"` // empty: the server's own records
	Position     int64           `json:"position"`
	ID           string          `json:"id"`
	Time         int64           `json:"time"` // Unix microseconds
	At           string          `json:"at"`   // the same, for people; no part of the hash
	Subscription string          `json:"subscription"`
	Region       string          `json:"region"`
	Tenant       string          `json:"tenant"`
	ActorKind    string          `json:"actorKind"`
	Actor        string          `json:"actor"`
	User         string          `json:"user"`
	Action       string          `json:"action"`
	Type         string          `json:"type"`
	Source       string          `json:"source"`
	Target       string          `json:"target"`
	Outcome      string          `json:"outcome"`
	Data         json.RawMessage `json:"data"` // the text as it is hashed
	TraceID      string          `json:"traceId"`
	Previous     string          `json:"previousHash"`
	Hash         string          `json:"hash"`
}

// Export is how a link of a chain is exported. previous is the hash of the one
// before.
func Export(l store.ChainLink, previous string) Exported {
	r := l.Record
	return Exported{
		Format: ExportFormat, Organization: string(r.Scope.Organization), Position: r.Position, ID: string(r.ID),
		Time: r.Time.UnixMicro(), At: r.Time.UTC().Format(time.RFC3339Nano), Subscription: string(r.Scope.Subscription), Region: string(r.Scope.Region),
		Tenant: string(r.Scope.Tenant), ActorKind: string(r.Actor.Kind), Actor: r.Actor.ID, User: string(r.Actor.User), Action: r.Action, Type: r.Type,
		Source: r.Source, Target: r.Target, Outcome: string(r.Outcome), Data: json.RawMessage(l.Data), TraceID: r.Actor.TraceID, Previous: previous, Hash: r.Hash,
	}
}

// link is the link that e was made of.
func (e Exported) link() store.ChainLink {
	return store.ChainLink{Data: string(e.Data), Record: estate.AuditRecord{
		ID: estate.AuditID(e.ID), Time: time.UnixMicro(e.Time).UTC(), Position: e.Position, Hash: e.Hash,
		Scope: estate.Scope{
			Organization: estate.OrganizationID(e.Organization), Subscription: estate.SubscriptionID(e.Subscription),
			Region: estate.RegionCode(e.Region), Tenant: estate.TenantID(e.Tenant),
		},
		Actor:  estate.Actor{Kind: estate.ActorKind(e.ActorKind), ID: e.Actor, User: estate.UserID(e.User), TraceID: e.TraceID},
		Action: e.Action, Type: e.Type, Source: e.Source, Target: e.Target, Outcome: estate.Outcome(e.Outcome),
	}}
}

// Verifier checks chains, link by link. The zero Verifier is ready.
type Verifier struct {
	chains map[estate.OrganizationID]store.ChainHead // as far as they are verified
	known  map[store.ChainHead]bool                  // whether it was met
}

// Know has the verifier look for a link that was noted at an earlier time: a chain
// that was cut or written anew as a whole does not have it.
func (v *Verifier) Know(head store.ChainHead) {
	if v.known == nil {
		v.known = map[store.ChainHead]bool{}
	}
	v.known[head] = false
}

// Link checks the next link of its chain: that it follows the one before, and is
// what was hashed.
func (v *Verifier) Link(l store.ChainLink) error {
	if v.chains == nil {
		v.chains = map[estate.OrganizationID]store.ChainHead{}
	}
	r := l.Record
	before := v.chains[r.Scope.Organization]
	switch {
	case r.Position != before.Position+1:
		return fmt.Errorf("%s: after record %d comes %d: records were removed, or put elsewhere", chainName(r.Scope.Organization), before.Position, r.Position)
	case r.Hash != r.ChainHash(before.Hash, l.Data):
		return fmt.Errorf("%s: record %d (%s) was changed, or the one before it", chainName(r.Scope.Organization), r.Position, r.ID)
	}
	head := store.ChainHead{Organization: r.Scope.Organization, Position: r.Position, Hash: r.Hash}
	v.chains[r.Scope.Organization] = head
	if _, ok := v.known[head]; ok {
		v.known[head] = true
	}
	return nil
}

// Exported checks a line of an export as Link does.
func (v *Verifier) Exported(e Exported) error {
	if e.Format != ExportFormat {
		return fmt.Errorf("the format is %q, not %q", e.Format, ExportFormat)
	}
	if before := v.chains[estate.OrganizationID(e.Organization)].Hash; e.Previous != before {
		return fmt.Errorf("%s: record %d does not follow the one before", chainName(estate.OrganizationID(e.Organization)), e.Position)
	}
	if at, err := time.Parse(time.RFC3339Nano, e.At); err != nil || at.UnixMicro() != e.Time {
		return fmt.Errorf("%s: record %d (%s) was changed: its at is not its time", chainName(estate.OrganizationID(e.Organization)), e.Position, e.ID)
	}
	return v.Link(e.link())
}

// chainGone is wrong with a chain that has no record: that of an organization begins
// with its creation.
const chainGone = "the chain is gone: no record is known to be in it"

// Ends checks that a chain ends where it should.
func (v *Verifier) Ends(head store.ChainHead) error {
	if head.Position == 0 {
		return fmt.Errorf("%s: %s", chainName(head.Organization), chainGone)
	}
	if have := v.chains[head.Organization]; have.Position != head.Position || have.Hash != head.Hash {
		return fmt.Errorf("%s: the chain ends with record %d, and should end with %d: records were removed", chainName(head.Organization), have.Position, head.Position)
	}
	return nil
}

// Done checks that there was something to verify, and that all links were met that
// the verifier was to know of. It returns where each chain ends.
func (v *Verifier) Done() (map[estate.OrganizationID]store.ChainHead, error) {
	for head, met := range v.known {
		if !met {
			return nil, fmt.Errorf("%s: record %d is not the one that was noted: the chain was cut or written anew", chainName(head.Organization), head.Position)
		}
	}
	if len(v.chains) == 0 {
		return nil, errors.New("there is nothing to verify: no record is in a chain")
	}
	return v.chains, nil
}

func chainName(organization estate.OrganizationID) string {
	if organization == "" {
		return "the server's own records"
	}
	return "organization " + string(organization)
}
