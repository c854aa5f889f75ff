package app_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/freehold-platform/freehold/internal/app"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/pgtest"
)

// start serves a new data folder and returns the App, the address, and what
// ends it.
func start(t *testing.T, config app.Config) (a *app.App, address string, stop func() error) {
	t.Helper()
	if config.DataDir == app.Defaults().DataDir {
		config.DataDir = t.TempDir()
	}
	a, err := app.Open(t.Context(), config, slog.New(slog.DiscardHandler), app.Clock)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- a.Serve(ctx, listener) }()
	return a, listener.Addr().String(), func() error {
		cancel()
		return <-done
	}
}

func TestApp_Serve_LeavesNothingRunning(t *testing.T) {
	defer goleak.VerifyNone(t)
	a, address, stop := start(t, app.Defaults())
	client := &http.Client{Transport: &http.Transport{}}
	response, err := client.Get("http://" + address + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(response.Body)
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("readyz: %s %s", response.Status, body)
	}
	client.CloseIdleConnections()
	if err := stop(); err != nil {
		t.Errorf("Serve: %v", err)
	}
	if err := a.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// TestApp_Serve_HangingDatabase: a server stops within the time that is said in
// docs/operations.md, although the database answers nothing.
func TestApp_Serve_HangingDatabase(t *testing.T) {
	t.Parallel()
	cable := pgtest.NewCable(t, pgtest.New(t, nil))
	config := app.Defaults()
	config.Database = cable.URL
	a, address, stop := start(t, config)
	ready := func() string {
		response, err := http.Get("http://" + address + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	if have := ready(); !strings.Contains(have, `"database":"ok"`) {
		t.Fatalf("before: %s", have)
	}
	cable.Hang()
	if have := ready(); !strings.Contains(have, `"database":"unavailable"`) {
		t.Fatalf("it does not hang: %s", have)
	}
	begun := time.Now()
	err := errors.Join(stop(), a.Close())
	took := time.Since(begun)
	t.Logf("stopped after %s: %v", took, err)
	if took > 25*time.Second {
		t.Errorf("it took %s to stop", took)
	}
}

func TestApp_Serve_FinishesRunningRequests(t *testing.T) {
	a, address, stop := start(t, app.Defaults())
	defer a.Close()
	// A request whose body is on its way when the server is told to stop.
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "POST /oauth/token HTTP/1.1\r\nHost: console.freehold.localhost\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
	began := make([]byte, 25)
	if _, err := io.ReadFull(conn, began); err != nil { // "HTTP/1.1 100 Continue": the handler is reading
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	_, _ = io.WriteString(conn, "{}")
	answer, err := io.ReadAll(conn)
	if err != nil || len(answer) < 12 || string(answer[9:12]) != "400" {
		t.Errorf("the running request got %q, %v; want its 400", answer, err)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

func TestApp_InternalTLS(t *testing.T) {
	config := app.Defaults()
	config.TLS, config.DataDir = app.TLSInternal, t.TempDir()
	get := func() *x509.Certificate {
		a, address, stop := start(t, config)
		defer a.Close()
		defer func() { _ = stop() }()
		authority, err := os.ReadFile(config.CAFile())
		if err != nil {
			t.Fatal(err)
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(authority)
		for _, host := range []string{"console." + config.Domain, "register.us." + config.Domain, "anything.us." + config.Domain} {
			conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: pool, ServerName: host, NextProtos: []string{"h2"}})
			if err != nil {
				t.Fatalf("%s: %v", host, err)
			}
			state := conn.ConnectionState()
			if state.NegotiatedProtocol != "h2" {
				t.Errorf("%s: protocol %q, want h2", host, state.NegotiatedProtocol)
			}
			conn.Close()
		}
		if _, err := tls.Dial("tcp", address, &tls.Config{RootCAs: pool, ServerName: "bank.example.com"}); err == nil {
			t.Error("a certificate was minted for a foreign domain")
		}
		root, err := tls.LoadX509KeyPair(filepath.Join(config.DataDir, "ca-key.pem"), filepath.Join(config.DataDir, "ca-key.pem"))
		if err != nil {
			t.Fatal(err)
		}
		return root.Leaf
	}
	if first, second := get(), get(); !first.Equal(second) {
		t.Error("the CA changed with a restart: clients would have to trust it anew")
	}
}

// TestApp_SeesOtherProcesses opens a data folder twice, as server and operator's
// command do.
func TestApp_SeesOtherProcesses(t *testing.T) {
	a, _, stop := start(t, app.Defaults())
	defer a.Close()
	defer func() { _ = stop() }()
	other, err := app.Open(t.Context(), a.Config, slog.New(slog.DiscardHandler), app.Clock)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.Tenancy.CreateRegion(t.Context(), estate.Operator("other"), estate.Region{Code: "us"}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Tenancy.Region(t.Context(), "us"); err != nil {
		t.Errorf("the server does not know the new region: %v", err)
	}
}
