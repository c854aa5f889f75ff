// Package cache keeps what the request path reads again and again in memory,
// without ever keeping it past a change.
package cache

import (
	"context"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
)

// Map is a bounded read-through cache. A value that was being loaded while its
// key was invalidated is returned to the caller that asked but not kept.
type Map[K comparable, V any] struct {
	load func(context.Context, K) (V, error)
	max  int

	mu     sync.RWMutex
	values map[K]*V      // pointers, because a map grows by doubling and values are large
	epoch  atomic.Uint64 // counts invalidations

	hits, misses atomic.Uint64
}

// Stats say how much use a cache is.
type Stats struct {
	Hits, Misses uint64 // since the start
	Entries      int    // now
}

// Stats returns how the cache did.
func (m *Map[K, V]) Stats() Stats {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return Stats{Hits: m.hits.Load(), Misses: m.misses.Load(), Entries: len(m.values)}
}

// New makes a Map of at most limit entries; over the limit, arbitrary entries
// make room. Errors of load are returned and not cached.
func New[K comparable, V any](limit int, load func(context.Context, K) (V, error)) *Map[K, V] {
	return &Map[K, V]{load: load, max: limit, values: make(map[K]*V)}
}

// Get returns the cached value of key, or loads it. What is kept of a key that is a
// text is a copy: the text may be a part of a request that also has a secret.
func (m *Map[K, V]) Get(ctx context.Context, key K) (V, error) {
	m.mu.RLock()
	kept := m.values[key]
	m.mu.RUnlock()
	if kept != nil {
		m.hits.Add(1)
		return *kept, nil
	}
	m.misses.Add(1)
	key = copied(key)
	epoch := m.epoch.Load()
	v, err := m.load(ctx, key)
	if err != nil {
		return v, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.epoch.Load() != epoch {
		return v, nil // a change came between the read and now; it may be about this key
	}
	for k := range m.values {
		if len(m.values) < m.max {
			break
		}
		delete(m.values, k)
	}
	m.values[key] = &v
	return v, nil
}

// copied is a key with a memory of its own, if it is a text.
func copied[K comparable](key K) K {
	if v := reflect.ValueOf(&key).Elem(); v.Kind() == reflect.String {
		v.SetString(strings.Clone(v.String()))
	}
	return key
}

// Invalidate forgets key.
func (m *Map[K, V]) Invalidate(key K) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.epoch.Add(1)
	delete(m.values, key)
}

// InvalidateAll forgets the keys that forget names. It looks at every key, so it
// is for rare changes.
func (m *Map[K, V]) InvalidateAll(forget func(K) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.epoch.Add(1)
	for key := range m.values {
		if forget(key) {
			delete(m.values, key)
		}
	}
}

// Clear forgets everything.
func (m *Map[K, V]) Clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.epoch.Add(1)
	clear(m.values)
}
