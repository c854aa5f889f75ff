// Package webhook tells addresses of events: it manages webhooks, matches events
// with them, and delivers each until it has arrived or there is no hope.
package webhook

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/job"
	"github.com/freehold-platform/freehold/internal/keyring"
	"github.com/freehold-platform/freehold/internal/outbound"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/telemetry"
)

// MaxWebhooks is how many webhooks a tenant can have, and an organization.
const MaxWebhooks = estate.MaxWebhooks

// Service manages webhooks. It is safe for concurrent use.
type Service struct {
	// Metrics and Tracer are told of deliveries. They are set before the service is
	// used; nil: nobody is.
	Metrics *telemetry.Metrics
	Tracer  *telemetry.Tracer

	store *store.Store
	keys  *keyring.Keyring
	audit event.Auditor
	jobs  *job.Queue
	fetch *outbound.Client
	post  *outbound.Poster
	now   func() time.Time
	log   *slog.Logger
}

// New makes the service. It reaches what fetch may reach.
func New(db *store.Store, keys *keyring.Keyring, audit event.Auditor, jobs *job.Queue, fetch *outbound.Client, now func() time.Time, log *slog.Logger) *Service {
	s := &Service{store: db, keys: keys, audit: audit, jobs: jobs, fetch: fetch, post: outbound.NewPoster(fetch, attemptTimeout), now: now, log: log}
	jobs.Handle(job.Kind{Name: jobSend, Do: s.send, Outside: true})
	jobs.Handle(job.Kind{
		Name: jobRetry, Do: s.deliver, Outside: true, Attempts: maxAttempts - 1, Backoff: func(attempt int) time.Duration { return job.Backoff(attempt + 1) },
	})
	jobs.Handle(job.Kind{Name: jobDeliver, Do: s.deliver, Outside: true, Attempts: maxAttempts})
	return s
}

// may tells why actor may not manage the webhooks of its scope.
func may(actor estate.Actor) error {
	if actor.Scope.Tenant != "" {
		return event.AdministersTenant(actor, api.ScopeAdminWebhooks)
	}
	return actor.Lacks(estate.LevelOrganization, api.ScopeOrgWebhooks)
}

// by is how webhooks name who made and changed them.
func by(actor estate.Actor) string {
	if actor.User != "" {
		return string(actor.User)
	}
	return actor.ID
}

// secrets are what a webhook has that nobody may see.
type secrets struct {
	Secret  string            `json:"secret,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
}

// sealPurpose is what the secrets of webhooks are sealed for.
const sealPurpose = "webhook"

func (s *Service) seal(w *estate.Webhook, plain secrets) error {
	w.HasSecret, w.HiddenHeaders, w.Sealed = plain.Secret != "", headerNames(plain.Headers), nil
	if plain.Secret == "" && len(plain.Headers) == 0 {
		return nil
	}
	text, err := json.Marshal(plain) //nolint:gosec // to be sealed
	if err != nil {
		return err
	}
	w.Sealed, err = s.keys.Seal(sealPurpose, string(w.ID), text)
	return err
}

func (s *Service) unseal(w estate.Webhook) (plain secrets, err error) {
	if len(w.Sealed) == 0 {
		return plain, nil
	}
	text, err := s.keys.Open(sealPurpose, string(w.ID), w.Sealed)
	if err == nil {
		err = json.Unmarshal(text, &plain)
	}
	return plain, err
}

// Create makes a webhook in the scope of actor. It is told of what happens from
// now on.
func (s *Service) Create(ctx context.Context, actor estate.Actor, in Input) (w estate.Webhook, err error) {
	const action = "webhook.create"
	defer s.audit.Refused(ctx, actor, action, "", &err)
	if err := may(actor); err != nil {
		return w, err
	}
	if err := s.validate(actor.Scope, in); err != nil {
		return w, err
	}
	now := s.now()
	w = estate.Webhook{ID: estate.NewWebhookID(), Scope: actor.Scope, Origin: in.Origin, CreatedAt: now, CreatedBy: by(actor)}
	if w.Origin == "" {
		w.Origin = "api"
	}
	if err := s.apply(&w, in, actor, now); err != nil {
		return w, err
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		all, err := tx.Webhooks(ctx, actor.Scope)
		if err != nil {
			return err
		}
		if len(all) >= MaxWebhooks {
			return errTooMany
		}
		if err := s.from(ctx, tx, &w); err != nil {
			return err
		}
		if err := tx.InsertWebhook(ctx, w); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, w.Scope, action, string(w.ID), describe(w))
	})
	return w, err
}

var errTooMany = estate.E(estate.Conflict, api.CodeWebhookLimit, "Too many webhooks", "There can be 150 webhooks.")

// from has w be told of what happens after this transaction began.
func (s *Service) from(ctx context.Context, tx *store.Tx, w *estate.Webhook) error {
	_, head, err := tx.EventCursor(ctx, estate.Scope{Organization: w.Scope.Organization}, consumer)
	w.After = head
	return err
}

// apply sets all that in says.
func (s *Service) apply(w *estate.Webhook, in Input, actor estate.Actor, now time.Time) error {
	w.Name, w.Description, w.URL, w.EventTypes, w.Filter = in.Name, in.Description, in.URL, in.EventTypes, in.Filter
	w.Enabled, w.Headers, w.CheckRevocation = in.Enabled, in.Headers, in.CheckRevocation
	w.UpdatedAt, w.UpdatedBy = now, by(actor)
	if w.Enabled {
		w.DisabledReason, w.DisabledCode, w.FailingSince = "", "", time.Time{}
	}
	return s.seal(w, secrets{Secret: in.Secret.Reveal(), Headers: in.EncryptedHeaders})
}

// describe is what the audit trail tells of a webhook.
func describe(w estate.Webhook) map[string]any {
	return map[string]any{"name": w.Name, "url": w.URL, "eventTypes": w.EventTypes, "enabled": w.Enabled}
}

// Get returns a webhook of the scope of actor.
func (s *Service) Get(ctx context.Context, actor estate.Actor, id estate.WebhookID) (w estate.Webhook, err error) {
	if err := may(actor); err != nil {
		return w, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		w, err = tx.Webhook(ctx, actor.Scope, id)
		return err
	})
	return w, err
}

// Replace makes all of a webhook what in says; what in leaves out is cleared.
func (s *Service) Replace(ctx context.Context, actor estate.Actor, id estate.WebhookID, in Input) (estate.Webhook, error) {
	return s.update(ctx, actor, id, func(Input) (Input, error) { return in, nil })
}

// Patch changes a webhook: all of it or, after an error, nothing.
func (s *Service) Patch(ctx context.Context, actor estate.Actor, id estate.WebhookID, patch []PatchOperation) error {
	_, err := s.update(ctx, actor, id, func(in Input) (Input, error) { return in.patched(patch) })
	return err
}

func (s *Service) update(ctx context.Context, actor estate.Actor, id estate.WebhookID, change func(Input) (Input, error)) (w estate.Webhook, err error) {
	const action = "webhook.update"
	defer s.audit.Refused(ctx, actor, action, string(id), &err)
	if err := may(actor); err != nil {
		return w, err
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		if w, err = tx.Webhook(ctx, actor.Scope, id); err != nil {
			return err
		}
		in, err := s.input(w)
		if err != nil {
			return err
		}
		if in, err = change(in); err != nil {
			return err
		}
		if err := s.validate(actor.Scope, in); err != nil {
			return err
		}
		was := w.Enabled
		if err := s.apply(&w, in, actor, s.now()); err != nil {
			return err
		}
		if w.Enabled && !was { // it is not told of what happened meanwhile
			if err := s.from(ctx, tx, &w); err != nil {
				return err
			}
		}
		if err := tx.UpdateWebhook(ctx, actor.Scope, w); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, w.Scope, action, string(w.ID), describe(w))
	})
	return w, err
}

// input is what w would be made of.
func (s *Service) input(w estate.Webhook) (Input, error) {
	plain, err := s.unseal(w)
	return Input{
		Name: w.Name, Description: w.Description, URL: w.URL, EventTypes: w.EventTypes, Filter: w.Filter, Enabled: w.Enabled,
		Headers: w.Headers, EncryptedHeaders: plain.Headers, Secret: estate.Secret(plain.Secret), CheckRevocation: w.CheckRevocation,
	}, err
}

// Delete deletes a webhook with its deliveries.
func (s *Service) Delete(ctx context.Context, actor estate.Actor, id estate.WebhookID) (err error) {
	const action = "webhook.delete"
	defer s.audit.Refused(ctx, actor, action, string(id), &err)
	if err := may(actor); err != nil {
		return err
	}
	return s.store.Write(ctx, func(tx *store.Tx) error {
		w, err := tx.Webhook(ctx, actor.Scope, id)
		if err != nil {
			return err
		}
		if err := tx.DeleteWebhook(ctx, actor.Scope, id); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, w.Scope, action, string(w.ID), describe(w))
	})
}
