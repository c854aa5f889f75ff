package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/app"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/keyring"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/tenancy"
)

var operator = estate.Operator("test")

// estateOf is an estate with one tenant, opened by as many processes as a test
// needs.
type estateOf struct {
	t      *testing.T
	config app.Config
	now    func() time.Time
	move   func(time.Duration)

	surface estate.Surface
	client  estate.Client
	secret  estate.Secret
}

func newEstate(t *testing.T, change func(*app.Config)) (*estateOf, *app.App) {
	t.Helper()
	e := &estateOf{t: t, config: app.Defaults()}
	e.config.DataDir = t.TempDir()
	if change != nil {
		change(&e.config)
	}
	var mu sync.Mutex
	now := time.Now().UTC().Truncate(time.Millisecond)
	e.now = func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}
	e.move = func(d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(d)
	}
	a := e.open()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := a.Tenancy.CreateRegion(ctx, operator, estate.Region{Code: "us"})
	must(err)
	organization, err := a.Tenancy.CreateOrganization(ctx, operator, "Acme")
	must(err)
	sub, err := a.Tenancy.CreateSubscription(ctx, operator, estate.Subscription{Organization: organization.ID, TenantLimit: 2, Regions: []estate.RegionCode{"us"}, EndsAt: e.now().Add(50 * 365 * 24 * time.Hour)}, nil)
	must(err)
	tenant, err := a.Tenancy.CreateTenantFor(ctx, operator, sub.ID, "us", tenancy.NewTenant{})
	must(err)
	e.surface = estate.Surface{Kind: estate.SurfaceTenant, Origin: "http://tenant.us.freehold.localhost", Tenant: tenant}
	e.client, e.secret, err = a.Credential.CreateClient(ctx, operator, credential.NewClient{
		Level: estate.LevelRegion, Scope: estate.Scope{Organization: organization.ID, Subscription: sub.ID, Region: "us"},
	})
	must(err)
	return e, a
}

// open opens the estate as one more process.
func (e *estateOf) open() *app.App {
	e.t.Helper()
	a, err := app.Open(e.t.Context(), e.config, slog.New(slog.DiscardHandler), e.now)
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { _ = a.Close() })
	return a
}

// follow has a hear of other processes' changes. The channel gets each change
// after a has taken it in.
func (e *estateOf) follow(a *app.App) <-chan store.Change {
	e.t.Helper()
	heard := make(chan store.Change, 1000)
	a.Store.Subscribe(func(changes []store.Change) {
		for _, c := range changes {
			heard <- c
		}
	})
	ctx, stop := context.WithCancel(context.WithoutCancel(e.t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.Store.Follow(ctx, slog.New(slog.DiscardHandler), time.Now, 10*time.Millisecond)
	}()
	e.t.Cleanup(func() { stop(); <-done })
	e.await(heard, store.ChangeAll)
	return heard
}

func (e *estateOf) await(heard <-chan store.Change, kind store.ChangeKind) {
	e.t.Helper()
	timeout := time.After(10 * time.Second)
	for {
		select {
		case c := <-heard:
			if c.Kind == kind {
				return
			}
		case <-timeout:
			e.t.Fatalf("no change of kind %s in 10 s", kind)
		}
	}
}

func (e *estateOf) token(a *app.App) string {
	e.t.Helper()
	token, err := a.Credential.IssueToken(e.t.Context(), e.surface, credential.TokenRequest{
		GrantType: api.GrantClientCredentials, Credentials: credential.Credentials{ClientID: string(e.client.ID), Secret: e.secret},
	})
	if err != nil {
		e.t.Fatal(err)
	}
	return token.Value
}

func (e *estateOf) actor(a *app.App, token string) (estate.Actor, error) {
	return a.Credential.Authenticate(e.t.Context(), e.surface, credential.Presented{Scheme: "bearer", Token: token})
}

func (e *estateOf) wants(a *app.App, token string, works bool, when string) {
	e.t.Helper()
	var refused *estate.Error
	switch _, err := e.actor(a, token); {
	case works && err != nil:
		e.t.Errorf("%s: %v", when, err)
	case !works && (!errors.As(err, &refused) || refused.Kind != estate.Unauthenticated):
		e.t.Errorf("%s: the token was not refused: %v", when, err)
	}
}

func TestRevocation_ReachesEveryProcess(t *testing.T) {
	e, first := newEstate(t, nil)
	second := e.open()
	heard := e.follow(second)
	one, two, three := e.token(first), e.token(first), e.token(first)
	for _, token := range []string{one, two, three} {
		e.wants(second, token, true, "before")
	}
	actor, err := e.actor(first, one)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Credential.RevokeToken(t.Context(), e.surface, actor, two); err != nil {
		t.Fatal(err)
	}
	e.wants(first, two, false, "where it was revoked")
	e.await(heard, store.ChangeRevocation)
	e.wants(second, two, false, "elsewhere")
	e.wants(second, three, true, "another token elsewhere")

	page, err := second.Credential.Grants(t.Context(), actor, credential.GrantQuery{Limit: 10})
	if err != nil || len(page.Grants) != 1 {
		t.Fatalf("%+v, %v", page, err)
	}
	if err := first.Credential.DeleteGrant(t.Context(), actor, page.Grants[0].ID); err != nil {
		t.Fatal(err)
	}
	e.await(heard, store.ChangeRevocation)
	e.wants(second, three, false, "after its grant was deleted elsewhere")
	e.wants(second, e.token(second), true, "a new token")

	restarted := e.open() // follows nothing: what it knows is from its start
	for _, token := range []string{one, two, three} {
		e.wants(restarted, token, false, "after a restart")
	}
	e.wants(restarted, e.token(restarted), true, "a new token after a restart")

	// What is expired is forgotten, and the token is refused for its age.
	e.move(credential.TokenLifetime + 2*time.Hour)
	if err := first.Store.Write(t.Context(), func(tx *store.Tx) error { return tx.Trim(t.Context(), e.now()) }); err != nil {
		t.Fatal(err)
	}
	var left int
	err = first.Store.Read(t.Context(), func(tx *store.Tx) error {
		tokens, grants, err := tx.Revocations(t.Context(), time.Time{})
		left = len(tokens) + len(grants)
		return err
	})
	if err != nil || left != 0 {
		t.Errorf("%d revocations left, %v", left, err)
	}
	e.wants(first, two, false, "expired")
}

func TestRevocation_FailsClosed(t *testing.T) {
	e, first := newEstate(t, nil)
	token := e.token(first)
	second, err := app.Open(t.Context(), e.config, slog.New(slog.DiscardHandler), e.now)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond) // a closed store never answers
	defer cancel()
	_, err = second.Credential.Authenticate(ctx, e.surface, credential.Presented{Scheme: "bearer", Token: token})
	var refused *estate.Error
	if !errors.As(err, &refused) || refused.Kind != estate.Unavailable {
		t.Errorf("a server that can't know what is revoked answered %v", err)
	}
}

// published reads the key set that a publishes.
func published(t *testing.T, a *app.App) (set jose.JSONWebKeySet) {
	t.Helper()
	if err := json.Unmarshal(a.Credential.JWKS(), &set); err != nil {
		t.Fatal(err)
	}
	return set
}

// verify checks token against a key set as a service of others would, and
// returns the key's id.
func verify(t *testing.T, set jose.JSONWebKeySet, token, algorithm string) string {
	t.Helper()
	parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(algorithm)})
	if err != nil {
		t.Fatal(err)
	}
	header := parsed.Signatures[0].Header
	keys := set.Key(header.KeyID)
	if len(keys) != 1 || keys[0].Algorithm != algorithm || header.ExtraHeaders["typ"] != "at+jwt" {
		t.Fatalf("header %+v fits no key of %d", header, len(set.Keys))
	}
	if _, err := parsed.Verify(keys[0]); err != nil {
		t.Fatal(err)
	}
	return header.KeyID
}

func TestSigning_EveryAlgorithm(t *testing.T) {
	for _, algorithm := range keyring.Algorithms() {
		t.Run(algorithm, func(t *testing.T) {
			e, a := newEstate(t, func(c *app.Config) { c.SigningAlgorithm = algorithm })
			token := e.token(a)
			verify(t, published(t, a), token, algorithm)
			e.wants(a, token, true, "untouched")
			head, rest, _ := strings.Cut(token, ".")
			body, signature, _ := strings.Cut(rest, ".")
			other := e.token(a)
			for what, forged := range map[string]string{
				"another signature": head + "." + body + other[strings.LastIndex(other, "."):],
				"no signature":      head + "." + body + ".",
				"half a signature":  head + "." + body + "." + signature[:len(signature)/2],
				"alg none":          "eyJhbGciOiJub25lIn0." + body + ".",
			} {
				e.wants(a, forged, false, what)
			}
		})
	}
}

func TestRotation(t *testing.T) {
	const every = 30 * 24 * time.Hour
	e, first := newEstate(t, nil)
	second := e.open()
	heard := map[*app.App]<-chan store.Change{first: e.follow(first), second: e.follow(second)}
	tick := func() {
		t.Helper()
		var jobs sync.WaitGroup
		for _, a := range []*app.App{first, second, first, second} { // all at once, as servers do
			jobs.Go(func() {
				if err := a.Credential.RotateDueKeys(context.WithoutCancel(t.Context()), every); err != nil {
					t.Error(err)
				}
			})
		}
		jobs.Wait()
	}
	type issued struct {
		token string
		at    time.Time
	}
	var live []issued
	kids := map[string]bool{}
	start := e.now()
	for e.now().Before(start.Add(100 * 24 * time.Hour)) {
		before := published(t, second)
		tick()
		keys, err := first.Credential.SigningKeys(t.Context(), operator)
		if err != nil {
			t.Fatal(err)
		}
		if len(keys) > 2 {
			t.Fatalf("%d keys at %s: %+v", len(keys), e.now(), keys)
		}
		for a, changes := range heard {
			for len(published(t, a).Keys) != len(keys) {
				e.await(changes, store.ChangeKey)
			}
		}
		fresh := e.token(first)
		kid := verify(t, before, fresh, "ES256") // published before it signed
		kids[kid] = true
		live = append(live, issued{fresh, e.now()})
		for len(live) > 0 && !live[0].at.Add(credential.TokenLifetime).After(e.now()) {
			e.wants(second, live[0].token, false, "an expired token")
			live = live[1:]
		}
		for _, i := range live {
			verify(t, published(t, second), i.token, "ES256") // until it expires
			e.wants(second, i.token, true, "a token of "+i.at.String())
		}
		step := 12 * time.Hour
		if len(keys) > 1 {
			step = 5 * time.Minute // watch the change closely
		}
		e.move(step)
	}
	if len(kids) != 4 {
		t.Errorf("%d keys have signed in 100 days, want 4", len(kids))
	}
	if set := published(t, second); len(set.Keys) != 1 {
		t.Errorf("%d keys are published at the end", len(set.Keys))
	}
}

func TestRotation_AlgorithmOfTheConfiguration(t *testing.T) {
	e, a := newEstate(t, nil)
	before := e.token(a)
	e.config.SigningAlgorithm = "EdDSA"
	a = e.open()
	for range 3 { // once only
		if err := a.Credential.RotateDueKeys(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
	}
	verify(t, published(t, a), e.token(a), "ES256") // not before its time
	e.move(keyring.PublishLead)
	verify(t, published(t, a), e.token(a), "EdDSA")
	verify(t, published(t, a), before, "ES256")
	if set := published(t, a); len(set.Keys) != 2 {
		t.Errorf("%d keys are published", len(set.Keys))
	}
}

func TestRotation_AtOnce(t *testing.T) {
	e, first := newEstate(t, nil)
	second := e.open() // follows nothing: it hears of the key by the token only
	e.wants(second, e.token(first), true, "before")
	if _, err := first.Credential.RotateSigningKey(t.Context(), operator, "ES384", true); err != nil {
		t.Fatal(err)
	}
	token := e.token(first)
	verify(t, published(t, first), token, "ES384")
	e.wants(second, token, true, "a token of an unknown key")
	verify(t, published(t, second), token, "ES384")

	if _, err := first.Credential.RotateSigningKey(t.Context(), estate.Actor{Kind: estate.ActorClient}, "", true); err == nil {
		t.Error("a client rotated the keys")
	}

	// One that waits for its time does not hold up an emergency.
	if _, err := first.Credential.RotateSigningKey(t.Context(), operator, "EdDSA", false); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Credential.RotateSigningKey(t.Context(), operator, "ES256", true); err != nil {
		t.Fatal(err)
	}
	verify(t, published(t, first), e.token(first), "ES256")
	e.move(keyring.PublishLead)
	later := e.token(first)
	verify(t, published(t, first), later, "ES256")
	verify(t, published(t, first), token, "ES384")
	e.wants(second, later, true, "a token of the key that passed over another")
	if set := published(t, first); len(set.Keys) != 4 {
		t.Errorf("%d keys are published", len(set.Keys))
	}
	if _, err := first.Credential.RotateSigningKey(t.Context(), operator, "RS256", true); err == nil {
		t.Error("an unknown algorithm was taken")
	}
}

func TestRewrap(t *testing.T) {
	e, server := newEstate(t, nil)
	old := e.token(server)
	file := filepath.Join(e.config.DataDir, "master.key")
	fresh := filepath.Join(t.TempDir(), "new.key")
	heard := e.follow(server)
	tool := e.open()
	n, err := tool.RewrapKeys(t.Context(), operator, fresh, nil)
	if err != nil || n != 3 {
		t.Fatalf("%d keys, %v", n, err)
	}
	e.await(heard, store.ChangeKey)
	e.wants(server, old, true, "at a running server")
	e.wants(server, e.token(server), true, "a new token at a running server")

	if _, err := server.Credential.RotateSigningKey(t.Context(), operator, "", false); err == nil {
		t.Error("a server with the old master key sealed a new key under it")
	}
	if _, err := app.Open(t.Context(), e.config, slog.New(slog.DiscardHandler), e.now); err == nil {
		t.Error("the old master key still opens the keys")
	}
	text, err := os.ReadFile(fresh)
	if err != nil {
		t.Fatal(err)
	}
	if err := app.WriteFile(file, text, 0o600); err != nil { // in the place of the old one
		t.Fatal(err)
	}
	if _, err := server.Credential.RotateSigningKey(t.Context(), operator, "", true); err != nil {
		t.Errorf("the running server did not take the new file: %v", err)
	}
	e.config.KeyCommand = "/bin/cat " + fresh
	restarted := e.open()
	e.wants(restarted, old, true, "after a restart with a key command")
	e.wants(restarted, e.token(server), true, "a token of the newest key")
	for command, want := range map[string]string{"/bin/cat /nonexistent": "key command", "/bin/echo short": "64 hexadecimal digits"} {
		e.config.KeyCommand = command
		if _, err := app.Open(t.Context(), e.config, slog.New(slog.DiscardHandler), e.now); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", command, err)
		}
	}
}

// TestRevocation_Served runs two servers on one data folder, as they would be
// behind a load balancer.
func TestRevocation_Served(t *testing.T) {
	e, _ := newEstate(t, nil)
	servers := make([]string, 2)
	for i := range servers {
		a := e.open()
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		servers[i] = listener.Addr().String()
		ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
		done := make(chan error, 1)
		go func() { done <- a.Serve(ctx, listener) }()
		t.Cleanup(func() {
			stop()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
	host := string(e.surface.Tenant.Hostname) + "." + e.config.Domain + ":8480"
	call := func(server, method, path, token string, form url.Values) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+server+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		response, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(body)
	}
	status, body := call(servers[0], "POST", "/oauth/token", "", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {string(e.client.ID)}, "client_secret": {e.secret.Reveal()},
	})
	var issued api.TokenResponse
	if err := json.Unmarshal([]byte(body), &issued); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	token := issued.AccessToken
	for _, server := range servers {
		if status, body := call(server, "GET", "/api/v1/users/me", token, nil); status != http.StatusFound {
			t.Fatalf("%s: %d %s", server, status, body)
		}
	}
	if status, body := call(servers[0], "POST", "/oauth/revoke", token, url.Values{"token": {token}}); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	if status, _ := call(servers[0], "GET", "/api/v1/users/me", token, nil); status != http.StatusUnauthorized {
		t.Errorf("where it was revoked: %d", status)
	}
	for deadline := time.Now().Add(time.Second); ; {
		status, _ := call(servers[1], "GET", "/api/v1/users/me", token, nil)
		if status == http.StatusUnauthorized {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("elsewhere, a second later: %d", status)
		}
	}
}
