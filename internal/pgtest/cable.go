package pgtest

import (
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// Cable is a way to a database that can be cut, while others reach it by ways of
// their own.
type Cable struct {
	URL string // of the database by this way

	server string // its socket
	mu     sync.Mutex
	cut    bool
	hung   bool
	ends   map[net.Conn]struct{}
}

// NewCable lays a cable to the database at address, which New has returned.
func NewCable(t testing.TB, address string) *Cable {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	c := &Cable{server: query.Get("host") + "/.s.PGSQL.5432", ends: map[net.Conn]struct{}{}}
	query.Del("host")
	u.Host, u.RawQuery = listener.Addr().String(), query.Encode()
	c.URL = u.String()
	var group sync.WaitGroup
	group.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			group.Go(func() { c.carry(near) })
		}
	})
	t.Cleanup(func() {
		err := listener.Close()
		c.Cut()
		group.Wait()
		if err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
	return c
}

// Cut ends all connections by the cable; new ones are ended at once.
func (c *Cable) Cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = true
	for end := range c.ends {
		_ = end.Close()
	}
}

// Mend lets connections through again.
func (c *Cable) Mend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = false
}

// Hang lets all that is sent from now on get lost, as a server does that has stopped
// without an end of its connections.
func (c *Cable) Hang() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hung = true
}

func (c *Cable) hangs() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hung
}

// carry connects near with the server until either ends.
func (c *Cable) carry(near net.Conn) {
	defer near.Close()
	far, err := net.Dial("unix", c.server)
	if err != nil {
		return
	}
	defer far.Close()
	if !c.join(near, far) {
		return
	}
	defer c.leave(near, far)
	done := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
		go func() {
			_, _ = io.Copy(lossy{way[0], c}, way[1])
			done <- struct{}{}
		}()
	}
	<-done
	_, _ = near.Close(), far.Close()
	<-done
}

func (c *Cable) join(ends ...net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, end := range ends {
		c.ends[end] = struct{}{}
	}
	return !c.cut
}

func (c *Cable) leave(ends ...net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, end := range ends {
		delete(c.ends, end)
	}
}

// lossy is an end to which nothing comes through while the cable hangs.
type lossy struct {
	net.Conn

	cable *Cable
}

func (l lossy) Write(b []byte) (int, error) {
	if l.cable.hangs() {
		return len(b), nil
	}
	return l.Conn.Write(b)
}
