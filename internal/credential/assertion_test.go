package credential_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/tenancy"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// Every algorithm, signed by a library that Freehold shares no signing code
// with, with and without kid, gets tokens until the key is that of another.
func TestPrivateKeyJWT_Algorithms(t *testing.T) {
	e := testenv.New(t)
	for _, algorithm := range credential.AssertionAlgorithms() {
		t.Run(algorithm, func(t *testing.T) {
			key, other := newJWTSigner(t, algorithm, "k1"), newJWTSigner(t, algorithm, "k1")
			client := organizationClient(t, e, func(n *credential.NewClient) { n.PublicKeys = []json.RawMessage{key.jwk(t)} })
			for _, audience := range []string{e.Console() + "/oauth/token", e.Console()} {
				a := requestTokenWith(t, e, "console", e.Console(), byAssertion(client.ID, key.sign(t, assertionClaims(e, client.ID, audience))))
				if a.status != http.StatusOK || a.token.Scope != api.ScopeOrgTenantsRead {
					t.Errorf("aud %s: %d %+v %+v", audience, a.status, a.token, a.refuse)
				}
			}
			anonymous := jwtSigner{key.key, "", key.algorithm}
			a := requestTokenWith(t, e, "console", e.Console(), byAssertion("", anonymous.sign(t, assertionClaims(e, client.ID, e.Console()))))
			if a.status != http.StatusOK {
				t.Errorf("without kid and client_id: %d %+v", a.status, a.refuse)
			}
			a = requestTokenWith(t, e, "console", e.Console(), byAssertion(client.ID, other.sign(t, assertionClaims(e, client.ID, e.Console()))))
			wantRefused(t, e, client.ID, a, "signature is wrong")
		})
	}
}

func TestPrivateKeyJWT_Refused(t *testing.T) {
	e := testenv.New(t)
	key := newJWTSigner(t, "ES256", "k1")
	rsaKey := newJWTSigner(t, "RS256", "k2")
	client := organizationClient(t, e, func(n *credential.NewClient) { n.PublicKeys = []json.RawMessage{key.jwk(t), rsaKey.jwk(t)} })
	other := organizationClient(t, e, func(n *credential.NewClient) { n.PublicKeys = []json.RawMessage{newJWTSigner(t, "ES256", "k1").jwk(t)} })
	withSecret := e.OrganizationClient(e.Organization.ID)

	good := func() map[string]any { return assertionClaims(e, client.ID, e.Console()) }
	now := func() int64 { return e.Clock.Now().Unix() }
	change := func(name string, value func() any) func() string {
		return func() string { return key.sign(t, changed(good(), name, value())) }
	}
	is := func(v any) func() any { return func() any { return v } }
	missing := is(nil)
	hmacKey := []byte(strings.Repeat("k", 32))
	for name, tc := range map[string]struct {
		assertion func() string
		reason    string
	}{
		"alg none":                 {func() string { return unsigned(t, "none", good()) }, `algorithm "none"`},
		"alg None":                 {func() string { return unsigned(t, "None", good()) }, `algorithm "None"`},
		"HMAC with the public key": {func() string { return hmacSigned(t, []byte(key.jwk(t)), good()) }, `algorithm "HS256"`},
		"HMAC":                     {func() string { return hmacSigned(t, hmacKey, good()) }, `algorithm "HS256"`},
		"algorithm not registered": {func() string { return jwtSigner{rsaKey.key, "k2", jose.PS256}.sign(t, good()) }, "no such key is for algorithm PS256"},
		"algorithm not ours":       {func() string { return jwtSigner{rsaKey.key, "k2", jose.RS384}.sign(t, good()) }, `algorithm "RS384"`},
		"key of the wrong type":    {func() string { return jwtSigner{rsaKey.key, "k1", jose.RS256}.sign(t, good()) }, "no such key is for algorithm RS256"},
		"unknown kid":              {func() string { return jwtSigner{key.key, "k3", jose.ES256}.sign(t, good()) }, `no key has the kid "k3"`},
		"critical header": {func() string {
			return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256","kid":"k1","crit":["b64"],"b64":false}`)) + ".e30.AA"
		}, "crit"},
		"not a JWT":                {func() string { return "nonsense" }, "not a signed JWT"},
		"five parts":               {func() string { return "a.b.c.d.e" }, "not a signed JWT"},
		"claims not an object":     {func() string { return key.sign(t, nil) }, ""},
		"too long":                 {func() string { return key.sign(t, changed(good(), "x", strings.Repeat("x", 20<<10))) }, "longer than"},
		"signature cut":            {func() string { s := key.sign(t, good()); return s[:len(s)-4] }, ""},
		"payload changed":          {func() string { return swapPayload(t, key.sign(t, good()), good()) }, "signature is wrong"},
		"aud of another host":      {change("aud", is(e.Register("us"))), "is not this host"},
		"aud with a slash":         {change("aud", is(e.Console()+"/")), "is not this host"},
		"aud missing":              {change("aud", missing), "is not this host"},
		"aud empty":                {change("aud", is([]string{})), "is not this host"},
		"life too long":            {change("exp", func() any { return now() + 301 }), "after iat"},
		"expired":                  {func() string { return key.sign(t, changed(changed(good(), "exp", now()-30), "iat", now()-90)) }, "expired"},
		"exp missing":              {change("exp", missing), "exp is missing"},
		"exp a text":               {change("exp", is("tomorrow")), "claims"},
		"exp too large":            {change("exp", is(1e300)), "exp is not a time"},
		"iat missing":              {change("iat", missing), "iat is missing"},
		"iat in the future":        {func() string { return key.sign(t, changed(changed(good(), "exp", now()+100), "iat", now()+31)) }, "iat is in the future"},
		"nbf in the future":        {change("nbf", func() any { return now() + 31 }), "nbf is in the future"},
		"jti missing":              {change("jti", missing), "jti is missing"},
		"jti empty":                {change("jti", is("")), "jti is missing"},
		"jti too long":             {change("jti", is(strings.Repeat("j", 257))), "jti is longer"},
		"jti a number":             {change("jti", is(7)), "claims"},
		"sub of another client":    {change("sub", is(other.ID)), "sub is not the client id"},
		"sub missing":              {change("sub", missing), "sub is not the client id"},
		"iss of an unknown issuer": {change("iss", is("https://issuer.example.com")), "trusts no issuer"},
		"iss missing":              {change("iss", missing), "trusts no issuer"},
		"assertion of another":     {func() string { return key.sign(t, assertionClaims(e, other.ID, e.Console())) }, "trusts no issuer"},
	} {
		t.Run(name, func(t *testing.T) {
			a := requestTokenWith(t, e, "console", e.Console(), byAssertion(client.ID, tc.assertion()))
			wantRefused(t, e, client.ID, a, tc.reason)
		})
	}
	t.Run("client with a secret only", func(t *testing.T) {
		a := requestTokenWith(t, e, "console", e.Console(), byAssertion(withSecret.ID, key.sign(t, assertionClaims(e, withSecret.ID, e.Console()))))
		wantRefused(t, e, withSecret.ID, a, "not registered for private_key_jwt")
	})
	t.Run("unknown client", func(t *testing.T) {
		id := estate.NewClientID()
		a := requestTokenWith(t, e, "console", e.Console(), byAssertion(id, key.sign(t, assertionClaims(e, id, e.Console()))))
		if a.status != http.StatusUnauthorized || a.refuse.OAuthError != "invalid_client" {
			t.Errorf("answered %d %+v", a.status, a.refuse)
		}
	})
	t.Run("still good", func(t *testing.T) {
		a := requestTokenWith(t, e, "console", e.Console(), byAssertion(client.ID, key.sign(t, good())))
		if a.status != http.StatusOK {
			t.Errorf("answered %d %+v", a.status, a.refuse)
		}
	})
}

// What is wrong with the request, rather than with the assertion, is told.
func TestPrivateKeyJWT_InvalidRequest(t *testing.T) {
	e := testenv.New(t)
	key := newJWTSigner(t, "ES256", "k1")
	client := organizationClient(t, e, func(n *credential.NewClient) { n.PublicKeys = []json.RawMessage{key.jwk(t)} })
	for parameter, change := range map[string][2]string{
		"client_assertion_type": {"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
		"client_assertion":      {"client_assertion", ""},
		"client_secret":         {"client_secret", strings.Repeat("0", 64)},
	} {
		form := byAssertion(client.ID, key.sign(t, assertionClaims(e, client.ID, e.Console())))
		form.Set(change[0], change[1])
		a := requestTokenWith(t, e, "console", e.Console(), form)
		if a.status != http.StatusBadRequest || a.refuse.OAuthError != "invalid_request" || a.refuse.Errors[0].Source == nil || a.refuse.Errors[0].Source.Parameter != parameter {
			t.Errorf("%s: answered %d %+v", parameter, a.status, a.refuse)
		}
	}
}

// An assertion is good for one token, however many ask at once.
func TestPrivateKeyJWT_Replay(t *testing.T) {
	e := testenv.New(t)
	key := newJWTSigner(t, "EdDSA", "k1")
	client := organizationClient(t, e, func(n *credential.NewClient) { n.PublicKeys = []json.RawMessage{key.jwk(t)} })
	claims := assertionClaims(e, client.ID, e.Console())
	assertion := key.sign(t, claims)
	var good atomic.Int32
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if requestTokenWith(t, e, "console", e.Console(), byAssertion(client.ID, assertion)).status == http.StatusOK {
				good.Add(1)
			}
		})
	}
	all.Wait()
	if n := good.Load(); n != 1 {
		t.Errorf("one assertion got %d tokens", n)
	}
	e.Clock.Advance(5 * time.Second)
	a := requestTokenWith(t, e, "console", e.Console(), byAssertion(client.ID, key.sign(t, changed(claims, "aud", e.Console()+"/oauth/token"))))
	wantRefused(t, e, client.ID, a, "was used before")
}

// A tenant is addressed by either of its names; another tenant is not.
func TestPrivateKeyJWT_TenantNames(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5)
	other := e.Tenant(sub, "us")
	tenant, err := e.App.Tenancy.CreateTenantFor(t.Context(), testenv.Operator, sub.ID, "us", tenancy.NewTenant{Hostnames: []string{"customer"}})
	if err != nil || tenant.Alias == "" {
		t.Fatalf("tenant with alias: %+v, %v", tenant, err)
	}
	key := newJWTSigner(t, "RS512", "k1")
	client, _, err := e.App.Credential.CreateClient(t.Context(), testenv.Operator, credential.NewClient{
		Level: estate.LevelRegion, Scope: estate.Scope{Organization: sub.Organization, Subscription: sub.ID, Region: "us"},
		PublicKeys: []json.RawMessage{key.jwk(t)},
	})
	if err != nil {
		t.Fatal(err)
	}
	origins := []string{e.TenantURL(tenant), e.Origin(string(tenant.Alias))}
	for _, at := range origins {
		for _, audience := range origins {
			a := requestTokenWith(t, e, "tenant", at, byAssertion(client.ID, key.sign(t, assertionClaims(e, client.ID, audience+"/oauth/token"))))
			if a.status != http.StatusOK {
				t.Errorf("aud %s at %s: %d %+v", audience, at, a.status, a.refuse)
			}
		}
	}
	a := requestTokenWith(t, e, "tenant", e.TenantURL(tenant), byAssertion(client.ID, key.sign(t, assertionClaims(e, client.ID, e.TenantURL(other)))))
	wantRefused(t, e, client.ID, a, "is not this host")
	a = requestTokenWith(t, e, "register", e.Register("us"), byAssertion(client.ID, key.sign(t, assertionClaims(e, client.ID, e.Register("us")))))
	if a.status != http.StatusOK {
		t.Errorf("at the register host: %d %+v", a.status, a.refuse)
	}
}

// A flood of bad assertions leaves one record a second of each server, and none
// is uncounted.
func TestRefusals_OneRecordASecond(t *testing.T) {
	e := testenv.New(t)
	client := organizationClient(t, e, func(n *credential.NewClient) { n.PublicKeys = []json.RawMessage{newJWTSigner(t, "ES256", "k1").jwk(t)} })
	bad := func() { requestTokenWith(t, e, "console", e.Console(), byAssertion(client.ID, "nonsense")) }
	records := func() (n int, attempts float64) {
		e.Flush()
		for _, r := range newestAudit(t, e, 100) {
			if r.Outcome == estate.OutcomeRefused {
				counted, _ := r.Data["attempts"].(float64)
				n, attempts = n+1, attempts+counted
			}
		}
		return n, attempts
	}
	bad()
	if n, attempts := records(); n != 1 || attempts != 1 {
		t.Fatalf("%d records of %v attempts, want one of the first", n, attempts)
	}
	for range 5 {
		bad()
	}
	if n, _ := records(); n > len(e.Servers) {
		t.Errorf("%d records within a second", n)
	}
	e.Clock.Advance(time.Second)
	if n, attempts := records(); n > 2*len(e.Servers) || attempts != 6 {
		t.Errorf("%d records of %v attempts in the second second", n, attempts)
	}
}

// keyServer publishes keys.
type keyServer struct {
	*httptest.Server
	mu      sync.Mutex
	keys    []json.RawMessage
	fetches atomic.Int32
}

func newKeyServer(t *testing.T, keys ...json.RawMessage) *keyServer {
	t.Helper()
	s := &keyServer{keys: keys}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.fetches.Add(1)
		s.mu.Lock()
		defer s.mu.Unlock()
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": s.keys})
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *keyServer) publish(keys ...json.RawMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = keys
}

func TestPrivateKeyJWT_JWKSURI(t *testing.T) {
	e := testenv.NewAlone(t) // each server fetches the keys for itself
	first, second := newJWTSigner(t, "ES256", "k1"), newJWTSigner(t, "RS256", "k2")
	server := newKeyServer(t, json.RawMessage(`{"kty":"oct","k":"c2VjcmV0"}`), first.jwk(t))
	client := organizationClient(t, e, func(n *credential.NewClient) { n.JWKSURI = server.URL + "/keys" })
	if len(client.AuthMethods) != 1 || client.AuthMethods[0] != "private_key_jwt" {
		t.Errorf("methods %v", client.AuthMethods)
	}
	ask := func(s jwtSigner) tokenAnswer {
		return requestTokenWith(t, e, "console", e.Console(), byAssertion(client.ID, s.sign(t, assertionClaims(e, client.ID, e.Console()))))
	}
	for range 3 {
		if a := ask(first); a.status != http.StatusOK {
			t.Fatalf("answered %d %+v", a.status, a.refuse)
		}
	}
	if n := server.fetches.Load(); n != 1 {
		t.Errorf("%d fetches", n)
	}
	server.publish(second.jwk(t))
	wantRefused(t, e, client.ID, ask(second), `no key has the kid "k2"`) // not asked again so soon
	e.Clock.Advance(time.Minute)
	if a := ask(second); a.status != http.StatusOK {
		t.Errorf("after a rotation: %d %+v", a.status, a.refuse)
	}
	wantRefused(t, e, client.ID, ask(first), `no key has the kid "k1"`)
	if n := server.fetches.Load(); n != 2 {
		t.Errorf("%d fetches", n)
	}
}

func TestCreateClient_PublicKeys(t *testing.T) {
	e := testenv.New(t)
	good := newJWTSigner(t, "ES256", "k1")
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	jwk := func(change func(map[string]any)) json.RawMessage {
		members := map[string]any{}
		if err := json.Unmarshal(good.jwk(t), &members); err != nil {
			t.Fatal(err)
		}
		change(members)
		return mustJSON(t, members)
	}
	set := func(name string, value any) json.RawMessage {
		return jwk(func(m map[string]any) { m[name] = value })
	}
	for name, tc := range map[string]struct {
		keys    []json.RawMessage
		pointer string
	}{
		"private":                      {[]json.RawMessage{mustJSON(t, jose.JSONWebKey{Key: good.key, KeyID: "k1", Algorithm: "ES256"})}, "/publicKeys/0"},
		"private member in upper case": {[]json.RawMessage{set("D", "x")}, "/publicKeys/0"},
		"private member that is null":  {[]json.RawMessage{set("d", nil)}, "/publicKeys/0"},
		"symmetric":                    {[]json.RawMessage{json.RawMessage(`{"kty":"oct","alg":"HS256","k":"c2VjcmV0"}`)}, "/publicKeys/0"},
		"weak":                         {[]json.RawMessage{mustJSON(t, jose.JSONWebKey{Key: weak.Public(), KeyID: "k", Algorithm: "RS256"})}, "/publicKeys/0"},
		"algorithm of another type":    {[]json.RawMessage{set("alg", "RS256")}, "/publicKeys/0/alg"},
		"algorithm of another curve":   {[]json.RawMessage{set("alg", "ES384")}, "/publicKeys/0/alg"},
		"algorithm HS256":              {[]json.RawMessage{set("alg", "HS256")}, "/publicKeys/0/alg"},
		"algorithm none":               {[]json.RawMessage{set("alg", "none")}, "/publicKeys/0/alg"},
		"algorithm missing":            {[]json.RawMessage{jwk(func(m map[string]any) { delete(m, "alg") })}, "/publicKeys/0/alg"},
		"curve of another size":        {[]json.RawMessage{set("crv", "P-384")}, "/publicKeys/0"},
		"not on the curve":             {[]json.RawMessage{set("y", strings.Repeat("A", 43))}, "/publicKeys/0"},
		"for encryption":               {[]json.RawMessage{set("use", "enc")}, "/publicKeys/0/use"},
		"for signing only":             {[]json.RawMessage{set("key_ops", []string{"sign"})}, "/publicKeys/0/key_ops"},
		"kid a number":                 {[]json.RawMessage{set("kid", 1)}, "/publicKeys/0/kid"},
		"kid with a line break":        {[]json.RawMessage{set("kid", "a\nb")}, "/publicKeys/0/kid"},
		"not an object":                {[]json.RawMessage{json.RawMessage(`"key"`)}, "/publicKeys/0"},
		"null":                         {[]json.RawMessage{json.RawMessage(`null`)}, "/publicKeys/0"},
		"same key twice":               {[]json.RawMessage{good.jwk(t), set("kid", "k2")}, "/publicKeys/1"},
		"same kid twice":               {[]json.RawMessage{good.jwk(t), newJWTSigner(t, "ES256", "k1").jwk(t)}, "/publicKeys/1/kid"},
		"six":                          {[]json.RawMessage{good.jwk(t), good.jwk(t), good.jwk(t), good.jwk(t), good.jwk(t), good.jwk(t)}, "/publicKeys"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := e.App.Credential.CreateClient(t.Context(), testenv.Operator, credential.NewClient{
				Level: estate.LevelOrganization, Scope: estate.Scope{Organization: e.Organization.ID}, Name: "n", PublicKeys: tc.keys,
			})
			wantInvalid(t, err, tc.pointer)
		})
	}
	t.Run("no keys", func(t *testing.T) {
		_, _, err := e.App.Credential.CreateClient(t.Context(), testenv.Operator, credential.NewClient{
			Level: estate.LevelOrganization, Scope: estate.Scope{Organization: e.Organization.ID}, Name: "n", AuthMethods: []string{"private_key_jwt"},
		})
		wantInvalid(t, err, "/publicKeys")
	})
	t.Run("keys and a URL", func(t *testing.T) {
		_, _, err := e.App.Credential.CreateClient(t.Context(), testenv.Operator, credential.NewClient{
			Level: estate.LevelOrganization, Scope: estate.Scope{Organization: e.Organization.ID}, Name: "n",
			PublicKeys: []json.RawMessage{good.jwk(t)}, JWKSURI: "https://client.example.com/keys",
		})
		wantInvalid(t, err, "/jwksUri")
	})
	t.Run("only public members are kept", func(t *testing.T) {
		client := organizationClient(t, e, func(n *credential.NewClient) {
			n.PublicKeys = []json.RawMessage{jwk(func(m map[string]any) { delete(m, "kid"); delete(m, "use"); m["note"] = "n" })}
		})
		var members map[string]string
		if err := json.Unmarshal(client.PublicKeys[0].JWK, &members); err != nil {
			t.Fatal(err)
		}
		if len(members) != 7 || members["use"] != "sig" || len(members["kid"]) != 43 || members["kid"] != client.PublicKeys[0].ID {
			t.Errorf("kept %v", members)
		}
	})
}

func unsigned(t *testing.T, algorithm string, claims map[string]any) string {
	t.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	return encode(mustJSON(t, map[string]string{"alg": algorithm, "kid": "k1"})) + "." + encode(mustJSON(t, claims)) + "."
}

func hmacSigned(t *testing.T, key []byte, claims map[string]any) string {
	t.Helper()
	with, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", "k1"))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := with.Sign(mustJSON(t, claims))
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func swapPayload(t *testing.T, token string, claims map[string]any) string {
	t.Helper()
	parts := strings.Split(token, ".")
	parts[1] = base64.RawURLEncoding.EncodeToString(mustJSON(t, claims))
	return strings.Join(parts, ".")
}
