package httpapi_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freehold-platform/freehold/internal/apitest"
	"github.com/freehold-platform/freehold/internal/app"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/tenancy"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// limited starts a server that limits callers to 4 reads and 2 writes a minute:
// 20 and 10 in the window.
func limited(t *testing.T, change func(*app.Config)) *testenv.Env {
	t.Helper()
	dir := t.TempDir()
	config := app.Defaults()
	config.DataDir, config.Domain = filepath.Join(dir, "data"), testenv.Domain
	config.RateLimits, config.RateTier1PerMinute, config.RateTier2PerMinute = app.RateLimitsContract, 4, 2
	if change != nil {
		change(&config)
	}
	return testenv.Start(t, config, dir)
}

type rateAnswer struct {
	status int
	header http.Header
	body   []byte
}

// send sends a request and holds the exchange to the document of surface.
func send(t *testing.T, e *testenv.Env, surface, method, target, body string, header http.Header) rateAnswer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		request.Header[name] = values
	}
	response, err := e.Client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	apitest.Check(t, surface, request, []byte(body), response, got)
	return rateAnswer{response.StatusCode, response.Header, got}
}

func get(t *testing.T, e *testenv.Env, surface, target, token string) rateAnswer {
	t.Helper()
	return send(t, e, surface, http.MethodGet, target, "", http.Header{"Authorization": {"Bearer " + token}})
}

func askToken(t *testing.T, e *testenv.Env, surface, origin, id, secret string, from ...string) rateAnswer {
	t.Helper()
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	if len(from) > 0 {
		header["X-Forwarded-For"] = from
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}}
	return send(t, e, surface, http.MethodPost, origin+"/oauth/token", form.Encode(), header)
}

// retryAfter is how long a 429 says to wait; its body must say the same.
func retryAfter(t *testing.T, a rateAnswer) time.Duration {
	t.Helper()
	if a.status != http.StatusTooManyRequests {
		t.Fatalf("answered %d %s, want 429", a.status, a.body)
	}
	seconds, err := strconv.Atoi(a.header.Get("Retry-After"))
	if err != nil || seconds < 1 {
		t.Fatalf("Retry-After is %q", a.header.Get("Retry-After"))
	}
	if !bytes.Contains(a.body, []byte("ait "+strconv.Itoa(seconds)+" seconds")) {
		t.Errorf("Retry-After is %d, the body says %s", seconds, a.body)
	}
	return time.Duration(seconds) * time.Second
}

func TestRateLimits(t *testing.T) {
	e := limited(t, nil)
	sub := e.Subscription(5)
	tenant := e.Tenant(sub, "us")
	origin := e.TenantURL(tenant)
	me := origin + "/api/v1/tenants/" + string(tenant.ID)
	token := e.Token(origin, e.RegionClient(sub, "us"))
	neighbour := e.Token(origin, e.TenantClient(tenant))

	for i := range 20 {
		if a := get(t, e, "tenant", me, token); a.status != http.StatusOK {
			t.Fatalf("request %d of 20: %d %s", i+1, a.status, a.body)
		}
	}
	refused := get(t, e, "tenant", me, token)
	wait := retryAfter(t, refused)
	want := `{"errors":[{"code":"HTTP-429","title":"API rate limit reached.","detail":"You need to wait ` +
		strconv.Itoa(int(wait.Seconds())) + ` seconds until limit is lifted."}],"traceId":"` + refused.header.Get("X-B3-Traceid") + `"}`
	if got := strings.TrimSpace(string(refused.body)); got != want {
		t.Errorf("the body is %s\nwant        %s", got, want)
	}
	// The whole tier is refused, and nothing else.
	if a := get(t, e, "tenant", origin+"/api/v1/licenses/overview", token); a.status != http.StatusTooManyRequests {
		t.Errorf("another operation of the tier: %d", a.status)
	}
	if a := get(t, e, "tenant", me, neighbour); a.status != http.StatusOK {
		t.Errorf("another caller: %d %s", a.status, a.body)
	}
	write := send(t, e, "tenant", http.MethodPost, origin+"/api/v1/oauth-clients", `{"clientName":"x","appType":"web"}`,
		http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}})
	if write.status == http.StatusTooManyRequests {
		t.Errorf("the other tier: %d %s", write.status, write.body)
	}
	if a := send(t, e, "tenant", http.MethodGet, origin+"/.well-known/jwks.json", "", nil); a.status != http.StatusOK {
		t.Errorf("what has no tier: %d", a.status)
	}
	e.Clock.Advance(wait - time.Second)
	if a := get(t, e, "tenant", me, token); a.status != http.StatusTooManyRequests {
		t.Errorf("a second before the time: %d", a.status)
	}
	e.Clock.Advance(time.Second)
	if a := get(t, e, "tenant", me, token); a.status != http.StatusOK {
		t.Errorf("after the time: %d %s", a.status, a.body)
	}
}

// TestRateLimits_Token: tokens are counted for clients that have proved who they
// are, together with what else is of the tier; each host on its own.
func TestRateLimits_Token(t *testing.T) {
	e := limited(t, nil)
	sub := e.Subscription(5)
	origin := e.TenantURL(e.Tenant(sub, "us"))
	c := e.RegionClient(sub, "us")
	for range 3 { // wrong secrets use up nothing
		if a := askToken(t, e, "tenant", origin, string(c.ID), "wrong"); a.status != http.StatusUnauthorized {
			t.Fatalf("wrong secret: %d", a.status)
		}
	}
	for i := range 10 {
		if a := askToken(t, e, "tenant", origin, string(c.ID), c.Secret); a.status != http.StatusOK {
			t.Fatalf("token %d of 10: %d %s", i+1, a.status, a.body)
		}
	}
	refused := askToken(t, e, "tenant", origin, string(c.ID), c.Secret)
	wait := retryAfter(t, refused)
	var body map[string]any
	if err := json.Unmarshal(refused.body, &body); err != nil || body["error"] != "temporarily_unavailable" || refused.header.Get("Cache-Control") != "no-store" {
		t.Errorf("answered %s with %v", refused.body, refused.header)
	}
	if a := askToken(t, e, "register", e.Register("us"), string(c.ID), c.Secret); a.status != http.StatusOK {
		t.Errorf("at another host: %d %s", a.status, a.body)
	}
	other := e.RegionClient(sub, "us")
	if a := askToken(t, e, "tenant", origin, string(other.ID), other.Secret); a.status != http.StatusOK {
		t.Errorf("another client: %d %s", a.status, a.body)
	}
	e.Clock.Advance(wait)
	if a := askToken(t, e, "tenant", origin, string(c.ID), c.Secret); a.status != http.StatusOK {
		t.Errorf("after the time: %d %s", a.status, a.body)
	}
}

// TestRateLimits_Off: nobody who did not ask for limits meets them.
func TestRateLimits_Off(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	origin := e.TenantURL(e.Tenant(sub, "us"))
	c := e.RegionClient(sub, "us")
	for i := range 600 { // the contract's limit is 500 in the window
		if a := askToken(t, e, "tenant", origin, string(c.ID), c.Secret); a.status != http.StatusOK {
			t.Fatalf("token %d: %d %s", i+1, a.status, a.body)
		}
	}
}

// TestRateLimits_Subscription: what a subscription says comes before the
// deployment's limits, whether it is more, less, or the deployment has none.
func TestRateLimits_Subscription(t *testing.T) {
	for name, tt := range map[string]struct {
		off       bool
		perMinute int64
		want      int // requests served
	}{
		"more":            {false, 6, 30},
		"less":            {false, 1, 5},
		"the deployment":  {false, 0, 20},
		"where it is off": {true, 2, 10},
	} {
		t.Run(name, func(t *testing.T) {
			e := limited(t, func(c *app.Config) {
				if tt.off {
					c.RateLimits = app.RateLimitsOff
				}
			})
			sub := e.Subscription(5)
			tenant, untouched := e.Tenant(sub, "us"), e.Tenant(e.Subscription(5), "us")
			me := e.TenantURL(tenant) + "/api/v1/tenants/" + string(tenant.ID)
			token := e.Token(e.TenantURL(tenant), e.TenantClient(tenant))
			if a := get(t, e, "tenant", me, token); a.status != http.StatusOK { // warms the cache
				t.Fatal(a.status)
			}
			sub, err := e.App.Tenancy.UpdateSubscription(t.Context(), testenv.Operator, sub.ID, tenancy.SubscriptionUpdate{RateTier1: &tt.perMinute})
			if err != nil || sub.RateTier1 != tt.perMinute || sub.RateTier2 != 0 {
				t.Fatalf("%+v, %v", sub, err)
			}
			served := 1
			for served <= 100 && get(t, e, "tenant", me, token).status == http.StatusOK {
				served++
			}
			if tt.off {
				served-- // the first was not counted: there was no limit yet
			}
			if served != tt.want {
				t.Errorf("%d requests were served, want %d", served, tt.want)
			}
			other := e.TenantURL(untouched) + "/api/v1/tenants/" + string(untouched.ID)
			if a := get(t, e, "tenant", other, e.Token(e.TenantURL(untouched), e.TenantClient(untouched))); a.status != http.StatusOK {
				t.Errorf("another subscription: %d", a.status)
			}
		})
	}
}

func TestRateLimits_InvalidSubscription(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	for _, bad := range []int64{-1, 1_000_001} {
		if _, err := e.App.Tenancy.UpdateSubscription(t.Context(), testenv.Operator, sub.ID, tenancy.SubscriptionUpdate{RateTier2: &bad}); err == nil {
			t.Errorf("%d is accepted", bad)
		}
	}
}

// TestAttempts_SlowedDown: five wrong secrets, then waiting; and nobody waits
// because of somebody elsewhere.
func TestAttempts_SlowedDown(t *testing.T) {
	e := limited(t, func(c *app.Config) {
		c.RateLimits, c.TrustedProxies = app.RateLimitsOff, "127.0.0.0/8"
	})
	sub := e.Subscription(5)
	origin := e.Register("us")
	c := e.RegionClient(sub, "us")
	const attacker, owner = "192.0.2.66", "198.51.100.7"
	ask := func(id, secret, from string) rateAnswer {
		t.Helper()
		return askToken(t, e, "register", origin, id, secret, from)
	}
	if a := ask(string(c.ID), c.Secret, owner); a.status != http.StatusOK {
		t.Fatal(a.status)
	}
	invented := string(estate.NewClientID())
	var answers [2][]string // without what is different for every request
	for i, id := range []string{string(c.ID), invented} {
		for range 7 {
			a := ask(id, "wrong", attacker)
			text := strconv.Itoa(a.status) + " " + a.header.Get("Retry-After") + " " + string(a.body)
			answers[i] = append(answers[i], strings.ReplaceAll(text, a.header.Get("X-B3-Traceid"), ""))
		}
		if wait := retryAfter(t, ask(id, "wrong", attacker)); wait != time.Second {
			t.Errorf("after five failures the wait is %v", wait)
		}
	}
	if diff := cmp.Diff(answers[0], answers[1]); diff != "" {
		t.Errorf("a client that exists is told from an invented one:\n%s", diff)
	}
	for i, a := range answers[0] {
		if slowed := strings.HasPrefix(a, "429 "); slowed != (i >= 5) {
			t.Errorf("attempt %d: %s", i+1, a)
		}
	}
	right := ask(string(c.ID), c.Secret, attacker)
	retryAfter(t, right)
	if !bytes.Contains(right.body, []byte(`"code":"OAUTH-30"`)) || !bytes.Contains(right.body, []byte(`"error":"temporarily_unavailable"`)) {
		t.Errorf("answered %s", right.body)
	}
	if a := ask(string(c.ID), c.Secret, owner); a.status != http.StatusOK {
		t.Errorf("the owner, elsewhere: %d %s", a.status, a.body)
	}
	e.Clock.Advance(time.Second)
	if a := ask(string(c.ID), "wrong", attacker); a.status != http.StatusUnauthorized {
		t.Errorf("after the wait: %d", a.status)
	}
	if wait := retryAfter(t, ask(string(c.ID), "wrong", attacker)); wait != 2*time.Second {
		t.Errorf("the next wait is %v", wait)
	}
	e.Clock.Advance(2 * time.Second)
	if a := ask(string(c.ID), c.Secret, attacker); a.status != http.StatusOK {
		t.Errorf("the right secret after the wait: %d", a.status)
	}
	if a := ask(string(c.ID), "wrong", attacker); a.status != http.StatusUnauthorized {
		t.Errorf("the first wrong one after it: %d", a.status)
	}

	e.Flush()
	var records []estate.AuditRecord
	err := e.App.Store.Read(t.Context(), func(tx *store.Tx) error {
		all, err := tx.AuditRecords(t.Context(), c.Scope, 100)
		for _, r := range all {
			if r.Action == "oauth-client.throttle" {
				records = append(records, r)
			}
		}
		return err
	})
	if err != nil || len(records) != 1 || records[0].Target != string(c.ID) || records[0].Data["address"] != attacker || records[0].Outcome != estate.OutcomeRefused {
		t.Errorf("the audit trail has %+v, %v", records, err)
	}
}

// TestAttempts_SharedAddress: who shares an address with a client, such as that
// of a proxy that is not trusted, can't lock it out of there.
func TestAttempts_SharedAddress(t *testing.T) {
	e := testenv.New(t)
	origin := e.Register("us")
	c := e.RegionClient(e.Subscription(5), "us")
	if a := askToken(t, e, "register", origin, string(c.ID), c.Secret); a.status != http.StatusOK {
		t.Fatal(a.status)
	}
	for range 5 {
		askToken(t, e, "register", origin, string(c.ID), "wrong")
	}
	for range 200 { // unheard of by the rule for addresses, too
		if wait := retryAfter(t, askToken(t, e, "register", origin, string(c.ID), "wrong")); wait != time.Second {
			t.Fatalf("the wait is %v", wait)
		}
	}
	if a := askToken(t, e, "register", origin, string(estate.NewClientID()), "wrong"); a.status != http.StatusUnauthorized {
		t.Errorf("another client at the address: %d %s", a.status, a.body)
	}
	if a := askToken(t, e, "register", origin, string(c.ID), c.Secret); a.status != http.StatusOK {
		t.Errorf("the client itself: %d %s", a.status, a.body)
	}
}

// TestAttempts_Forwarded: without a trusted proxy the header changes nothing, so
// nobody gets more attempts by it.
func TestAttempts_Forwarded(t *testing.T) {
	e := testenv.New(t)
	c := e.RegionClient(e.Subscription(5), "us")
	for i := range 5 {
		askToken(t, e, "register", e.Register("us"), string(c.ID), "wrong", "192.0.2."+strconv.Itoa(i))
	}
	retryAfter(t, askToken(t, e, "register", e.Register("us"), string(c.ID), "wrong", "192.0.2.99"))
}

// TestAttempts_Address: who tries many ids is stopped as a whole, without harm
// to a client that shares the address.
func TestAttempts_Address(t *testing.T) {
	e := testenv.New(t)
	origin := e.Register("us")
	c := e.RegionClient(e.Subscription(5), "us")
	if a := askToken(t, e, "register", origin, string(c.ID), c.Secret); a.status != http.StatusOK {
		t.Fatal(a.status)
	}
	for i := range 100 {
		if a := askToken(t, e, "register", origin, string(estate.NewClientID()), "wrong"); a.status != http.StatusUnauthorized {
			t.Fatalf("attempt %d: %d %s", i+1, a.status, a.body)
		}
	}
	wait := retryAfter(t, askToken(t, e, "register", origin, "no-client-id", "wrong"))
	if a := askToken(t, e, "register", origin, string(c.ID), c.Secret); a.status != http.StatusOK {
		t.Errorf("the client that shares the address: %d %s", a.status, a.body)
	}
	e.Clock.Advance(wait)
	if a := askToken(t, e, "register", origin, "no-client-id", "wrong"); a.status != http.StatusUnauthorized {
		t.Errorf("after the wait: %d %s", a.status, a.body)
	}
}
