package credential

import (
	"context"
	"sync"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// refusalGap is the least time between two audit records of one client's
// refused assertions by one server: whoever knows a client's id could else fill the
// disk.
const refusalGap = time.Second

// refusals collects refused assertions until they are written, behind the token
// path as usage is. There is one entry for each client that exists, at most.
type refusals struct {
	mu      sync.Mutex
	pending map[estate.ClientID]*refused
	written map[estate.ClientID]time.Time // within the last refusalGap
}

// refused is one or more refusals of one client: the first in full, and how
// many there were.
type refused struct {
	client    estate.Client
	at        time.Time
	parameter string
	reason    string
	count     int
}

func (r *refusals) add(client estate.Client, parameter, reason string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if known := r.pending[client.ID]; known != nil {
		known.count++
		return
	}
	if r.pending == nil {
		r.pending = make(map[estate.ClientID]*refused)
	}
	r.pending[client.ID] = &refused{client, now, parameter, reason, 1}
}

// take returns what is to be written now; all of it at the end.
func (r *refusals) take(now time.Time, all bool) []*refused {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, at := range r.written {
		if now.Sub(at) >= refusalGap {
			delete(r.written, id)
		}
	}
	var due []*refused
	for id, entry := range r.pending {
		if _, recent := r.written[id]; recent && !all {
			continue
		}
		due = append(due, entry)
		delete(r.pending, id)
		if r.written == nil {
			r.written = make(map[estate.ClientID]time.Time)
		}
		r.written[id] = now
	}
	return due
}

// flushRefusals writes the audit records of refused assertions.
func (s *Service) flushRefusals(ctx context.Context, all bool) {
	due := s.refusals.take(s.now(), all)
	if len(due) == 0 {
		return
	}
	err := s.store.Write(ctx, func(tx *store.Tx) error {
		for _, r := range due {
			record := estate.AuditRecord{
				Time: r.at, Scope: r.client.Scope, Action: "oauth-token.issue", Target: string(r.client.ID), Outcome: estate.OutcomeRefused,
				Actor: estate.Actor{Kind: estate.ActorClient, ID: string(r.client.ID), Level: r.client.Level},
				Data:  map[string]any{"code": api.CodeOAuthInvalidClient, "parameter": r.parameter, "reason": r.reason, "attempts": r.count},
			}
			if err := s.audit.Append(ctx, tx, record); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.log.ErrorContext(ctx, "audit records lost", "action", "oauth-token.issue", "clients", len(due), "error", err)
	}
}
