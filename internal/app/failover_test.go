package app_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/pgtest"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestFailover kills the primary of a Patroni cluster under two servers that write
// and issue tokens, one through HAProxy and one that knows all three PostgreSQL
// servers: what was acknowledged is there, writes fail for a while only, and tokens
// are issued all the time. It takes about a minute and is asked for by
// FREEHOLD_TEST_FAILOVER=1 (make failover).
func TestFailover(t *testing.T) {
	if os.Getenv("FREEHOLD_TEST_FAILOVER") == "" {
		t.Skip("takes a minute; FREEHOLD_TEST_FAILOVER=1 runs it")
	}
	cluster := pgtest.NewCluster(t)
	dir := t.TempDir()
	config := testenv.Config(t, dir)
	config.Database = cluster.URL
	first := testenv.StartAlone(t, config, dir)
	config.Database, config.PublicPort = cluster.Direct, first.Port
	nodes := [2]*testenv.Env{first, first.NodeWith(config)}
	sub := first.Subscription(1_000_000, "us")
	client := first.RegionClient(sub, "us")
	license := first.LicenseKey(sub)
	token := first.Token(first.Register("us"), client)

	type attempt struct {
		id         string
		began, end time.Time
		status     int
	}
	var mu sync.Mutex
	attempts := map[string][]attempt{} // "write", "token"
	ctx, stop := context.WithCancel(t.Context())
	var load sync.WaitGroup
	defer load.Wait()
	defer stop()
	repeat := func(kind string, do func(n int) (id string, status int)) {
		load.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				a := attempt{began: time.Now()}
				a.id, a.status = do(n)
				a.end = time.Now()
				mu.Lock()
				attempts[kind] = append(attempts[kind], a)
				mu.Unlock()
				select {
				case <-ctx.Done():
				case <-time.After(10 * time.Millisecond): // the figures are about the failover, not the machine
				}
			}
		})
	}
	for writer := range 4 {
		repeat("write", func(n int) (string, int) {
			id := fmt.Sprintf("w%d-%d", writer, n)
			at := nodes[rand.IntN(2)]
			return id, at.Do(testenv.Request{Method: http.MethodPost, URL: at.Register("us") + "/api/v1/tenants", Token: token, JSON: map[string]any{
				"licenseKey": license, "externalId": id,
			}}).Status
		})
	}
	for i := range nodes {
		repeat("token", func(int) (string, int) {
			return "", nodes[i].Do(testenv.Request{URL: nodes[i].Register("us") + "/oauth/token", Form: client.Form()}).Status
		})
	}
	written := func(since time.Time) bool {
		mu.Lock()
		defer mu.Unlock()
		return slices.ContainsFunc(attempts["write"], func(a attempt) bool { return a.status == http.StatusCreated && a.began.After(since) })
	}
	await := func(what string, since time.Time) {
		t.Helper()
		deadline := time.After(2 * time.Minute)
		for !written(since) {
			select {
			case <-deadline:
				t.Fatalf("no write %s", what)
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	start := time.Now()
	await("at first", start.Add(3*time.Second))
	killed := time.Now()
	old := cluster.KillPrimary(t)
	await("after the primary was killed", killed.Add(time.Second))
	mu.Lock()
	var back time.Time // when the first write that began after the kill was acknowledged, for good
	for _, a := range attempts["write"] {
		if a.status == http.StatusCreated && a.began.After(killed) && (back.IsZero() || a.end.Before(back)) {
			back = a.end
		}
	}
	mu.Unlock()
	await("later on", time.Now().Add(5*time.Second))
	stop()
	load.Wait()

	acknowledged, failed := 0, 0
	for _, a := range attempts["write"] {
		if a.status == http.StatusCreated {
			acknowledged++
			continue
		}
		failed++
		if a.end.Before(killed) || a.began.After(back.Add(time.Second)) {
			t.Errorf("a write failed with %d outside of the failover, %s after the kill", a.status, a.end.Sub(killed))
		}
	}
	lost := 0
	for _, a := range attempts["write"] {
		if a.status != http.StatusCreated {
			continue
		}
		at := nodes[rand.IntN(2)]
		tenant, err := at.App.Tenancy.TenantByExternalID(t.Context(), testenv.Operator, sub.ID, a.id)
		if err != nil || tenant.ExternalID != a.id {
			lost++
			t.Errorf("the tenant %s was acknowledged and is lost (%v)", a.id, err)
		}
	}
	tokens, refused := len(attempts["token"]), 0
	meanwhile := 0
	for _, a := range attempts["token"] {
		if a.status != http.StatusOK {
			refused++
		}
		if a.began.After(killed) && a.end.Before(back) {
			meanwhile++
		}
	}
	if refused > 0 || meanwhile == 0 {
		t.Errorf("%d of %d tokens were refused, and %d issued while there was no primary", refused, tokens, meanwhile)
	}
	t.Logf("primary %s killed: no write for %.1f s; %d writes acknowledged, %d lost, %d failed; %d tokens, %d of them meanwhile, %d refused",
		old, back.Sub(killed).Seconds(), acknowledged, lost, failed, tokens, meanwhile, refused)
}
