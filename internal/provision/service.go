// Package provision hooks a platform team's own infrastructure into the life of
// tenants: it calls the provisioners of a subscription about each change of a
// tenant, until they have done their part.
//
// A call exists if, and only if, the change was committed: it is a durable job.
// Provisioners are told of the state that a tenant is in, not of each step on the
// way: a change takes the place of the call before, if that has no answer yet.
package provision

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/job"
	"github.com/freehold-platform/freehold/internal/keyring"
	"github.com/freehold-platform/freehold/internal/outbound"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/telemetry"
)

// Limits of calls.
const (
	CallTimeout  = 20 * time.Second // for an answer, or for the word that it comes later
	AnswerWithin = time.Hour        // after that word, and after each that it takes longer
	attempts     = 10               // with job.Backoff between, about 17 hours
	recheck      = time.Minute      // how often the job of an accepted call looks for the answer

	jobKind = "provisioning.call"
)

// Service manages provisioners and calls them. It is safe for concurrent use.
type Service struct {
	Metrics *telemetry.Metrics // told of calls; set before the service is used; nil: nobody is

	store  *store.Store
	keys   *keyring.Keyring
	audit  event.Auditor
	jobs   *job.Queue
	guard  *outbound.Client
	poster *outbound.Poster
	now    func() time.Time
	domain string

	console atomic.Pointer[string] // its origin, for callbacks
	waiting waiting
}

// New makes the service, and has jobs done by it. guard says which addresses may
// be called; domain is the base domain that host names end in.
func New(db *store.Store, keys *keyring.Keyring, audit event.Auditor, jobs *job.Queue, guard *outbound.Client, now func() time.Time, domain string) *Service {
	s := &Service{store: db, keys: keys, audit: audit, jobs: jobs, guard: guard, poster: outbound.NewPoster(guard, CallTimeout), now: now, domain: domain}
	s.ServeAt("https://" + estate.ConsoleLabel + "." + domain)
	s.waiting.init()
	jobs.Handle(job.Kind{Name: jobKind, Do: s.call, Attempts: attempts})
	db.Subscribe(s.waiting.notice)
	return s
}

// ServeAt says at which origin provisioners find the console host.
func (s *Service) ServeAt(console string) { s.console.Store(&console) }

// Close closes the connections to provisioners.
func (s *Service) Close() { s.poster.Close() }

// callPayload is the payload of a job: a call to one provisioner about one tenant.
type callPayload struct {
	Organization estate.OrganizationID `json:"organization"`
	Tenant       estate.TenantID       `json:"tenant"`
	Provisioner  estate.ProvisionerID  `json:"provisioner"`
	Call         estate.CallID         `json:"call"`

	// ExternalID is what the owner called the tenant, which is not in the row of one
	// that is purged.
	ExternalID string `json:"externalId,omitempty"`
}

// scope is the reach of the call.
func (c callPayload) scope() estate.Scope {
	return estate.Scope{Organization: c.Organization, Tenant: c.Tenant}
}

// Changed has the provisioners of the subscription of t called about a change of
// it, and notes in t how far they are. It belongs into the transaction of the
// change, after it. Where there are no provisioners it costs one statement.
func (s *Service) Changed(ctx context.Context, tx *store.Tx, t *estate.Tenant, change estate.TenantChange) error {
	_, err := s.start(ctx, tx, t, store.ProvisioningStart{Change: change})
	return err
}

func (s *Service) start(ctx context.Context, tx *store.Tx, t *estate.Tenant, start store.ProvisioningStart) (called []estate.ProvisionerID, err error) {
	start.Call, start.At = estate.NewCallID(), s.now()
	called, status, err := tx.StartProvisioning(ctx, t.Scope(), t.ID, start)
	if err != nil || len(called) == 0 {
		return nil, err
	}
	t.Provisioning = status
	for _, id := range called {
		payload := callPayload{Organization: t.Organization, Tenant: t.ID, Provisioner: id, Call: start.Call, ExternalID: t.ExternalID}
		if err := s.jobs.Enqueue(ctx, tx, job.New{Kind: jobKind, Payload: payload}); err != nil {
			return nil, err
		}
	}
	return called, nil
}
