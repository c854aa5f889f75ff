package testenv

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/freehold-platform/freehold/api"
)

// OpenIDProvider is an OpenID provider on loopback at which everybody is signed in as
// the same person, without being asked.
type OpenIDProvider struct {
	URL string

	t     testing.TB
	clock *Clock
	key   *rsa.PrivateKey

	mu     sync.Mutex
	person map[string]any
	deny   string
	codes  map[string]url.Values // what was asked for, by code
}

// The client of providers.
const (
	openIDClient = "freehold"
	openIDSecret = "the secret of the client"
)

// OpenIDProvider starts an OpenID provider, and ends it with the test.
func (e *Env) OpenIDProvider(person map[string]any) *OpenIDProvider {
	e.t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		e.t.Fatal(err)
	}
	o := &OpenIDProvider{t: e.t, clock: e.Clock, key: key, person: person, codes: map[string]url.Values{}}
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{
			"issuer": o.URL, "authorization_endpoint": o.URL + "/authorize", "token_endpoint": o.URL + "/token", "jwks_uri": o.URL + "/keys",
		})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k", Algorithm: "RS256", Use: "sig"}}})
	})
	mux.HandleFunc("GET /authorize", o.authorize)
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		status, body := o.token(r)
		answer(w, status, body)
	})
	server := httptest.NewServer(mux)
	e.t.Cleanup(server.Close)
	o.URL = server.URL
	return o
}

// Person changes who everybody is.
func (o *OpenIDProvider) Person(claims map[string]any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.person = claims
}

// Deny has everybody sent back with an error; an empty one: not any more.
func (o *OpenIDProvider) Deny(name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.deny = name
}

// Request is what makes an identity provider of o, whose options are to be tested or,
// if they are not, in force.
func (o *OpenIDProvider) Request(tested bool) api.CreateIdentityProviderRequest {
	interactive := true
	options := &api.IdentityProviderOptions{
		DiscoveryURL: o.URL + "/.well-known/openid-configuration", ClientID: openIDClient, ClientSecret: openIDSecret, ClaimsMapping: map[string][]string{"sub": {"/sub"}},
	}
	r := api.CreateIdentityProviderRequest{Protocol: api.ProtocolOIDC, Provider: "generic", Interactive: &interactive, Description: "Acme ID"}
	if tested {
		r.PendingOptions = options
	} else {
		r.Options, r.SkipVerify = options, true
	}
	return r
}

func (o *OpenIDProvider) authorize(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	q := r.URL.Query()
	back := url.Values{"state": {q.Get("state")}}
	if o.deny != "" {
		back.Set("error", o.deny)
	} else {
		code := rand.Text()
		o.codes[code] = q
		back.Set("code", code)
	}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
}

func (o *OpenIDProvider) token(r *http.Request) (int, map[string]any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	client, secret, _ := r.BasicAuth()
	if unescaped, err := url.QueryUnescape(secret); err != nil || client != openIDClient || unescaped != openIDSecret {
		return http.StatusUnauthorized, map[string]any{"error": "invalid_client"}
	}
	asked, ok := o.codes[r.FormValue("code")]
	delete(o.codes, r.FormValue("code"))
	challenge := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if !ok || r.FormValue("redirect_uri") != asked.Get("redirect_uri") || base64.RawURLEncoding.EncodeToString(challenge[:]) != asked.Get("code_challenge") {
		return http.StatusBadRequest, map[string]any{"error": "invalid_grant"}
	}
	now := o.clock.Now()
	claims := maps.Clone(o.person)
	maps.Copy(claims, map[string]any{"iss": o.URL, "aud": openIDClient, "exp": now.Add(time.Minute).Unix(), "iat": now.Unix(), "nonce": asked.Get("nonce")})
	text, err := json.Marshal(claims)
	if err != nil {
		o.t.Error(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: o.key}, (&jose.SignerOptions{}).WithHeader("kid", "k").WithType("JWT"))
	if err != nil {
		o.t.Error(err)
		return http.StatusInternalServerError, nil
	}
	signed, err := signer.Sign(text)
	if err != nil {
		o.t.Error(err)
		return http.StatusInternalServerError, nil
	}
	compact, err := signed.CompactSerialize()
	if err != nil {
		o.t.Error(err)
	}
	return http.StatusOK, map[string]any{"access_token": "access", "token_type": "Bearer", "id_token": compact}
}
