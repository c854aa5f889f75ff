package credential_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/apitest"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// jwtSigner signs as a client or an issuer would.
type jwtSigner struct {
	key       crypto.Signer
	kid       string
	algorithm jose.SignatureAlgorithm
}

// newSigner makes a key for algorithm.
func newJWTSigner(t testing.TB, algorithm, kid string) jwtSigner {
	t.Helper()
	var key crypto.Signer
	var err error
	switch algorithm {
	case "ES256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "EdDSA", "Ed25519":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	return jwtSigner{key, kid, jose.SignatureAlgorithm(algorithm)}
}

func (s jwtSigner) jwk(t testing.TB) json.RawMessage {
	t.Helper()
	return mustJSON(t, jose.JSONWebKey{Key: s.key.Public(), KeyID: s.kid, Algorithm: string(s.algorithm), Use: "sig"})
}

func mustJSON(t testing.TB, v any) json.RawMessage {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// sign makes a JWT of claims.
func (s jwtSigner) sign(t testing.TB, claims map[string]any) string {
	t.Helper()
	if s.algorithm == "Ed25519" { // which the library does not know by this name
		encode := base64.RawURLEncoding.EncodeToString
		header := map[string]string{"alg": "Ed25519"}
		if s.kid != "" {
			header["kid"] = s.kid
		}
		text := encode(mustJSON(t, header)) + "." + encode(mustJSON(t, claims))
		signature, err := s.key.Sign(rand.Reader, []byte(text), crypto.Hash(0))
		if err != nil {
			t.Fatal(err)
		}
		return text + "." + encode(signature)
	}
	options := (&jose.SignerOptions{}).WithType("JWT")
	if s.kid != "" {
		options.WithHeader("kid", s.kid)
	}
	with, err := jose.NewSigner(jose.SigningKey{Algorithm: s.algorithm, Key: s.key}, options)
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

var lastID atomic.Int64

// assertionClaims are those of an assertion that is good at audience.
func assertionClaims(e *testenv.Env, client estate.ClientID, audience string) map[string]any {
	now := e.Clock.Now().Unix()
	return map[string]any{
		"iss": client, "sub": client, "aud": audience, "iat": now, "exp": now + 60, "jti": fmt.Sprintf("id-%d", lastID.Add(1)),
	}
}

func changed(claims map[string]any, name string, value any) map[string]any {
	all := maps.Clone(claims)
	if value == nil {
		delete(all, name)
	} else {
		all[name] = value
	}
	return all
}

// organizationClient makes a client at the console.
func organizationClient(t testing.TB, e *testenv.Env, change func(*credential.NewClient)) estate.Client {
	t.Helper()
	n := credential.NewClient{
		Level: estate.LevelOrganization, Scope: estate.Scope{Organization: e.Organization.ID}, Name: "inventory", AppType: api.AppTypeWeb,
	}
	change(&n)
	c, secret, err := e.App.Credential.CreateClient(t.Context(), testenv.Operator, n)
	if err != nil {
		t.Fatal(err)
	}
	if secret != "" {
		t.Error("a client without secret got one")
	}
	return c
}

// tokenAnswer is what the token endpoint said.
type tokenAnswer struct {
	status int
	token  api.TokenResponse
	refuse api.OAuthErrorBody
}

// requestToken posts form to the token endpoint at origin and checks the
// exchange against the document of surface.
func requestTokenWith(t testing.TB, e *testenv.Env, surface, origin string, form url.Values) tokenAnswer {
	t.Helper()
	body := form.Encode()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, origin+api.TokenPath, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	status, text := sendChecked(t, e, surface, request, body)
	a := tokenAnswer{status: status}
	into := any(&a.token)
	if a.status != http.StatusOK {
		into = &a.refuse
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return a
}

func sendChecked(t testing.TB, e *testenv.Env, surface string, request *http.Request, body string) (int, []byte) {
	t.Helper()
	response, err := e.Client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	apitest.Check(t, surface, request, []byte(body), response, text)
	return response.StatusCode, bytes.TrimSpace(text)
}

func byAssertion(id estate.ClientID, assertion string) url.Values {
	form := url.Values{
		"grant_type": {api.GrantClientCredentials}, "client_assertion_type": {api.AssertionTypeJWT}, "client_assertion": {assertion},
	}
	if id != "" {
		form.Set("client_id", string(id))
	}
	return form
}

func byExchange(id estate.ClientID, token, kind string) url.Values {
	return url.Values{
		"grant_type": {api.GrantTokenExchange}, "client_id": {string(id)}, "subject_token": {token}, "subject_token_type": {kind},
	}
}

// wantRefused checks that the answer gives nothing away and that the audit
// trail has the reason. The clock moves on, so that each refusal gets a record.
func wantRefused(t testing.TB, e *testenv.Env, client estate.ClientID, a tokenAnswer, reason string) {
	t.Helper()
	if a.status != http.StatusUnauthorized || a.refuse.OAuthError != "invalid_client" || a.refuse.ErrorDescription != "Client authentication failed." ||
		len(a.refuse.Errors) != 1 || a.refuse.Errors[0].Code != api.CodeOAuthInvalidClient {
		t.Errorf("answered %d %+v", a.status, a.refuse)
	}
	e.Clock.Advance(2 * time.Second)
	r := newestRefusal(t, e)
	if r.Action != "oauth-token.issue" || r.Target != string(client) || r.Data["code"] != api.CodeOAuthInvalidClient {
		t.Errorf("the newest refusal is %+v", r)
	}
	if got := fmt.Sprint(r.Data["reason"]); !strings.Contains(got, reason) {
		t.Errorf("the audit trail says %q, want %q", got, reason)
	}
}

// newestRefusal waits for the audit record of an attempt that was not recorded
// before: the server's own flush may be the one that writes it.
func newestRefusal(t testing.TB, e *testenv.Env) estate.AuditRecord {
	t.Helper()
	before := seenRefusals[e]
	for range 10_000 {
		e.Flush()
		refusals := slices.DeleteFunc(newestAudit(t, e, 1000), func(r estate.AuditRecord) bool { return r.Outcome != estate.OutcomeRefused })
		if len(refusals) > before {
			seenRefusals[e] = len(refusals)
			return refusals[0]
		}
	}
	t.Fatal("no audit record of the refusal")
	return estate.AuditRecord{}
}

// seenRefusals counts the refusals that newestRefusal has returned.
var seenRefusals = map[*testenv.Env]int{}

// wantInvalid checks that err is about the part of a client at pointer, and
// that it repeats nothing of a key.
func wantInvalid(t testing.TB, err error, pointer string) {
	t.Helper()
	var e *estate.Error
	if !errors.As(err, &e) || e.Code != api.CodeClientInvalid || len(e.Fields) != 1 || e.Fields[0].Pointer != pointer {
		t.Errorf("have %v, want %s at %s", err, api.CodeClientInvalid, pointer)
	}
}

func newestAudit(t testing.TB, e *testenv.Env, limit int) (records []estate.AuditRecord) {
	t.Helper()
	err := e.App.Store.Read(t.Context(), func(tx *store.Tx) (err error) {
		records, err = tx.AuditRecords(t.Context(), estate.Scope{Organization: e.Organization.ID}, limit)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return records
}
