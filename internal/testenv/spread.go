package testenv

import (
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/freehold-platform/freehold/internal/app"
)

// nodesVariable names the environment variable that says over how many servers on
// one PostgreSQL database the requests of a test are spread.
const nodesVariable = "FREEHOLD_TEST_NODES"

// spread has each request of e.Client answered by one of several servers, at
// random, if the environment asks for it and the database is one that several can
// share. What a test does with e.App happens at one of them.
func (e *Env) spread() {
	e.t.Helper()
	nodes, _ := strconv.Atoi(os.Getenv(nodesVariable))
	if nodes < 2 || e.App.Config.Database == "" {
		return
	}
	config := e.App.Config
	if config.PublicPort == 0 {
		config.PublicPort = e.Port
	}
	all := &spread{at: []node{{e.App, e.Client.Transport}}}
	for range nodes - 1 {
		n := open(e.t, config, e.Dir, e.Clock)
		n.App.FollowInterval = spreadInterval
		_, transport := serve(e.t, n.App)
		e.Servers = append(e.Servers, n.App)
		all.at = append(all.at, node{n.App, transport})
	}
	e.Client.Transport = all
}

// spreadInterval is how often servers that share the requests of a test look for
// changes: they are waited for before each request.
const spreadInterval = 10 * time.Millisecond

// spread sends each request to one of several servers.
type spread struct{ at []node }

type node struct {
	app *app.App
	http.RoundTripper
}

// RoundTrip implements http.RoundTripper. A server may answer by what was true a
// second ago; so that a test can rely on what it has done before, the one that is
// asked has heard of all changes until now, and of what the others have counted.
func (s *spread) RoundTrip(r *http.Request) (*http.Response, error) {
	n := s.at[rand.IntN(len(s.at))]
	now := time.Now()
	ticker := time.NewTicker(spreadInterval / 2)
	defer ticker.Stop()
	for n.app.Store.Heard().Before(now) {
		select {
		case <-ticker.C:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	for _, each := range slices.Concat(s.at, []node{n}) { // n learns what all have told
		if err := each.app.Peers.Once(r.Context()); err != nil {
			return nil, err
		}
	}
	return n.RoundTripper.RoundTrip(r)
}
