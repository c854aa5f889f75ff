package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
)

// family issues the tokens of one approval. Each refresh token works once: the
// second use ends it.
type family struct {
	mu      sync.Mutex
	n       int
	ended   bool
	pending []string // codes to answer the next questions of a device with
	asked   []string // client_id and scope of the first request
}

func (f *family) access() string { return fmt.Sprintf("access-%d", f.n) }

func (f *family) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := r.ParseForm(); err != nil {
		panic(err)
	}
	issue := func() {
		f.n++
		writeJSON(w, http.StatusOK, map[string]any{
			"access_token": f.access(), "refresh_token": fmt.Sprintf("refresh-%d", f.n), "token_type": "bearer", "expires_in": 3600, "scope": "user_default",
		})
	}
	switch {
	case r.URL.Path == api.DeviceAuthorizationPath:
		f.asked = []string{r.PostForm.Get("client_id"), r.PostForm.Get("scope")}
		writeJSON(w, http.StatusOK, api.DeviceAuthorization{DeviceCode: "d", UserCode: "BCDF-GHJK", VerificationURI: "https://a.example/device", Interval: 3})
	case r.URL.Path == "/oauth/revoke":
		if r.Header.Get("Authorization") != "Bearer "+f.access() || r.PostForm.Has("client_id") {
			panic("revoked by " + r.Header.Get("Authorization"))
		}
		f.ended = true
	case r.URL.Path != "/oauth/token":
		if f.ended || r.Header.Get("Authorization") != "Bearer "+f.access() {
			writeError(w, http.StatusUnauthorized, api.CodeUnauthenticated, "Unauthorized", "")
			return
		}
		ok(w, r)
	case r.PostForm.Get("grant_type") == api.GrantDeviceCode && r.PostForm.Get("device_code") == "d" && r.PostForm.Get("client_id") != "":
		if len(f.pending) > 0 {
			code := f.pending[0]
			f.pending = f.pending[1:]
			writeError(w, http.StatusBadRequest, code, "No", "")
			return
		}
		issue()
	case !f.ended && r.PostForm.Get("grant_type") == api.GrantRefreshToken && r.PostForm.Get("refresh_token") == fmt.Sprintf("refresh-%d", f.n):
		issue()
	default:
		f.ended = true
		writeError(w, http.StatusBadRequest, api.CodeOAuthInvalidGrant, "Invalid grant", "")
	}
}

// kept keeps tokens as a program does whose processes share them.
type kept struct {
	mu     sync.Mutex
	tokens client.PersonTokens
}

func (k *kept) keep(_ context.Context, renew func(client.PersonTokens) (client.PersonTokens, error)) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	renewed, err := renew(k.tokens)
	if err == nil {
		k.tokens = renewed
	}
	return err
}

func TestSignIn(t *testing.T) {
	f := &family{pending: []string{api.CodeOAuthPending, api.CodeOAuthSlowDown, "authorization_pending", "slow_down"}}
	c := newInMemory(t, "a.example", f)
	var waits []time.Duration
	flow := client.DeviceFlow{
		Scopes: []string{"user_default", "offline_access"},
		Wait:   func(_ context.Context, d time.Duration) error { waits = append(waits, d); return nil },
		Show: func(d api.DeviceAuthorization) {
			if d.UserCode != "BCDF-GHJK" || len(waits) > 0 {
				t.Errorf("shows %+v after %v", d, waits)
			}
		},
	}
	tokens, err := c.SignIn(t.Context(), flow)
	if err != nil || tokens.AccessToken != "access-1" || tokens.RefreshToken != "refresh-1" || tokens.Scope != "user_default" || tokens.ExpiresAt.IsZero() {
		t.Errorf("%q %q, %v", tokens.AccessToken, tokens.RefreshToken, err)
	}
	if want := []time.Duration{3e9, 3e9, 8e9, 8e9, 13e9}; !slices.Equal(waits, want) {
		t.Errorf("waited %v, want %v", waits, want)
	}
	if !slices.Equal(f.asked, []string{api.CLIClientID, "user_default offline_access"}) {
		t.Errorf("asked for %q", f.asked)
	}

	waits = nil
	flow.Show = nil
	for _, code := range []string{api.CodeOAuthAccessDenied, api.CodeOAuthDeviceExpired} {
		f.pending = []string{code}
		if _, err := c.SignIn(t.Context(), flow); client.Code(err) != code {
			t.Errorf("%v, want %s", err, code)
		}
	}
	flow.Wait = func(context.Context, time.Duration) error { return context.Canceled }
	if _, err := c.SignIn(t.Context(), flow); !errors.Is(err, context.Canceled) {
		t.Errorf("gave up with %v", err)
	}
}

func TestPersonTokens_Rotate(t *testing.T) {
	f := &family{n: 1}
	k := &kept{tokens: client.PersonTokens{AccessToken: "expired", ExpiresAt: time.Now().Add(time.Second), RefreshToken: "refresh-1"}}
	me := func() *client.Client { return newInMemory(t, "a.example", f, client.WithPersonTokens("cli", k.keep)) }
	call := func(c *client.Client) error {
		return c.Do(t.Context(), http.MethodGet, "/api/v1/users/me", nil, nil, nil)
	}

	// Programs that begin at once share what the first of them gets.
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if err := call(me()); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if f.n != 2 || k.tokens.RefreshToken != "refresh-2" {
		t.Errorf("token %d, kept %q", f.n, k.tokens.RefreshToken)
	}

	// A token that the host refuses is not taken from the store again.
	c := me()
	if err := call(c); err != nil {
		t.Fatal(err)
	}
	f.n, k.tokens.RefreshToken = 5, "refresh-5"
	if err := call(c); err != nil || k.tokens.AccessToken != "access-6" {
		t.Errorf("%v with %q", err, k.tokens.AccessToken)
	}

	other, err := c.Host("https://b.example")
	if err != nil {
		t.Fatal(err)
	}
	if err := call(other); err == nil || !strings.Contains(err.Error(), "signed in at a.example only") {
		t.Errorf("at another host: %v", err)
	}
	if _, err := c.Exchange("https://b.example"); err == nil {
		t.Error("exchanges the tokens of a person")
	}

	token, err := c.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Revoke(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	before := k.tokens
	if err := call(c); !errors.Is(err, client.ErrSignedOut) || client.Code(err) != api.CodeOAuthInvalidGrant || k.tokens != before {
		t.Errorf("after the end: %v", err)
	}
	k.tokens.RefreshToken = ""
	if err := call(me()); err == nil {
		t.Error("without a refresh token")
	}
}

func TestPersonTokens_Options(t *testing.T) {
	k := &kept{}
	for name, opts := range map[string][]client.Option{
		"no client":            {client.WithPersonTokens("", k.keep)},
		"nobody keeps them":    {client.WithPersonTokens("cli", nil)},
		"credentials besides ": {client.WithPersonTokens("cli", k.keep), client.WithCredentials(credentials)},
	} {
		if _, err := client.New("https://a.example", opts...); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	secret := client.PersonTokens{AccessToken: "s3cret", RefreshToken: "s3cret"}
	asJSON, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprintf("%v %+v %#v %s %s %v", secret, secret, &secret, secret, asJSON, secret.LogValue()); strings.Contains(text, "s3cret") {
		t.Error(text)
	}
}
