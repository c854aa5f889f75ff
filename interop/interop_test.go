// Package interop_test drives a whole server with clients that others wrote.
package interop_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/freehold-platform/freehold/internal/testenv"
)

// quickstart is what the tests read of a quickstart.json.
type quickstart struct {
	Console struct {
		URL string `json:"url"`
		credential
	} `json:"console"`
	Regions map[string]struct {
		RegisterURL string `json:"register_url"`
		credential
	} `json:"regions"`
	Tenants []struct {
		ID     string `json:"id"`
		URL    string `json:"url"`
		Region string `json:"region"`
		credential
	} `json:"tenants"`
}

type credential struct {
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
}

// TestQlikAPI runs platform-operations.mjs, which says what it covers.
func TestQlikAPI(t *testing.T) {
	requireNode(t)
	config, _ := start(t)

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	node := exec.CommandContext(ctx, "node", "--test-reporter=spec", "platform-operations.mjs")
	node.Env = append(os.Environ(), "INTEROP_CONFIG="+config, "FORCE_COLOR=0")
	output, err := node.CombinedOutput()
	t.Logf("platform-operations.mjs:\n%s", output)
	if err != nil {
		t.Fatalf("platform-operations.mjs: %v", err)
	}
}

// TestClientCredentials gets tokens with golang.org/x/oauth2 in each of its
// styles at each kind of host, and shows each token to the host's API.
func TestClientCredentials(t *testing.T) {
	_, estate := start(t)
	region, ok := estate.Regions["us"]
	if !ok || len(estate.Tenants) == 0 {
		t.Fatal("the test environment has no region us, or no tenant")
	}
	tenant := estate.Tenants[0]

	hosts := []struct {
		name    string
		url     string
		client  credential
		method  string
		path    string
		body    string
		status  int
		contain string
	}{
		{
			name: "organization client at the console", url: estate.Console.URL, client: estate.Console.credential,
			method: http.MethodGet, path: "/api/core/tenants", status: http.StatusOK, contain: tenant.ID,
		},
		{
			// Past authentication, with nothing created.
			name: "region client at the register host", url: region.RegisterURL, client: region.credential,
			method: http.MethodPost, path: "/api/v1/tenants", body: "{}", status: http.StatusBadRequest, contain: "TENANTS-21",
		},
		{
			name: "region client at a tenant", url: tenant.URL, client: region.credential,
			method: http.MethodGet, path: "/api/v1/users/me", status: http.StatusOK, contain: region.ClientID,
		},
		{
			name: "tenant client at its tenant", url: tenant.URL, client: tenant.credential,
			method: http.MethodGet, path: "/api/v1/users/me", status: http.StatusOK, contain: tenant.ClientID,
		},
	}
	styles := map[string]oauth2.AuthStyle{
		"auto detect": oauth2.AuthStyleAutoDetect,
		"in header":   oauth2.AuthStyleInHeader,
		"in params":   oauth2.AuthStyleInParams,
	}
	for _, host := range hosts {
		for style, authStyle := range styles {
			t.Run(host.name+"/"+style, func(t *testing.T) {
				t.Parallel()
				ctx := context.WithValue(t.Context(), oauth2.HTTPClient, loopback())
				source := clientcredentials.Config{
					ClientID: host.client.ClientID, ClientSecret: host.client.ClientSecret,
					TokenURL: host.url + "/oauth/token", AuthStyle: authStyle,
				}
				token, err := source.Token(ctx)
				if err != nil {
					t.Fatal(err)
				}
				if !strings.EqualFold(token.TokenType, "bearer") {
					t.Errorf("token_type is %q", token.TokenType)
				}
				if lifetime := token.Extra("expires_in"); lifetime != float64(6*60*60) {
					t.Errorf("expires_in is %v", lifetime)
				}

				req, err := http.NewRequestWithContext(ctx, host.method, host.url+host.path, strings.NewReader(host.body))
				if err != nil {
					t.Fatal(err)
				}
				if host.body != "" {
					req.Header.Set("Content-Type", "application/json")
				}
				status, body := do(t, oauth2.NewClient(ctx, oauth2.StaticTokenSource(token)), req)
				if status != host.status || !strings.Contains(body, host.contain) {
					t.Errorf("%s %s answered %d: %s", host.method, host.path, status, body)
				}
			})
		}
	}
}

// TestClientCredentials_WrongSecret checks that the error body reads as RFC
// 6749 wants it.
func TestClientCredentials_WrongSecret(t *testing.T) {
	_, estate := start(t)
	for _, style := range []oauth2.AuthStyle{oauth2.AuthStyleInHeader, oauth2.AuthStyleInParams} {
		ctx := context.WithValue(t.Context(), oauth2.HTTPClient, loopback())
		source := clientcredentials.Config{
			ClientID: estate.Console.ClientID, ClientSecret: strings.Repeat("0", 64),
			TokenURL: estate.Console.URL + "/oauth/token", AuthStyle: style,
		}
		_, err := source.Token(ctx)
		var refused *oauth2.RetrieveError
		if !errors.As(err, &refused) {
			t.Fatalf("want an oauth2.RetrieveError, have %v", err)
		}
		if refused.ErrorCode != "invalid_client" || refused.ErrorDescription == "" {
			t.Errorf("error %q, error_description %q", refused.ErrorCode, refused.ErrorDescription)
		}
		if refused.Response.StatusCode != http.StatusUnauthorized {
			t.Errorf("status %d", refused.Response.StatusCode)
		}
		if style == oauth2.AuthStyleInHeader && refused.Response.Header.Get("WWW-Authenticate") == "" {
			t.Error("no WWW-Authenticate, which RFC 6749 section 5.2 demands after HTTP Basic")
		}
	}
}

// start starts a server with a small estate, and returns the path of its
// quickstart.json and what it says.
func start(t *testing.T) (string, quickstart) {
	t.Helper()
	env := testenv.New(t)
	path := filepath.Join(t.TempDir(), "quickstart.json")
	env.WriteQuickstart(path)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var estate quickstart
	if err := json.Unmarshal(data, &estate); err != nil {
		t.Fatalf("quickstart.json: %v", err)
	}
	return path, estate
}

// loopback is a client that finds every host name on this machine, so that the
// tests need no name service.
func loopback() *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	return &http.Client{
		Timeout: 30 * time.Second,
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				_, port, err := net.SplitHostPort(address)
				if err != nil {
					return nil, err
				}
				return dialer.DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
			},
			DisableKeepAlives: true, // leave no goroutine behind
		},
	}
}

func do(t *testing.T, client *http.Client, req *http.Request) (int, string) {
	t.Helper()
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// requireNode skips the test where its tools are missing. In CI nothing may be
// missing, and the test fails.
func requireNode(t *testing.T) {
	t.Helper()
	missing := t.Skipf
	if os.Getenv("CI") != "" {
		missing = t.Fatalf
	}
	if _, err := exec.LookPath("node"); err != nil {
		missing("Node.js 20 or later is not installed: %v", err)
	}
	if _, err := os.Stat(filepath.Join("node_modules", "@qlik", "api", "package.json")); err != nil {
		missing("@qlik/api is not installed: run `npm ci` in interop/ (%v)", err)
	}
	lookup := exec.CommandContext(t.Context(), "node", "--eval",
		`require("node:dns").lookup("console.freehold.localhost", (error) => { if (error) throw error })`)
	if output, err := lookup.CombinedOutput(); err != nil {
		missing("names below localhost do not resolve: install libnss-myhostname (%v)\n%s", err, output)
	}
}
