package app_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/job"
	"github.com/freehold-platform/freehold/internal/pgtest"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// twoNodes runs two servers on one database at a PostgreSQL server.
func twoNodes(t *testing.T, url string) [2]*testenv.Env {
	t.Helper()
	dir := t.TempDir()
	config := testenv.Config(t, dir)
	config.Database = url
	first := testenv.StartAlone(t, config, dir)
	return [2]*testenv.Env{first, first.Node()}
}

// promise is how soon after a change on one node the others know of it.
const promise = time.Second

// within waits until done holds, and fails when that takes longer than the promise
// and the time that a busy machine needs on top.
func within(t *testing.T, what string, done func() bool) {
	t.Helper()
	const patience = 20 * promise
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	tooLate := time.After(patience)
	for !done() {
		select {
		case <-tooLate:
			t.Fatalf("%s: not after %s", what, patience)
		case <-ticker.C:
		}
	}
}

// TestNodes_Jobs: each of many jobs is done once, by one of two nodes, wherever it
// was asked for.
func TestNodes_Jobs(t *testing.T) { jobsOnce(t, twoNodes(t, pgtest.New(t, nil))) }

func jobsOnce(t *testing.T, nodes [2]*testenv.Env) {
	const jobs = 100
	var mu sync.Mutex
	times := map[string]int{}
	wrote := make(chan struct{}, jobs)
	for _, n := range nodes {
		n.App.Jobs.Handle(job.Kind{Name: "count", Do: func(_ context.Context, j job.Job) error {
			mu.Lock()
			times[string(j.Payload)]++
			mu.Unlock()
			wrote <- struct{}{}
			return nil
		}})
	}
	for i := range jobs {
		a := nodes[rand.IntN(2)].App
		err := a.Store.Write(t.Context(), func(tx *store.Tx) error {
			return a.Jobs.Enqueue(t.Context(), tx, job.New{Kind: "count", Payload: i})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for range jobs {
		<-wrote
	}
	// The other attempts, if there were any, are made by what is still due.
	if n, err := nodes[0].App.Jobs.RunDue(t.Context()); err != nil || n != 0 {
		t.Errorf("%d jobs are left (%v)", n, err)
	}
	mu.Lock()
	defer mu.Unlock()
	for i := range jobs {
		if times[fmt.Sprint(i)] != 1 {
			t.Errorf("job %d was done %d times", i, times[fmt.Sprint(i)])
		}
	}
}

// TestNodes_Changes: what is changed on one node soon holds on the other, although
// that had it in memory.
func TestNodes_Changes(t *testing.T) { changes(t, twoNodes(t, pgtest.New(t, nil))) }

// TestNodes_Pooler: all of that holds through a pooler that hands out connections
// by transaction, where nobody can listen for notifications.
func TestNodes_Pooler(t *testing.T) {
	nodes := twoNodes(t, pgtest.Bouncer(t, pgtest.New(t, nil)))
	changes(t, nodes)
	jobsOnce(t, nodes)
}

func changes(t *testing.T, nodes [2]*testenv.Env) {
	here, there := nodes[0], nodes[1]
	tenant := here.Tenant(here.Subscription(2), "us")
	client := here.TenantClient(tenant)
	token := here.Token(here.TenantURL(tenant), client)
	use := func() int {
		return there.Do(testenv.Request{URL: there.TenantURL(tenant) + "/api/v1/oauth-clients", Token: token}).Status
	}
	within(t, "the token is good on the other node", func() bool { return use() == http.StatusOK })
	if err := here.App.Credential.DeleteClient(t.Context(), testenv.Operator, credential.Realm{Level: estate.LevelTenant, Scope: tenant.Scope()}, client.ID, string(client.ID)); err != nil {
		t.Fatal(err)
	}
	within(t, "and no more when its client is gone", func() bool { return use() == http.StatusUnauthorized })
}

// TestNodes_Random makes requests at random nodes: what one has answered, the other
// goes on from, and an entitlement is sold once.
func TestNodes_Random(t *testing.T) {
	const limit, callers = 3, 8
	nodes := twoNodes(t, pgtest.New(t, nil))
	sub := nodes[0].Subscription(limit, "us")
	client := nodes[0].RegionClient(sub, "us")
	license := nodes[0].LicenseKey(sub)
	node := func() *testenv.Env { return nodes[rand.IntN(2)] }
	order := map[string]string{"licenseKey": license}
	tokens := make([]string, callers)
	for i := range tokens {
		n := node()
		tokens[i] = n.Token(n.Register("us"), client)
	}
	var mu sync.Mutex
	answers := map[int]int{}
	var group sync.WaitGroup
	for _, token := range tokens {
		n := node()
		group.Go(func() {
			have := n.Do(testenv.Request{Method: http.MethodPost, URL: n.Register("us") + "/api/v1/tenants", Token: token, JSON: order})
			mu.Lock()
			defer mu.Unlock()
			answers[have.Status]++
		})
	}
	group.Wait()
	if answers[http.StatusCreated] != limit {
		t.Errorf("answers: %v, want %d created", answers, limit)
	}
	for _, n := range nodes {
		now, err := n.App.Tenancy.Subscription(t.Context(), testenv.Operator, sub.ID)
		if err != nil || now.TenantCount != limit {
			t.Errorf("%d tenants (%v)", now.TenantCount, err)
		}
	}
}
