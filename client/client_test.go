package client_test

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/client"
)

func TestNew(t *testing.T) {
	for in, want := range map[string]string{
		"https://Console.Example.com/":       "https://console.example.com",
		"console.example.com":                "https://console.example.com",
		"localhost:8080":                     "https://localhost:8080",
		"http://a.us.freehold.localhost:80":  "http://a.us.freehold.localhost",
		"https://a.example:443":              "https://a.example",
		"http://[::1]:8080":                  "http://[::1]:8080",
		"http://[::1]":                       "http://[::1]",
		"HTTP://register.us.example.com:443": "http://register.us.example.com:443",
	} {
		c, err := client.New(in)
		if err != nil {
			t.Errorf("New(%q): %v", in, err)
			continue
		}
		if got := c.BaseURL(); got != want {
			t.Errorf("New(%q).BaseURL() = %q, want %q", in, got, want)
		}
		if again, err := client.New(c.BaseURL()); err != nil || again.BaseURL() != want {
			t.Errorf("New(%q) again: %v, %v", want, again, err)
		}
	}
	for _, in := range []string{
		"", "https://", "ftp://example.com", "https://user:secret@example.com", "https://example.com/api",
		"https://example.com?x=1", "https://example.com#x", "http://exa mple.com", "https://:443",
	} {
		if _, err := client.New(in); err == nil {
			t.Errorf("New(%q) succeeded", in)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("New(%q) tells the password: %v", in, err)
		}
	}
}

func TestNew_refusesBadOptions(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, opts := range map[string][]client.Option{
		"no secret":       {client.WithCredentials(client.Credentials{ClientID: "x"})},
		"no client id":    {client.WithCredentials(client.Credentials{ClientSecret: "x"})},
		"no attempts":     {client.WithMaxAttempts(0)},
		"no timeout":      {client.WithTimeout(0)},
		"missing CA file": {client.WithCAFile(filepath.Join(t.TempDir(), "none.pem"))},
		"empty CA file":   {client.WithCAFile(empty)},
	} {
		if _, err := client.New("https://example.com", opts...); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestCredentials_neverShowTheSecret(t *testing.T) {
	c := client.Credentials{ClientID: "id1", ClientSecret: "hunter2hunter2"}
	holder := struct{ Credentials client.Credentials }{c}
	conn := newClient(t, "https://example.com", client.WithCredentials(c))
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
		for _, value := range []any{c, &c, holder, &holder, []client.Credentials{c}, conn, *conn} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
	}
	for _, value := range []any{c, &c, holder} {
		encoded, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(encoded)
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "c", value)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "c", value)
	}
	hex := fmt.Sprintf("%x", c.ClientSecret)
	if s := out.String(); strings.Contains(s, c.ClientSecret) || strings.Contains(s, hex) {
		t.Errorf("the secret is in:\n%s", s)
	} else if !strings.Contains(s, "id1") {
		t.Errorf("the client id is not in:\n%s", s)
	}
}

func TestClient_resolvesLocalhostNames(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://192.0.2.1:1")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"host": r.Host})
	}))
	defer server.Close()
	port := server.URL[strings.LastIndex(server.URL, ":"):]
	for _, host := range []string{"register.us.freehold.localhost", "localhost", "ACME.us.freehold.LOCALHOST"} {
		c := newClient(t, "http://"+host+port, client.WithMaxAttempts(1))
		var out struct{ Host string }
		if err := c.Do(t.Context(), http.MethodGet, "/", nil, nil, &out); err != nil {
			t.Errorf("%s: %v", host, err)
		} else if want := strings.ToLower(host) + port; out.Host != want {
			t.Errorf("the server saw host %q, want %q", out.Host, want)
		}
	}
}

func TestClient_certificateAuthorities(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(ok))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	defer server.Close()
	file := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, block, 0o600); err != nil {
		t.Fatal(err)
	}
	trusting := newClient(t, server.URL, client.WithCAFile(file))
	if err := trusting.Do(t.Context(), http.MethodGet, "/", nil, nil, nil); err != nil {
		t.Errorf("with the CA file: %v", err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	pooled := newClient(t, server.URL, client.WithRootCAs(pool))
	if err := pooled.Do(t.Context(), http.MethodGet, "/", nil, nil, nil); err != nil {
		t.Errorf("with a pool: %v", err)
	}
	if err := newClient(t, server.URL).Do(t.Context(), http.MethodGet, "/", nil, nil, nil); err == nil {
		t.Error("without the CA file the certificate was accepted")
	}
	own := &http.Client{Transport: http.DefaultTransport}
	if _, err := client.New(server.URL, client.WithHTTPClient(own), client.WithCAFile(file)); err == nil {
		t.Error("a CA file was taken that could have no effect")
	}
}

func TestClient_sendsUserAgent(t *testing.T) {
	var got []string
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.UserAgent())
		ok(w, r)
	})
	for _, opts := range [][]client.Option{nil, {client.WithUserAgent("other/1")}} {
		c := newInMemory(t, "a.example", handler, opts...)
		if err := c.Do(t.Context(), http.MethodGet, "/", nil, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.HasPrefix(got[0], "freehold/") || got[1] != "other/1" {
		t.Errorf("User-Agent %q", got)
	}
}

func TestClient_Host_refusesBadURL(t *testing.T) {
	c := newClient(t, "https://a.example")
	if _, err := c.Host("ftp://b.example"); err == nil {
		t.Error("no error")
	}
}
