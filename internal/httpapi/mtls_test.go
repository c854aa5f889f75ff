package httpapi_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/app"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// selfSigned is a certificate that no CA knows: tokens are bound to it by its
// thumbprint alone.
func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestMTLS_BoundToken(t *testing.T) {
	dir := t.TempDir()
	config := app.Defaults()
	config.DataDir, config.Domain = filepath.Join(dir, "data"), testenv.Domain
	config.TLS, config.TLSAskClient = app.TLSInternal, app.ClientAuthRequest
	e := testenv.Start(t, config, dir)
	pem, err := os.ReadFile(config.CAFile())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	with := func(certificates ...tls.Certificate) *testenv.Env {
		transport := &http.Transport{
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, network, "127.0.0.1:"+strconv.Itoa(e.Port))
			},
			TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: certificates, MinVersion: tls.VersionTLS12, Time: e.Clock.Now},
		}
		t.Cleanup(transport.CloseIdleConnections)
		same := *e
		same.Client = &http.Client{Transport: transport, CheckRedirect: e.Client.CheckRedirect}
		return &same
	}
	mine := selfSigned(t)
	owner, thief, nobody := with(mine), with(selfSigned(t)), with()

	sub := e.Subscription(3)
	tenant := e.Tenant(sub, "us")
	c, secret, err := e.App.Credential.CreateClient(t.Context(), testenv.Operator, credential.NewClient{
		Level: estate.LevelRegion, Scope: estate.Scope{Organization: sub.Organization, Subscription: sub.ID, Region: "us"}, TokenBinding: estate.BindingMTLS,
	})
	if err != nil {
		t.Fatal(err)
	}
	bound := testenv.Credentials{Client: c, Secret: secret.Reveal()}
	https := func(origin string) string { return strings.Replace(origin, "http://", "https://", 1) }
	origin := https(e.TenantURL(tenant))
	const resource = "/api/v1/licenses/overview"

	if res, body := postForm(t, nobody, origin+"/oauth/token", secretForm(bound), nil); res.StatusCode != http.StatusBadRequest || oauthErrorOf(t, body) != "invalid_request" {
		t.Errorf("without certificate: %d %s", res.StatusCode, body)
	}
	res, body := postForm(t, owner, origin+"/oauth/token", secretForm(bound), nil)
	if res.StatusCode != http.StatusOK {
		t.Fatalf("with a certificate: %d %s", res.StatusCode, body)
	}
	token := tokenOf(t, body)
	sum := sha256.Sum256(mine.Certificate[0])
	if got := claimsOf(t, token.AccessToken).Confirmation; got == nil || got.CertificateThumbprint != base64.RawURLEncoding.EncodeToString(sum[:]) || token.TokenType != "bearer" {
		t.Errorf("bound to %+v, type %s", got, token.TokenType)
	}
	for name, c := range map[string]struct {
		env    *testenv.Env
		status int
	}{"owner": {owner, 200}, "thief": {thief, 401}, "nobody": {nobody, 401}} {
		res, _ := exchangeHTTP(t, c.env, http.MethodGet, origin+resource, http.Header{"Authorization": {"Bearer " + token.AccessToken}}, nil)
		if res.StatusCode != c.status {
			t.Errorf("%s: %d", name, res.StatusCode)
		}
	}

	// A client that is not set to it gets what it always got, certificate or not.
	res, body = postForm(t, owner, origin+"/oauth/token", secretForm(e.TenantClient(tenant)), nil)
	if res.StatusCode != http.StatusOK || claimsOf(t, tokenOf(t, body).AccessToken).Confirmation != nil {
		t.Errorf("another client: %d %s", res.StatusCode, body)
	}
	// Exchange keeps the binding.
	_, body = postForm(t, owner, https(e.Register("us"))+"/oauth/token", secretForm(bound), nil)
	register := tokenOf(t, body).AccessToken
	for name, c := range map[string]struct {
		env    *testenv.Env
		status int
	}{"owner": {owner, 200}, "thief": {thief, 400}, "nobody": {nobody, 400}} {
		if res, body := postForm(t, c.env, origin+"/oauth/token", exchangeForm(register), nil); res.StatusCode != c.status {
			t.Errorf("exchange by %s: %d %s", name, res.StatusCode, body)
		}
	}

	var metadata api.AuthorizationServerMetadata
	_, body = exchangeHTTP(t, nobody, http.MethodGet, origin+"/.well-known/oauth-authorization-server", nil, nil)
	if err := json.Unmarshal(body, &metadata); err != nil || !metadata.TLSClientCertificateBoundAccessTokens {
		t.Errorf("metadata: %v %s", err, body)
	}
}
