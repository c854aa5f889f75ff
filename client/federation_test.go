package client_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
)

func TestFederationAndBots_requests(t *testing.T) {
	var got []string
	c := newInMemory(t, "console.example.com", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, strings.TrimSpace(r.Method+" "+r.URL.EscapedPath()+" "+body(t, r)))
		switch {
		case strings.HasSuffix(r.URL.Path, "/check"):
			writeJSON(w, http.StatusOK, api.CheckedFederatedToken{Reason: "no"})
		case strings.HasSuffix(r.URL.Path, "/federated-credentials"):
			writeJSON(w, http.StatusCreated, map[string]string{})
		case r.Method == http.MethodGet:
			writeJSON(w, http.StatusOK, api.BotList{Data: []api.Bot{{ID: "u"}}})
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	}))
	ctx, o := t.Context(), c.SubscriptionOAuthClients("104")
	checked, err := o.CheckFederatedToken(ctx, "c", "jwt")
	bots, errList := c.OrganizationBots().List(ctx)
	if err := errors.Join(
		err, errList,
		o.AddFederatedCredential(ctx, "c", api.FederatedCredential{Name: "n", Issuer: "i", Audience: "a", Subject: "s"}),
		o.RemoveFederatedCredential(ctx, "c", "a/b"),
		c.TenantBots().Adopt(ctx, "u", "c"),
		c.TenantBots().Remove(ctx, "u"),
	); err != nil || checked.Reason != "no" || len(bots) != 1 || bots[0].ID != "u" {
		t.Errorf("%v, %+v, %+v", err, checked, bots)
	}
	want := []string{
		`POST /api/core/subscriptions/104/oauth-clients/c/federated-credentials/actions/check {"token":"jwt"}`,
		`GET /api/core/bots`,
		`POST /api/core/subscriptions/104/oauth-clients/c/federated-credentials {"name":"n","issuer":"i","audience":"a","subject":"s"}`,
		`DELETE /api/core/subscriptions/104/oauth-clients/c/federated-credentials/a%2Fb`,
		`POST /api/v1/bots/u/actions/adopt {"clientId":"c"}`,
		`DELETE /api/v1/bots/u`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAssertionKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key.pem")
	write := func(blocks ...*pem.Block) {
		t.Helper()
		var text []byte
		for _, b := range blocks {
			text = append(text, pem.EncodeToMemory(b)...)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ec, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	_, ed, errEd := ed25519.GenerateKey(rand.Reader)
	rsaKey, errRSA := rsa.GenerateKey(rand.Reader, 2048)
	if err := errors.Join(err, errEd, errRSA); err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(ec)
	pkcs8, err8 := x509.MarshalPKCS8PrivateKey(ed)
	if err := errors.Join(err, err8); err != nil {
		t.Fatal(err)
	}
	for name, blocks := range map[string][]*pem.Block{
		"PKCS #8":                 {{Type: "PRIVATE KEY", Bytes: pkcs8}},
		"OpenSSL, with the curve": {{Type: "EC PARAMETERS", Bytes: []byte{6, 5, 43, 129, 4, 0, 34}}, {Type: "EC PRIVATE KEY", Bytes: sec1}},
		"PKCS #1":                 {{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey)}},
	} {
		write(blocks...)
		source, err := client.AssertionKeyFile("c", "", path)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if text, err := source(t.Context(), "https://a"); err != nil || strings.Count(text, ".") != 2 {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	for want, block := range map[string]*pem.Block{
		"is encrypted":          {Type: "ENCRYPTED PRIVATE KEY"},
		"can't be read":         {Type: "PRIVATE KEY", Bytes: []byte("secret")},
		"holds no private key ": {Type: "PUBLIC KEY"},
	} {
		write(block)
		if _, err := client.AssertionKeyFile("c", "", path); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestWithClientCertificate(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	var shown [][]byte
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, c := range r.TLS.PeerCertificates {
			shown = append(shown, c.Raw)
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	certificate := client.WithClientCertificate(tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key})
	c := newClient(t, server.URL, client.WithRootCAs(roots), certificate)
	if err := c.Do(t.Context(), http.MethodDelete, "/x", nil, nil, nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]byte{der}, shown); diff != "" {
		t.Error(diff)
	}
	if _, err := client.New(server.URL, client.WithHTTPClient(server.Client()), certificate); err == nil {
		t.Error("a certificate that would never be shown was taken")
	}
}
