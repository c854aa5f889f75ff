package httpapi_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/apitest"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// sender is somebody with a DPoP key.
type sender struct {
	t   testing.TB
	e   *testenv.Env
	key *ecdsa.PrivateKey
}

func newSender(t testing.TB, e *testenv.Env) *sender {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &sender{t, e, key}
}

// proof makes a DPoP proof. What change says is set over what is right, and
// dropped where it is nil.
func (s *sender) proof(method, target, nonce, token string, change map[string]any) string {
	s.t.Helper()
	var id [12]byte
	_, _ = rand.Read(id[:])
	u, _, _ := strings.Cut(target, "?")
	claims := map[string]any{"jti": hex.EncodeToString(id[:]), "htm": method, "htu": u, "iat": s.e.Clock.Now().Unix()}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	if token != "" {
		sum := sha256.Sum256([]byte(token))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	for name, value := range change {
		claims[name] = value
		if value == nil {
			delete(claims, name)
		}
	}
	options := (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: s.key}, options)
	if err != nil {
		s.t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		s.t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		s.t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

// nonce gets a nonce of a host by showing a proof without.
func (s *sender) nonce(origin string) string {
	s.t.Helper()
	target := origin + "/oauth/token"
	form := url.Values{"grant_type": {api.GrantClientCredentials}, "client_id": {"x"}, "client_secret": {"y"}}
	res, body := postForm(s.t, s.e, target, form, http.Header{"Dpop": {s.proof("POST", target, "", "", nil)}})
	if res.StatusCode != http.StatusBadRequest || oauthErrorOf(s.t, body) != "use_dpop_nonce" {
		s.t.Fatalf("a proof without nonce: %d %s", res.StatusCode, body)
	}
	return res.Header.Get("DPoP-Nonce")
}

// token gets a token that is bound to the sender's key.
func (s *sender) token(origin string, form url.Values) api.TokenResponse {
	s.t.Helper()
	target := origin + "/oauth/token"
	res, body := postForm(s.t, s.e, target, form, http.Header{"Dpop": {s.proof("POST", target, s.nonce(origin), "", nil)}})
	if res.StatusCode != http.StatusOK {
		s.t.Fatalf("token: %d %s", res.StatusCode, body)
	}
	return tokenOf(s.t, body)
}

func surfaceOf(origin string) string {
	u, _ := url.Parse(origin)
	switch label, _, _ := strings.Cut(u.Hostname(), "."); label {
	case "console", "register":
		return label
	default:
		return "tenant"
	}
}

func exchangeHTTP(t testing.TB, e *testenv.Env, method, target string, header http.Header, body []byte) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, target, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	res, err := e.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	apitest.Check(t, surfaceOf(target), req, body, res, answer)
	return res, answer
}

func postForm(t testing.TB, e *testenv.Env, target string, form url.Values, header http.Header) (*http.Response, []byte) {
	t.Helper()
	header = header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", "application/x-www-form-urlencoded")
	return exchangeHTTP(t, e, http.MethodPost, target, header, []byte(form.Encode()))
}

func oauthErrorOf(t testing.TB, body []byte) string {
	t.Helper()
	var e api.OAuthErrorBody
	if err := json.Unmarshal(body, &e); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return e.OAuthError
}

func tokenOf(t testing.TB, body []byte) api.TokenResponse {
	t.Helper()
	var token api.TokenResponse
	if err := json.Unmarshal(body, &token); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return token
}

func claimsOf(t *testing.T, token string) (c api.Claims) {
	t.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(payload, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func secretForm(c testenv.Credentials) url.Values {
	return url.Values{"grant_type": {api.GrantClientCredentials}, "client_id": {string(c.ID)}, "client_secret": {c.Secret}}
}

func TestDPoP_StolenTokenIsWorthNothing(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(3), "us")
	client := e.TenantClient(tenant)
	origin := e.TenantURL(tenant)
	owner, thief := newSender(t, e), newSender(t, e)
	token := owner.token(origin, secretForm(client))
	if token.TokenType != "DPoP" || claimsOf(t, token.AccessToken).Confirmation.JWKThumbprint == "" {
		t.Fatalf("the token is not bound: %+v", token)
	}
	me := origin + "/api/v1/licenses/overview"
	nonce := owner.nonce(origin)
	call := func(method, target, scheme, token string, proofs ...string) *http.Response {
		header := http.Header{"Authorization": {scheme + " " + token}}
		if len(proofs) > 0 {
			header["Dpop"] = proofs
		}
		res, _ := exchangeHTTP(t, e, method, target, header, nil)
		return res
	}
	good := owner.proof("GET", me, nonce, token.AccessToken, nil)
	res := call("GET", me+"?x=y", "DPoP", token.AccessToken, good)
	if res.StatusCode != http.StatusOK || res.Header.Get("DPoP-Nonce") == "" {
		t.Fatalf("with a proof: %d, next nonce %q", res.StatusCode, res.Header.Get("DPoP-Nonce"))
	}
	other := e.Token(origin, client)
	for name, c := range map[string]struct {
		res  *http.Response
		want string
	}{
		"replayed":              {call("GET", me, "DPoP", token.AccessToken, good), "invalid_dpop_proof"},
		"as Bearer":             {call("GET", me, "Bearer", token.AccessToken), "invalid_token"},
		"as Bearer, proven":     {call("GET", me, "Bearer", token.AccessToken, owner.proof("GET", me, nonce, token.AccessToken, nil)), "invalid_token"},
		"without proof":         {call("GET", me, "DPoP", token.AccessToken), "invalid_token"},
		"of another key":        {call("GET", me, "DPoP", token.AccessToken, thief.proof("GET", me, nonce, token.AccessToken, nil)), "invalid_token"},
		"two proofs":            {call("GET", me, "DPoP", token.AccessToken, owner.proof("GET", me, nonce, token.AccessToken, nil), owner.proof("GET", me, nonce, token.AccessToken, nil)), "invalid_dpop_proof"},
		"for another token":     {call("GET", me, "DPoP", token.AccessToken, owner.proof("GET", me, nonce, other, nil)), "invalid_dpop_proof"},
		"without ath":           {call("GET", me, "DPoP", token.AccessToken, owner.proof("GET", me, nonce, "", nil)), "invalid_dpop_proof"},
		"for another method":    {call("GET", me, "DPoP", token.AccessToken, owner.proof("POST", me, nonce, token.AccessToken, nil)), "invalid_dpop_proof"},
		"for another path":      {call("GET", me, "DPoP", token.AccessToken, owner.proof("GET", me+"/x", nonce, token.AccessToken, nil)), "invalid_dpop_proof"},
		"for another host":      {call("GET", me, "DPoP", token.AccessToken, owner.proof("GET", e.Console()+"/api/v1/licenses/overview", nonce, token.AccessToken, nil)), "invalid_dpop_proof"},
		"an hour old":           {call("GET", me, "DPoP", token.AccessToken, owner.proof("GET", me, nonce, token.AccessToken, map[string]any{"iat": e.Clock.Now().Add(-time.Hour).Unix()})), "invalid_dpop_proof"},
		"without nonce":         {call("GET", me, "DPoP", token.AccessToken, owner.proof("GET", me, "", token.AccessToken, nil)), "use_dpop_nonce"},
		"nonce of a stranger":   {call("GET", me, "DPoP", token.AccessToken, owner.proof("GET", me, "bm9uY2U", token.AccessToken, nil)), "use_dpop_nonce"},
		"nonce of another host": {call("GET", me, "DPoP", token.AccessToken, owner.proof("GET", me, owner.nonce(e.Console()), token.AccessToken, nil)), "use_dpop_nonce"},
	} {
		challenge := c.res.Header.Get("WWW-Authenticate")
		if c.res.StatusCode != http.StatusUnauthorized || !strings.HasPrefix(challenge, "DPoP ") || !strings.Contains(challenge, `error="`+c.want+`"`) {
			t.Errorf("%s: %d, %q", name, c.res.StatusCode, challenge)
		}
		if c.want == "use_dpop_nonce" && c.res.Header.Get("DPoP-Nonce") == "" {
			t.Errorf("%s: no nonce to use", name)
		}
	}
	if res := call("GET", me, "DPoP", other, owner.proof("GET", me, nonce, other, nil)); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("an unbound token as DPoP: %d", res.StatusCode)
	}
	e.Clock.Advance(2 * time.Minute)
	res = call("GET", me, "DPoP", token.AccessToken, owner.proof("GET", me, nonce, token.AccessToken, nil))
	if res.StatusCode != http.StatusUnauthorized || res.Header.Get("DPoP-Nonce") == "" {
		t.Fatalf("with a stale nonce: %d", res.StatusCode)
	}
	if res = call("GET", me, "DPoP", token.AccessToken, owner.proof("GET", me, res.Header.Get("DPoP-Nonce"), token.AccessToken, nil)); res.StatusCode != http.StatusOK {
		t.Errorf("with the new nonce: %d", res.StatusCode)
	}
}

// TestDPoP_AboutTokens shows a bound token at the endpoints about tokens, where it
// says who asks: it needs the same proof there as anywhere, and clients learn the
// same way what is wrong.
func TestDPoP_AboutTokens(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(3), "us")
	client := e.TenantClient(tenant)
	origin := e.TenantURL(tenant)
	owner, thief := newSender(t, e), newSender(t, e)
	bound := owner.token(origin, secretForm(client)).AccessToken
	about := e.Token(origin, client)
	for _, path := range []string{"/oauth/introspect", "/oauth/revoke"} {
		target := origin + path
		post := func(scheme string, proofs ...string) *http.Response {
			t.Helper()
			header := http.Header{"Authorization": {scheme + " " + bound}}
			if len(proofs) > 0 {
				header["Dpop"] = proofs
			}
			res, _ := postForm(t, e, target, url.Values{"token": {about}}, header)
			return res
		}
		nonce := owner.nonce(origin)
		for name, c := range map[string]struct {
			res  *http.Response
			want string
		}{
			"as Bearer":      {post("Bearer"), "invalid_token"},
			"without proof":  {post("DPoP"), "invalid_token"},
			"of another key": {post("DPoP", thief.proof("POST", target, nonce, bound, nil)), "invalid_token"},
			"without ath":    {post("DPoP", owner.proof("POST", target, nonce, "", nil)), "invalid_dpop_proof"},
			"without nonce":  {post("DPoP", owner.proof("POST", target, "", bound, nil)), "use_dpop_nonce"},
		} {
			challenge := c.res.Header.Get("WWW-Authenticate")
			if c.res.StatusCode != http.StatusUnauthorized || !strings.HasPrefix(challenge, "DPoP ") || !strings.Contains(challenge, `error="`+c.want+`"`) {
				t.Errorf("%s, %s: %d, %q", path, name, c.res.StatusCode, challenge)
			}
		}
		if !tokenWorks(t, e, origin, about) {
			t.Fatalf("%s: a refused request revoked the token", path)
		}
		if res := post("DPoP", owner.proof("POST", target, nonce, bound, nil)); res.StatusCode != http.StatusOK {
			t.Errorf("%s, with a proof: %d", path, res.StatusCode)
		}
	}
	if tokenWorks(t, e, origin, about) {
		t.Error("the token was not revoked")
	}
}

func TestDPoP_TokenEndpoint(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(3)
	client := e.RegionClient(sub, "us")
	origin := e.Register("us")
	target := origin + "/oauth/token"
	s := newSender(t, e)
	nonce := s.nonce(origin)
	used := s.proof("POST", target, nonce, "", nil)
	post := func(proofs ...string) (int, string) {
		res, body := postForm(t, e, target, secretForm(client), http.Header{"Dpop": proofs})
		if res.Header.Get("DPoP-Nonce") == "" {
			t.Error("no nonce for the next proof")
		}
		if res.StatusCode == http.StatusOK {
			return res.StatusCode, ""
		}
		return res.StatusCode, oauthErrorOf(t, body)
	}
	if status, _ := post(used); status != http.StatusOK {
		t.Fatalf("good proof: %d", status)
	}
	for name, proofs := range map[string][]string{
		"replayed":       {used},
		"two":            {s.proof("POST", target, nonce, "", nil), s.proof("POST", target, nonce, "", nil)},
		"malformed":      {"e30.e30.e30"},
		"another method": {s.proof("GET", target, nonce, "", nil)},
		"another host":   {s.proof("POST", e.Console()+"/oauth/token", nonce, "", nil)},
		"no id":          {s.proof("POST", target, nonce, "", map[string]any{"jti": nil})},
	} {
		if status, code := post(proofs...); status != http.StatusBadRequest || code != "invalid_dpop_proof" {
			t.Errorf("%s: %d %s", name, status, code)
		}
	}
}

func TestTokenBinding_Required(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(3), "us")
	origin := e.TenantURL(tenant)
	admin := e.Token(origin, e.TenantClient(tenant))
	create := func(binding string) (int, api.OAuthClient) {
		body := `{"clientName":"bound","appType":"web","allowedScopes":["admin_classic"],"allowedGrantTypes":["client_credentials"],"tokenBinding":"` + binding + `"}`
		res, answer := exchangeHTTP(t, e, http.MethodPost, origin+"/api/v1/oauth-clients",
			http.Header{"Authorization": {"Bearer " + admin}, "Content-Type": {"application/json"}}, []byte(body))
		var c api.OAuthClient
		if err := json.Unmarshal(answer, &c); err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, c
	}
	if status, _ := create("rope"); status != http.StatusBadRequest {
		t.Errorf("an unknown binding: %d", status)
	}
	for binding, want := range map[string]string{"dpop": "invalid_dpop_proof", "mtls": "invalid_request"} {
		status, c := create(binding)
		if status != http.StatusCreated || c.TokenBinding != binding {
			t.Fatalf("%s: %d %+v", binding, status, c)
		}
		form := url.Values{"grant_type": {api.GrantClientCredentials}, "client_id": {c.ClientID}, "client_secret": {c.ClientSecret}}
		res, body := postForm(t, e, origin+"/oauth/token", form, nil)
		if res.StatusCode != http.StatusBadRequest || oauthErrorOf(t, body) != want {
			t.Errorf("%s: an unbound token: %d %s", binding, res.StatusCode, body)
		}
		if binding == "dpop" {
			if token := newSender(t, e).token(origin, form); token.TokenType != "DPoP" {
				t.Errorf("token type %s", token.TokenType)
			}
		}
	}
}

// person adds a person to a tenant.
func person(t *testing.T, e *testenv.Env, tenant estate.Tenant, subject string, status estate.UserStatus, roles ...estate.RoleName) estate.User {
	t.Helper()
	now := e.Clock.Now()
	u := estate.User{
		ID: estate.NewUserID(), Organization: tenant.Organization, Tenant: tenant.ID, Subject: subject, Name: subject,
		Status: status, Roles: roles, CreatedAt: now, UpdatedAt: now,
	}
	insertUser(t, e, u)
	return u
}

func impersonator(t *testing.T, e *testenv.Env, tenant estate.Tenant, consent estate.Consent, grants ...string) testenv.Credentials {
	t.Helper()
	c, secret, err := e.App.Credential.CreateClient(context.Background(), testenv.Operator, credential.NewClient{
		Level: estate.LevelTenant, Scope: tenant.Scope(), Name: "portal", AppType: api.AppTypeWeb, Consent: consent,
		Permissions: []string{api.ScopeAdminClassic, api.ScopeUserDefault}, GrantTypes: grants,
	})
	if err != nil {
		t.Fatal(err)
	}
	return testenv.Credentials{Client: c, Secret: secret.Reveal()}
}
