package client_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// recorder is a transport that keeps what it sends.
type recorder struct {
	next http.RoundTripper

	mu   sync.Mutex
	sent []string // host, authorization and body
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	var text []byte
	if req.Body != nil {
		text, _ = io.ReadAll(req.Body)
		req.Body = io.NopCloser(bytes.NewReader(text))
	}
	r.mu.Lock()
	r.sent = append(r.sent, req.URL.Hostname()+" "+req.Header.Get("Authorization")+" "+string(text))
	r.mu.Unlock()
	return r.next.RoundTrip(req)
}

// TestWithDPoP runs against the real server: every request has a proof of its
// own, also one that is redirected or whose nonce has grown old.
func TestWithDPoP(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(3), "us")
	machine := e.TenantClient(tenant)
	transport := &recorder{next: e.Client.Transport}
	c := newClient(t, e.TenantURL(tenant), client.WithDPoP(), client.WithHTTPClient(&http.Client{Transport: transport}),
		client.WithCredentials(client.Credentials{ClientID: string(machine.ID), ClientSecret: machine.Secret}))
	for range 3 {
		me, err := c.GetMyUser(t.Context()) // answered with a redirect
		if err != nil {
			t.Fatal(err)
		}
		if me.Subject == "" {
			t.Errorf("user %+v", me)
		}
		e.Clock.Advance(90 * time.Second)
	}
	token, err := c.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Raw(t.Context(), client.Request{Method: http.MethodGet, Path: "/api/v1/users/me", Header: http.Header{"Authorization": {"Bearer " + token}}})
	if refused, ok := err.(*client.Error); !ok || refused.StatusCode != http.StatusUnauthorized { //nolint:errorlint // as Raw documents it
		t.Errorf("the token alone: %v", err)
	}
	for _, sent := range transport.sent {
		if strings.Contains(sent, " Bearer ") && !strings.Contains(sent, " Bearer "+token) {
			t.Errorf("sent %s", sent)
		}
	}
}

func TestWithDPoP_UnboundToken(t *testing.T) {
	c := newInMemory(t, "plain.example", &issuer{api: http.HandlerFunc(ok)}, client.WithDPoP(), client.WithCredentials(credentials))
	if _, err := c.Token(t.Context()); err == nil || !strings.Contains(err.Error(), "dpop") {
		t.Errorf("a token that is not bound was taken: %v", err)
	}
}

// TestExchange: the secret goes to one host only, bound or not.
func TestExchange(t *testing.T) {
	for name, options := range map[string][]client.Option{"bearer": nil, "DPoP": {client.WithDPoP()}} {
		t.Run(name, func(t *testing.T) {
			e := testenv.New(t)
			sub := e.Subscription(3)
			first, second := e.Tenant(sub, "us"), e.Tenant(sub, "us")
			machine := e.RegionClient(sub, "us")
			transport := &recorder{next: e.Client.Transport}
			register := newClient(t, e.Register("us"), append(options, client.WithHTTPClient(&http.Client{Transport: transport}),
				client.WithCredentials(client.Credentials{ClientID: string(machine.ID), ClientSecret: machine.Secret}))...)
			for _, tenant := range []string{e.TenantURL(first), e.TenantURL(second), e.TenantURL(first)} {
				below, err := register.Exchange(tenant)
				if err != nil {
					t.Fatal(err)
				}
				me, err := below.GetMyUser(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if !strings.Contains(me.Subject, string(machine.ID)) {
					t.Errorf("acts as %s", me.Subject)
				}
			}
			shown := 0
			for _, sent := range transport.sent {
				if strings.Contains(sent, machine.Secret) {
					shown++
					if !strings.HasPrefix(sent, "register.us.") {
						t.Errorf("the secret went elsewhere: %s", sent)
					}
				}
			}
			if shown == 0 || shown > 2 { // twice when a nonce is asked for
				t.Errorf("the secret was shown %d times", shown)
			}
		})
	}
}

// TestExchange_RefusedSubject: a token that the tenant's host no longer takes
// is replaced, once.
func TestExchange_RefusedSubject(t *testing.T) {
	var exchanged int
	handler := &issuer{api: http.HandlerFunc(ok)}
	handler.token = func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		if r.PostForm.Get("grant_type") != api.GrantTokenExchange {
			writeJSON(w, http.StatusOK, map[string]any{"access_token": "above-" + string(rune('0'+exchanged)), "token_type": "bearer", "expires_in": 3600})
			return
		}
		exchanged++
		if r.PostForm.Get("subject_token") == "above-0" {
			writeError(w, http.StatusBadRequest, api.CodeOAuthInvalidRequest, "Invalid request", "revoked")
			return
		}
		writeJSON(w, http.StatusOK, map[string]any{"access_token": "below", "token_type": "bearer", "expires_in": 3600})
	}
	c := newInMemory(t, "register.example", handler, client.WithCredentials(credentials))
	below, err := c.Exchange("https://tenant.example")
	if err != nil {
		t.Fatal(err)
	}
	if token, err := below.Token(t.Context()); err != nil || token != "below" || exchanged != 2 {
		t.Errorf("token %q after %d attempts: %v", token, exchanged, err)
	}
	bare := newInMemory(t, "register.example", handler)
	if _, err := bare.Exchange("https://tenant.example"); err == nil {
		t.Error("exchange without credentials")
	}
}
