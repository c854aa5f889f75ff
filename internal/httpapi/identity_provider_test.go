package httpapi_test

import (
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"maps"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/testenv"
)

type object = map[string]any

// with is base with members changed; nil takes one away.
func with(base object, changes object) object {
	out := maps.Clone(base)
	for name, value := range changes {
		out[name] = value
		if value == nil {
			delete(out, name)
		}
	}
	return out
}

func TestIdentityProvider_Keys(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(3), "us")
	origin := e.TenantURL(tenant)
	admin := e.Token(origin, e.TenantClient(tenant))
	create := func(key any) testenv.Answer {
		return e.Do(testenv.Request{URL: origin + "/api/v1/identity-providers", Token: admin, JSON: object{
			"protocol": "jwtAuth", "provider": "external", "options": object{"issuer": "i", "staticKeys": []any{key}},
		}})
	}
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	strong, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "x"}, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1, 0)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, strong.Public(), strong)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(strong)
	if err != nil {
		t.Fatal(err)
	}
	flat := func(text string) string { return strings.ReplaceAll(text, "\n", "") }

	// What is a public key is taken, with and without line breaks, and signs people in.
	for name, text := range map[string]string{
		"certificate":             block("CERTIFICATE", certificate),
		"certificate in one line": flat(block("CERTIFICATE", certificate)),
		"public key in one line":  oneLine(t, strong.Public()),
		"PKCS 1":                  block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&strong.PublicKey)),
		"CR and LF":               strings.ReplaceAll(block("CERTIFICATE", certificate), "\n", "\r\n"),
	} {
		answer := create(object{"kid": "k", "pem": text})
		expect(t, name, answer, http.StatusCreated, "")
		var made api.IdentityProvider
		answer.Into(&made)
		if made.Options.StaticKeys[0].PEM != text || made.Options.Issuer != "i" || !made.Active || made.Interactive || !made.CreateNewUsersOnLogin || made.ClockToleranceSec != 5 {
			t.Errorf("%s: %s", name, answer.Body)
		}
		for _, algorithm := range []jose.SignatureAlgorithm{jose.RS256, jose.RS512} {
			token := signJWT(t, strong, algorithm, "k", object{
				"iss": "i", "aud": api.SessionAudience, "sub": "ada", "subType": "user", "exp": e.Clock.Now().Add(time.Minute).Unix(),
			})
			expect(t, name+", sign in", e.Do(testenv.Request{Method: "POST", URL: origin + "/login/jwt-session", Token: token}), http.StatusOK, "")
		}
		expect(t, name+", again", create(object{"kid": "k", "pem": text}), http.StatusBadRequest, api.CodeIDPInvalid)
		expect(t, "delete", e.Do(testenv.Request{Method: "DELETE", URL: origin + "/api/v1/identity-providers/" + made.ID, Token: admin}), http.StatusNoContent, "")
	}
	// What is not is refused, and nothing of it is repeated or kept.
	private := block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(strong))
	for name, text := range map[string]string{
		"private key":             private,
		"private key in one line": flat(private),
		"PKCS 8":                  block("PRIVATE KEY", pkcs8),
		"public and private key":  block("CERTIFICATE", certificate) + private,
		"private key, mislabeled": block("PUBLIC KEY", x509.MarshalPKCS1PrivateKey(strong)),
		"weak":                    oneLine(t, weak.Public()),
		"P-224":                   oneLine(t, ecKey(t, elliptic.P224()).Public()),
		"two keys":                oneLine(t, strong.Public()) + oneLine(t, strong.Public()),
		"labels differ":           strings.Replace(oneLine(t, strong.Public()), "BEGIN PUBLIC KEY", "BEGIN CERTIFICATE", 1),
		"empty":                   "",
		"no PEM":                  "hello",
		"no base64":               "-----BEGIN PUBLIC KEY-----AAA-----END PUBLIC KEY-----",
		"no key":                  "-----BEGIN PUBLIC KEY-----AAAA-----END PUBLIC KEY-----",
		"long":                    strings.Repeat("x", 40_000),
	} {
		answer := create(object{"kid": "k", "pem": text})
		expect(t, name, answer, http.StatusBadRequest, api.CodeIDPInvalid)
		if source := answer.Error().Source; source == nil || source.Pointer != "/options/staticKeys/0/pem" {
			t.Errorf("%s: %s", name, answer.Body)
		}
		if len(text) > 100 && strings.Contains(string(answer.Body), text[60:80]) {
			t.Errorf("%s: the answer repeats the key", name)
		}
	}
	answer := e.Do(testenv.Request{URL: origin + "/api/v1/identity-providers", Token: admin})
	var list api.IdentityProviderList
	if answer.Into(&list); len(list.Data) != 0 {
		t.Errorf("kept: %s", answer.Body)
	}
}

func TestIdentityProvider_BadInput(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(3), "us")
	origin := e.TenantURL(tenant)
	admin := e.Token(origin, e.TenantClient(tenant))
	mapping := object{"sub": []string{"/sub"}}
	key := object{"kid": "k", "pem": oneLine(t, ecKey(t, elliptic.P256()).Public())}
	jwtIDP := object{"protocol": "jwtAuth", "provider": "external", "options": object{"issuer": "i", "staticKeys": []any{key}}}
	options := object{"discoveryUrl": "https://id.example.com/.well-known/openid-configuration", "clientId": "c", "clientSecret": "s", "claimsMapping": mapping}
	oidcIDP := object{"protocol": "OIDC", "provider": "generic", "interactive": true, "pendingOptions": options}
	configuration := object{"issuer": "i", "authorization_endpoint": "https://a", "token_endpoint": "https://b", "jwks_uri": "https://c"}
	jwtOptions := func(changes object) object {
		return with(jwtIDP, object{"options": with(jwtIDP["options"].(object), changes)})
	}
	oidcOptions := func(changes object) object { return with(oidcIDP, object{"pendingOptions": with(options, changes)}) }
	for name, c := range map[string]struct {
		body    object
		code    string
		pointer string
	}{
		"no protocol":      {with(jwtIDP, object{"protocol": nil}), api.CodeIDPInvalid, "/protocol"},
		"unknown protocol": {with(jwtIDP, object{"protocol": "LDAP"}), api.CodeIDPInvalid, "/protocol"},
		"SAML":             {object{"protocol": "SAML", "provider": "okta", "interactive": true}, api.CodeIDPUnsupported, "/protocol"},
		"other tenant":     {with(jwtIDP, object{"tenantIds": []string{"x"}}), api.CodeIDPInvalid, "/tenantIds"},
		"long description": {with(jwtIDP, object{"description": strings.Repeat("x", 1001)}), api.CodeIDPInvalid, "/description"},
		"tolerance":        {with(jwtIDP, object{"clockToleranceSec": 601}), api.CodeIDPInvalid, "/clockToleranceSec"},
		"negative":         {with(jwtIDP, object{"clockToleranceSec": -1}), api.CodeIDPInvalid, "/clockToleranceSec"},
		"after logout":     {with(jwtIDP, object{"postLogoutRedirectUri": "javascript:alert(1)"}), api.CodeIDPInvalid, "/postLogoutRedirectUri"},
		"logout to path":   {with(jwtIDP, object{"postLogoutRedirectUri": "//evil.example.com"}), api.CodeIDPInvalid, "/postLogoutRedirectUri"},

		"jwt, provider":    {with(jwtIDP, object{"provider": "okta"}), api.CodeIDPInvalid, "/provider"},
		"jwt, interactive": {with(jwtIDP, object{"interactive": true}), api.CodeIDPInvalid, "/interactive"},
		"jwt, no options":  {with(jwtIDP, object{"options": nil}), api.CodeIDPInvalid, "/options"},
		"jwt, pending":     {with(jwtIDP, object{"pendingOptions": options}), api.CodeIDPInvalid, "/pendingOptions"},
		"jwt, disabled":    {jwtOptions(object{"jwtLoginEnabled": false}), api.CodeIDPInvalid, "/options/jwtLoginEnabled"},
		"jwt, no issuer":   {jwtOptions(object{"issuer": " "}), api.CodeIDPInvalid, "/options/issuer"},
		"jwt, no keys":     {jwtOptions(object{"staticKeys": []any{}}), api.CodeIDPInvalid, "/options/staticKeys"},
		"jwt, two keys":    {jwtOptions(object{"staticKeys": []any{key, key}}), api.CodeIDPInvalid, "/options/staticKeys"},
		"jwt, no kid":      {jwtOptions(object{"staticKeys": []any{with(key, object{"kid": ""})}}), api.CodeIDPInvalid, "/options/staticKeys/0/kid"},

		"oidc, provider":        {with(oidcIDP, object{"provider": "external"}), api.CodeIDPInvalid, "/provider"},
		"oidc, interactive":     {with(oidcIDP, object{"interactive": nil}), api.CodeIDPInvalid, "/interactive"},
		"oidc, machines":        {with(oidcIDP, object{"interactive": false}), api.CodeIDPUnsupported, "/interactive"},
		"oidc, no options":      {with(oidcIDP, object{"pendingOptions": nil}), api.CodeIDPInvalid, "/options"},
		"oidc, both":            {with(oidcIDP, object{"options": options}), api.CodeIDPInvalid, "/options"},
		"oidc, untested":        {with(oidcIDP, object{"pendingOptions": nil, "options": options}), api.CodeIDPInvalid, "/skipVerify"},
		"oidc, active":          {with(oidcIDP, object{"active": true}), api.CodeIDPInvalid, "/active"},
		"oidc, no client":       {oidcOptions(object{"clientId": nil}), api.CodeIDPInvalid, "/pendingOptions/clientId"},
		"oidc, no secret":       {oidcOptions(object{"clientSecret": nil}), api.CodeIDPInvalid, "/pendingOptions/clientSecret"},
		"oidc, no mapping":      {oidcOptions(object{"claimsMapping": nil}), api.CodeIDPInvalid, "/pendingOptions/claimsMapping"},
		"oidc, unknown claim":   {oidcOptions(object{"claimsMapping": object{"role": []string{"/a"}}}), api.CodeIDPInvalid, "/pendingOptions/claimsMapping"},
		"oidc, no pointer":      {oidcOptions(object{"claimsMapping": object{"sub": []string{"sub"}}}), api.CodeIDPInvalid, "/pendingOptions/claimsMapping/sub"},
		"oidc, no pointers":     {oidcOptions(object{"claimsMapping": object{"sub": []string{}}}), api.CodeIDPInvalid, "/pendingOptions/claimsMapping/sub"},
		"oidc, no discovery":    {oidcOptions(object{"discoveryUrl": nil}), api.CodeIDPInvalid, "/pendingOptions/discoveryUrl"},
		"oidc, discovery":       {oidcOptions(object{"discoveryUrl": "ftp://x"}), api.CodeIDPInvalid, "/pendingOptions/discoveryUrl"},
		"oidc, two discoveries": {oidcOptions(object{"openid_configuration": configuration}), api.CodeIDPInvalid, "/pendingOptions/discoveryUrl"},
		"oidc, no endpoint": {
			oidcOptions(object{"discoveryUrl": nil, "openid_configuration": with(configuration, object{"token_endpoint": ""})}),
			api.CodeIDPInvalid, "/pendingOptions/openid_configuration/token_endpoint",
		},
		"oidc, no issuer": {
			oidcOptions(object{"discoveryUrl": nil, "openid_configuration": with(configuration, object{"issuer": ""})}),
			api.CodeIDPInvalid, "/pendingOptions/openid_configuration/issuer",
		},
		"oidc, algorithm":       {oidcOptions(object{"idTokenSignatureAlg": "none"}), api.CodeIDPInvalid, "/pendingOptions/idTokenSignatureAlg"},
		"oidc, scope":           {oidcOptions(object{"scope": "profile"}), api.CodeIDPInvalid, "/pendingOptions/scope"},
		"oidc, realm":           {oidcOptions(object{"realm": `a\b`}), api.CodeIDPInvalid, "/pendingOptions/realm"},
		"oidc, verified e-mail": {oidcOptions(object{"emailVerifiedAlwaysTrue": true}), api.CodeIDPInvalid, "/pendingOptions/emailVerifiedAlwaysTrue"},
		"oidc, encrypted":       {oidcOptions(object{"decryptingKey": object{}}), api.CodeIDPUnsupported, "/pendingOptions/decryptingKey"},
	} {
		answer := e.Do(testenv.Request{URL: origin + "/api/v1/identity-providers", Token: admin, JSON: c.body})
		expect(t, name, answer, http.StatusBadRequest, c.code)
		if source := answer.Error().Source; source == nil || source.Pointer != c.pointer {
			t.Errorf("%s: %s, want %s", name, answer.Body, c.pointer)
		}
	}
	expect(t, "no JSON", e.Do(testenv.Request{
		Method: "POST", URL: origin + "/api/v1/identity-providers", Token: admin, Body: "x", Header: map[string]string{"Content-Type": "application/json"},
	}), http.StatusBadRequest, api.CodeInvalidRequest)
	for _, method := range []string{"GET", "DELETE"} {
		answer := e.Do(testenv.Request{Method: method, URL: origin + "/api/v1/identity-providers/000000000000000000000000", Token: admin})
		expect(t, method, answer, http.StatusNotFound, api.CodeIDPNotFound)
	}
	for name, change := range map[string]ops{
		"add":         {{Op: "add", Path: "/userSessionInactivityTimeoutMinutes", Value: 5}},
		"path":        {{Op: "replace", Path: "/isDefault", Value: true}},
		"no minutes":  {{Op: "replace", Path: "/userSessionInactivityTimeoutMinutes", Value: 0}},
		"text":        {{Op: "replace", Path: "/userSessionInactivityTimeoutMinutes", Value: "5"}},
		"part hour":   {{Op: "replace", Path: "/maxUserSessionLifespanMinutes", Value: 90}},
		"half":        {{Op: "replace", Path: "/userSessionInactivityTimeoutMinutes", Value: 1.5}},
		"DCR":         {{Op: "replace", Path: "/dynamicClientRegistrationEnabled", Value: "yes"}},
		"second half": {{Op: "replace", Path: "/userSessionInactivityTimeoutMinutes", Value: 5}, {Op: "replace", Path: "/maxUserSessionLifespanMinutes", Value: 0}},
	} {
		answer := e.Do(testenv.Request{Method: "PATCH", URL: origin + "/api/core/auth-settings", Token: admin, JSON: change})
		expect(t, name, answer, http.StatusBadRequest, api.CodeAuthSettings)
	}
	var settings api.AuthSettings
	e.Do(testenv.Request{URL: origin + "/api/core/auth-settings", Token: admin}).Into(&settings)
	want := api.AuthSettings{ID: string(tenant.ID), TenantID: string(tenant.ID), UserSessionInactivityTimeoutMins: 20, MaxUserSessionLifespanMins: 1440, IsDefault: true, DCRAllowedAuthenticationMethods: []string{"none", "client_secret"}}
	if !cmp.Equal(settings, want) {
		t.Errorf("settings that nobody changed: %+v", settings)
	}
	answer := e.Do(testenv.Request{Method: "PATCH", URL: origin + "/api/core/auth-settings", Token: admin, JSON: ops{{Op: "replace", Path: "/maxUserSessionLifespanMinutes", Value: 120}}})
	want.MaxUserSessionLifespanMins, want.IsDefault = 120, false
	if answer.Into(&settings); !cmp.Equal(settings, want) {
		t.Errorf("changed settings: %+v", settings)
	}
}

func TestIdentityProvider_Patch(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(3), "us")
	p := newPortal(t, e, tenant)
	list := p.origin + "/api/v1/identity-providers"
	patch := func(id string, patch ...object) testenv.Answer {
		return e.Do(testenv.Request{Method: "PATCH", URL: list + "/" + id, Token: p.admin, JSON: patch})
	}
	get := func(id string) (found api.IdentityProvider) {
		e.Do(testenv.Request{URL: list + "/" + id, Token: p.admin}).Into(&found)
		return found
	}
	replace := func(path string, value any) object { return object{"op": "replace", "path": path, "value": value} }

	expect(t, "description", patch(p.id, replace("/description", "new")), http.StatusNoContent, "")
	if found := get(p.id); found.Description != "new" {
		t.Errorf("%+v", found)
	}
	for name, change := range map[string][]object{
		"active":        {replace("/active", false)},
		"options":       {replace("/options", object{})},
		"remove":        {{"op": "remove", "path": "/description"}},
		"promote":       {{"op": "promote-options"}},
		"no value":      {{"op": "replace", "path": "/description"}},
		"null":          {replace("/description", nil)},
		"type":          {replace("/description", 5)},
		"no path":       {{"op": "replace", "value": "x"}},
		"one bad":       {replace("/description", "half"), replace("/active", false)},
		"no operations": nil,
	} {
		expect(t, name, patch(p.id, change...), http.StatusBadRequest, api.CodeIDPPatch)
	}
	expect(t, "long", patch(p.id, replace("/description", strings.Repeat("x", 1001))), http.StatusBadRequest, api.CodeIDPInvalid)
	if found := get(p.id); found.Description != "new" || !found.Active {
		t.Errorf("after bad patches: %+v", found)
	}

	options := object{
		"discoveryUrl": "https://id.example.com/.well-known/openid-configuration", "clientId": "c", "clientSecret": "hidden-secret",
		"claimsMapping": object{"sub": []string{"/sub"}, "name": []string{"/n"}},
	}
	answer := e.Do(testenv.Request{URL: list, Token: p.admin, JSON: object{
		"protocol": "OIDC", "provider": "adfs", "interactive": true, "skipVerify": true, "options": options, "postLogoutRedirectUri": "https://example.com/bye",
	}})
	expect(t, "create", answer, http.StatusCreated, "")
	var made api.IdentityProvider
	answer.Into(&made)
	if !made.Active || !made.Interactive || made.Options.ClientID != "c" || made.PendingOptions != nil || strings.Contains(string(answer.Body), "hidden-secret") {
		t.Errorf("made: %s", answer.Body)
	}
	second := e.Do(testenv.Request{URL: list, Token: p.admin, JSON: object{"protocol": "OIDC", "provider": "okta", "interactive": true, "pendingOptions": options}})
	expect(t, "a second interactive one", second, http.StatusBadRequest, api.CodeIDPInvalid)
	for _, change := range []object{
		replace("/active", false), replace("/active", true), replace("/description", "d"), replace("/meta", object{"userPortalLink": "https://example.com/me"}),
		replace("/clockToleranceSec", 60), replace("/postLogoutRedirectUri", ""), replace("/options/realm", "ACME"),
		replace("/options/claimsMapping", object{"sub": []string{"/id"}}), replace("/pendingOptions", options), replace("/pendingOptions/clientSecret", "another"),
		replace("/pendingOptions/emailVerifiedAlwaysTrue", true), replace("/pendingOptions/idTokenSignatureAlg", "RS512"), replace("/pendingOptions/realm", "R"),
		replace("/pendingOptions/claimsMapping", object{"sub": []string{"/x"}}),
	} {
		expect(t, change["path"].(string), patch(made.ID, change), http.StatusNoContent, "")
	}
	found := get(made.ID)
	if found.Options.Realm != "ACME" || len(found.Options.ClaimsMapping) != 1 || found.ClockToleranceSec != 60 || found.PostLogoutRedirectURI != "" || found.PendingState != "pending" ||
		found.PendingOptions.IDTokenSignatureAlg != "RS512" || found.PendingOptions.ClaimsMapping["sub"][0] != "/x" || string(found.Meta) != `{"userPortalLink":"https://example.com/me"}` {
		text, _ := json.Marshal(found)
		t.Errorf("after patches: %s", text)
	}
	// A secret goes nowhere else than where it was meant to go.
	elsewhere := "https://evil.example.com/.well-known/openid-configuration"
	for _, path := range []string{"/options/discoveryUrl", "/pendingOptions/discoveryUrl"} {
		expect(t, path, patch(made.ID, replace(path, elsewhere)), http.StatusBadRequest, api.CodeIDPInvalid)
	}
	expect(t, "whole options elsewhere", patch(made.ID, replace("/pendingOptions", with(options, object{"clientSecret": nil, "discoveryUrl": elsewhere}))), http.StatusBadRequest, api.CodeIDPInvalid)
	expect(t, "with its secret", patch(made.ID, replace("/pendingOptions/discoveryUrl", elsewhere), replace("/pendingOptions/clientSecret", "s")), http.StatusNoContent, "")
	expect(t, "promote", patch(made.ID, object{"op": "promote-options"}), http.StatusPreconditionFailed, api.CodeIDPUnverified)

	var status api.IdentityProviderStatus
	e.Do(testenv.Request{URL: list + "/status", Token: p.admin}).Into(&status)
	if status.ActiveInteractive != 1 || len(status.Metadata) != 2 {
		t.Errorf("status: %+v", status)
	}
	var links api.IdentityProviderLinks
	e.Do(testenv.Request{URL: list + "/me/meta", Token: p.admin}).Into(&links)
	if links.UserPortalLink != "https://example.com/me" {
		t.Errorf("links: %+v", links)
	}
	expect(t, "bad link", patch(made.ID, replace("/meta", object{"userPortalLink": "javascript:alert(1)"})), http.StatusNoContent, "")
	links = api.IdentityProviderLinks{}
	e.Do(testenv.Request{URL: list + "/me/meta", Token: p.admin}).Into(&links)
	if links.UserPortalLink != "" {
		t.Errorf("links: %+v", links)
	}
	expect(t, "inactive", patch(made.ID, replace("/active", false)), http.StatusNoContent, "")
	expect(t, "no links", e.Do(testenv.Request{URL: list + "/me/meta", Token: p.admin}), http.StatusNotFound, api.CodeIDPNotFound)
	var metadata api.LoginMetadata
	e.Do(testenv.Request{URL: list + "/.well-known/metadata.json"}).Into(&metadata)
	if metadata.LoginURI != p.origin+"/login" {
		t.Errorf("metadata: %+v", metadata)
	}
}

func TestIdentityProvider_List(t *testing.T) {
	e := testenv.New(t)
	tenant := e.Tenant(e.Subscription(3), "us")
	origin := e.TenantURL(tenant)
	admin := e.Token(origin, e.TenantClient(tenant))
	for i := range 5 {
		answer := e.Do(testenv.Request{URL: origin + "/api/v1/identity-providers", Token: admin, JSON: object{
			"protocol": "jwtAuth", "provider": "external", "active": i < 2,
			"options": object{"issuer": string(rune('a' + i)), "staticKeys": []any{object{"kid": "k", "pem": oneLine(t, ecKey(t, elliptic.P256()).Public())}}},
		}})
		expect(t, "create", answer, http.StatusCreated, "")
	}
	page := func(url string) (list api.IdentityProviderList) {
		answer := e.Do(testenv.Request{URL: url, Token: admin})
		expect(t, url, answer, http.StatusOK, "")
		answer.Into(&list)
		return list
	}
	var forward, backward []string
	list := page(origin + "/api/v1/identity-providers?limit=2")
	for {
		for _, p := range list.Data {
			forward = append(forward, p.ID)
		}
		if list.Links.Next == nil {
			break
		}
		list = page(list.Links.Next.Href)
	}
	for {
		for i := len(list.Data) - 1; i >= 0; i-- {
			backward = append(backward, list.Data[i].ID)
		}
		if list.Links.Prev == nil {
			break
		}
		list = page(list.Links.Prev.Href)
	}
	if len(forward) != 5 || len(backward) != 5 {
		t.Fatalf("%d forward, %d backward", len(forward), len(backward))
	}
	for i, id := range forward {
		if backward[4-i] != id || i > 0 && forward[i-1] >= id {
			t.Errorf("forward %v, backward %v", forward, backward)
			break
		}
	}
	if n, m := len(page(origin+"/api/v1/identity-providers?active=true").Data), len(page(origin+"/api/v1/identity-providers?active=false").Data); n != 2 || m != 3 {
		t.Errorf("%d active, %d not", n, m)
	}
	for _, query := range []string{"limit=0", "limit=101", "limit=x", "active=maybe", "next=a&prev=b"} {
		expect(t, query, e.Do(testenv.Request{URL: origin + "/api/v1/identity-providers?" + query, Token: admin}), http.StatusBadRequest, api.CodeInvalidRequest)
	}
}
