package outbound

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// How long documents are used.
const (
	minAge     = time.Minute      // even if the server wants none
	defaultAge = 10 * time.Minute // when the server doesn't say
	maxMaxAge  = 24 * time.Hour
	staleFor   = 24 * time.Hour   // after its age, while no newer one is to be had
	failedFor  = 30 * time.Second // a failed fetch is not repeated
	refreshGap = time.Minute      // between fetches that Refresh makes

	maxDocuments = 10_000
)

// Cache keeps what parse makes of fetched documents. However many callers want
// a document, at most one fetch of it is under way. While a server is down,
// what it said last is used for up to a day longer.
type Cache[T any] struct {
	client *Client
	parse  func(url string, body []byte) (T, error)

	mu      sync.Mutex
	entries map[string]*entry[T]
}

type entry[T any] struct {
	value   T
	known   bool      // value is one
	fresh   time.Time // until when value needs no fetch
	tried   time.Time // end of the last fetch
	err     error     // of the last fetch
	running chan struct{}
}

// NewCache makes a cache of documents that client fetches.
func NewCache[T any](client *Client, parse func(url string, body []byte) (T, error)) *Cache[T] {
	return &Cache[T]{client: client, parse: parse, entries: make(map[string]*entry[T])}
}

// Get returns what is at url: from memory while that is fresh, else fetched.
func (c *Cache[T]) Get(ctx context.Context, url string) (T, error) {
	return c.get(ctx, url, func(e *entry[T], now time.Time) bool {
		switch {
		case e.known && now.Before(e.fresh):
			return false
		case e.err != nil && now.Before(e.tried.Add(failedFor)):
			return false
		}
		return true
	})
}

// Refresh is for when what Get returned lacks something that should be there:
// it fetches again, unless that was done within the last minute.
func (c *Cache[T]) Refresh(ctx context.Context, url string) (T, error) {
	return c.get(ctx, url, func(e *entry[T], now time.Time) bool {
		return e.tried.IsZero() || !now.Before(e.tried.Add(refreshGap))
	})
}

func (c *Cache[T]) get(ctx context.Context, url string, due func(*entry[T], time.Time) bool) (T, error) {
	now := c.client.now()
	c.mu.Lock()
	e := c.entry(url)
	if e.running == nil && due(e, now) {
		e.running = make(chan struct{})
		// The fetch is everybody's, so it doesn't end with the caller that began it.
		go c.fetch(context.WithoutCancel(ctx), url, e)
	}
	running := e.running
	c.mu.Unlock()

	if running != nil {
		select {
		case <-running:
		case <-ctx.Done():
			var none T
			return none, fmt.Errorf("fetch %s: %w", url, context.Cause(ctx))
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.known && (e.err == nil || now.Before(e.fresh.Add(staleFor))) {
		return e.value, nil
	}
	var none T
	return none, e.err
}

// entry finds or makes the entry of url. The caller holds mu.
func (c *Cache[T]) entry(url string) *entry[T] {
	if e, ok := c.entries[url]; ok {
		return e
	}
	for other, e := range c.entries {
		if len(c.entries) < maxDocuments {
			break
		}
		if e.running == nil {
			delete(c.entries, other)
		}
	}
	e := &entry[T]{}
	c.entries[url] = e
	return e
}

func (c *Cache[T]) fetch(ctx context.Context, url string, e *entry[T]) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	doc, err := c.client.get(ctx, url)
	var value T
	if err == nil {
		value, err = c.parse(url, doc.body)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	e.tried, e.err = c.client.now(), err
	if err == nil {
		age := doc.maxAge
		if age < 0 {
			age = defaultAge
		}
		e.value, e.known, e.fresh = value, true, e.tried.Add(min(max(age, minAge), maxMaxAge))
	}
	close(e.running)
	e.running = nil
}
