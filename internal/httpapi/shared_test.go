package httpapi_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/app"
	"github.com/freehold-platform/freehold/internal/pgtest"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestShared: what servers on one database count in memory holds over both of them
// once they have told one another, and what must not wait for that does not.
func TestShared(t *testing.T) {
	database := pgtest.New(t, nil)
	here := limited(t, func(c *app.Config) { c.Database = database })
	there := here.Node()
	tell := func(t *testing.T) {
		t.Helper()
		all := append(slices.Clone(here.Servers), there.App)
		for _, a := range slices.Concat(all, all) {
			if err := a.Peers.Once(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	sub := here.Subscription(10, "us")

	t.Run("rates", func(t *testing.T) {
		tenant := here.Tenant(sub, "us")
		token := here.Token(here.TenantURL(tenant), here.TenantClient(tenant))
		list := func(n *testenv.Env) int {
			return n.Do(testenv.Request{URL: n.TenantURL(tenant) + "/api/v1/oauth-clients", Token: token}).Status
		}
		for i := range 20 {
			if have := list([]*testenv.Env{here, there}[i%2]); have != http.StatusOK {
				t.Fatalf("request %d of 20: %d", i+1, have)
			}
		}
		tell(t)
		for _, n := range []*testenv.Env{here, there} {
			if have := list(n); have != http.StatusTooManyRequests {
				t.Errorf("after ten requests at each of two servers: %d", have)
			}
		}
		restarted := here.Node() // knows what was counted before it started
		if err := restarted.App.Peers.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		if have := list(restarted); have != http.StatusTooManyRequests {
			t.Errorf("at a server that was started since: %d", have)
		}
	})

	t.Run("wrong secrets", func(t *testing.T) {
		client := here.RegionClient(sub, "us")
		try := func(n *testenv.Env, secret string) int {
			c := client
			c.Secret = secret
			return n.Do(testenv.Request{URL: n.Register("us") + "/oauth/token", Form: c.Form()}).Status
		}
		for range 5 {
			if have := try(here, "wrong"); have != http.StatusUnauthorized {
				t.Fatalf("a wrong secret: %d", have)
			}
		}
		tell(t)
		if have := try(there, client.Secret); have != http.StatusTooManyRequests {
			t.Errorf("at the other server: %d", have)
		}
	})

	t.Run("devices", func(t *testing.T) {
		ask := func(n *testenv.Env) int {
			return n.Do(testenv.Request{URL: n.Console() + api.DeviceAuthorizationPath, Form: url.Values{"client_id": {api.CLIClientID}}}).Status
		}
		for range 60 {
			if have := ask(here); have != http.StatusOK {
				t.Fatalf("a device: %d", have)
			}
		}
		tell(t)
		if have := ask(there); have != http.StatusTooManyRequests {
			t.Errorf("one more, at the other server: %d", have)
		}
	})

	t.Run("DPoP proofs", func(t *testing.T) {
		tenant := here.Tenant(sub, "us")
		client := here.TenantClient(tenant)
		origin := here.TenantURL(tenant)
		s := newSender(t, here)
		token := s.token(origin, client.Form())
		show := func(n *testenv.Env, method, proof string) int {
			header := http.Header{"Authorization": {"DPoP " + token.AccessToken}, "Dpop": {proof}, "Content-Type": {"application/json"}}
			var body []byte
			if method == http.MethodPost {
				body = []byte(`{"name":"by proof"}`)
			}
			answer, _ := exchangeHTTP(t, n, method, origin+"/api/v1/spaces", header, body)
			return answer.StatusCode
		}
		read := s.proof(http.MethodGet, origin+"/api/v1/spaces", s.nonce(origin), token.AccessToken, nil)
		if have := show(here, http.MethodGet, read); have != http.StatusOK {
			t.Fatalf("a read: %d", have)
		}
		tell(t)
		if have := show(there, http.MethodGet, read); have != http.StatusUnauthorized {
			t.Errorf("the read again, at the other server that was told: %d", have)
		}
		write := s.proof(http.MethodPost, origin+"/api/v1/spaces", s.nonce(origin), token.AccessToken, nil)
		first := show(here, http.MethodPost, write)
		if first == http.StatusUnauthorized || first >= http.StatusInternalServerError {
			t.Fatalf("a write: %d", first)
		}
		if have := show(there, http.MethodPost, write); have != http.StatusUnauthorized {
			t.Errorf("the write again, at the other server at once: %d", have)
		}
	})
}
