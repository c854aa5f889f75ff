package provision

import (
	"context"
	"sync"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// How long the creation of a tenant waits for its provisioners.
const (
	DefaultWait = 20 * time.Second
	MaxWait     = 45 * time.Second // less than the server has for an answer
)

// Wait waits until the provisioners of t are through with it, for some time at
// most, and returns t as it is then. It does not wait for a tenant that is not
// pending, or when the server is about to stop.
func (s *Service) Wait(ctx context.Context, t estate.Tenant, atMost time.Duration) (estate.Tenant, error) {
	if t.Provisioning.State != estate.ProvisioningPending {
		return t, nil
	}
	enough, cancel := context.WithTimeout(ctx, min(atMost, MaxWait))
	defer cancel()
	changed, leave := s.waiting.join(t.Hostname)
	defer leave()
	for {
		err := s.store.Read(ctx, func(tx *store.Tx) error {
			now, err := tx.Tenant(ctx, t.Scope(), t.ID)
			if err == nil {
				t = now
			}
			return err
		})
		if err != nil || t.Provisioning.State != estate.ProvisioningPending {
			return t, err
		}
		select {
		case <-changed:
		case <-enough.Done():
			return t, nil
		case <-s.waiting.over:
			return t, nil
		}
	}
}

// StopWaiting ends what Wait does, now and from now on.
func (s *Service) StopWaiting() { s.waiting.once.Do(func() { close(s.waiting.over) }) }

// waiting is who waits for a change of which tenant, by its generated host name:
// that is what the feed of changes tells.
type waiting struct {
	mu   sync.Mutex
	who  map[estate.Hostname]map[chan struct{}]bool
	once sync.Once
	over chan struct{}
}

func (w *waiting) init() {
	w.who, w.over = map[estate.Hostname]map[chan struct{}]bool{}, make(chan struct{})
}

func (w *waiting) join(name estate.Hostname) (changed <-chan struct{}, leave func()) {
	c := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.who[name] == nil {
		w.who[name] = map[chan struct{}]bool{}
	}
	w.who[name][c] = true
	return c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if delete(w.who[name], c); len(w.who[name]) == 0 {
			delete(w.who, name)
		}
	}
}

func (w *waiting) notice(changes []store.Change) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range changes {
		for name, all := range w.who {
			if c.Kind == store.ChangeAll || c.Kind == store.ChangeHostname && c.Key == string(name) {
				for one := range all {
					select {
					case one <- struct{}{}:
					default:
					}
				}
			}
		}
	}
}
