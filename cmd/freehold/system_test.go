package main_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
)

// build builds the program as it is released.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "freehold")
	cmd := exec.Command("go", "build", "-o", binary, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return binary
}

// server is a running "freehold serve".
type server struct {
	cmd     *exec.Cmd
	address string
}

// serve starts the program and returns when it says where it serves.
func serve(t *testing.T, binary, dir string, args ...string) *server {
	t.Helper()
	cmd := exec.Command(binary, append([]string{"serve", "--data-dir", dir, "--listen", "127.0.0.1:0", "--public-port", "80", "--log-format", "json"}, args...)...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		var event struct{ Msg, Address string }
		if json.Unmarshal(lines.Bytes(), &event) == nil && event.Msg == "serving" {
			go func() { // the pipe must not fill up
				for lines.Scan() {
				}
			}()
			return &server{cmd, event.Address}
		}
	}
	t.Fatal("the server ended before it served")
	return nil
}

// http reaches the server under every name.
func (s *server) http() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, s.address)
		},
	}}
}

type quickstartFile struct {
	Console struct {
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
	} `json:"console"`
	Regions map[string]struct {
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
		LicenseKey   string `json:"license_key"`
	} `json:"regions"`
}

// TestSystem_Kill kills the server in the middle of creating tenants, again and
// again, and checks each time that nothing acknowledged is lost and nothing is
// half there.
func TestSystem_Kill(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	binary, dir := build(t), t.TempDir()
	if out, err := exec.Command(binary, "quickstart", "--data-dir", dir, "--listen", "127.0.0.1:0", "--exit").CombinedOutput(); err != nil {
		t.Fatalf("quickstart: %v\n%s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "quickstart.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file quickstartFile
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	us := file.Regions["us"]
	acknowledged := map[string]bool{}
	for round := range 4 {
		s := serve(t, binary, dir)
		hc := s.http()
		register, err := client.New("http://register.us.freehold.localhost", client.WithHTTPClient(hc), client.WithMaxAttempts(1),
			client.WithCredentials(client.Credentials{ClientID: us.ClientID, ClientSecret: us.ClientSecret}))
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var wg sync.WaitGroup
		kill := make(chan struct{})
		for worker := range 4 {
			wg.Go(func() {
				for i := 0; ; i++ {
					tenant, err := register.CreateTenant(t.Context(), api.CreateTenantRequest{
						LicenseKey: us.LicenseKey, ExternalID: fmt.Sprintf("%d-%d-%d", round, worker, i),
					}, nil)
					if err != nil {
						return // killed
					}
					mu.Lock()
					acknowledged[tenant.ID] = true
					if len(acknowledged) == 25*(round+1) {
						close(kill)
					}
					mu.Unlock()
				}
			})
		}
		<-kill
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		wg.Wait()
		hc.CloseIdleConnections()
		checkEstate(t, serve(t, binary, dir), binary, dir, file, acknowledged)
	}
}

// checkEstate compares what the server shows with what was acknowledged, and
// with the entitlement's count.
func checkEstate(t *testing.T, s *server, binary, dir string, file quickstartFile, acknowledged map[string]bool) {
	t.Helper()
	hc := s.http()
	console, err := client.New("http://console.freehold.localhost", client.WithHTTPClient(hc),
		client.WithCredentials(client.Credentials{ClientID: file.Console.ClientID, ClientSecret: file.Console.ClientSecret}))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for tenant, err := range console.Tenants(t.Context(), client.TenantListOptions{Limit: 100}) {
		if err != nil {
			t.Fatal(err)
		}
		seen[tenant.ID] = true
	}
	for id := range acknowledged {
		if !seen[id] {
			t.Errorf("tenant %s was acknowledged and is lost", id)
		}
	}
	out, err := exec.Command(binary, "operator", "subscription", "list", "--data-dir", dir, "--output", "json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var subscriptions []struct{ TenantCount int }
	if err := json.Unmarshal(out, &subscriptions); err != nil {
		t.Fatal(err)
	}
	counted := 0
	for _, sub := range subscriptions {
		counted += sub.TenantCount
	}
	if counted != len(seen) {
		t.Errorf("the entitlements count %d tenants, and there are %d", counted, len(seen))
	}
	hc.CloseIdleConnections()
	_ = s.cmd.Process.Signal(os.Interrupt)
	ended := make(chan error, 1)
	go func() { ended <- s.cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("the server ended with %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Error("the server did not shut down")
	}
}

// TestSystem_OperatorAndServer runs operator's commands beside a server on the
// same data folder, from nothing to a tenant.
func TestSystem_OperatorAndServer(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	binary, dir := build(t), t.TempDir()
	s := serve(t, binary, dir)
	operator := func(into any, args ...string) {
		t.Helper()
		out, err := exec.Command(binary, append([]string{"operator", "--data-dir", dir, "--output", "json"}, args...)...).Output()
		if err != nil {
			t.Fatalf("operator %s: %v", strings.Join(args, " "), err)
		}
		if into != nil {
			if err := json.Unmarshal(out, into); err != nil {
				t.Fatalf("operator %s: %v\n%s", strings.Join(args, " "), err, out)
			}
		}
	}
	var sub struct{ LicenseNumber string }
	var machine struct{ ClientID, ClientSecret string }
	operator(nil, "organization", "create", "My Company")
	operator(nil, "region", "create", "us")
	operator(nil, "account", "create", "owner@example.com")
	operator(&sub, "subscription", "create", "--tenants", "2", "--region", "us", "--owner", "owner@example.com")
	operator(&machine, "client", "create", "--level", "region", "--subscription", sub.LicenseNumber, "--region", "us")
	key, err := exec.Command(binary, "operator", "--data-dir", dir, "subscription", "license-key", sub.LicenseNumber).Output()
	if err != nil {
		t.Fatal(err)
	}
	register, err := client.New("http://register.us.freehold.localhost", client.WithHTTPClient(s.http()),
		client.WithCredentials(client.Credentials{ClientID: machine.ClientID, ClientSecret: machine.ClientSecret}))
	if err != nil {
		t.Fatal(err)
	}
	create := func() error {
		_, err := register.CreateTenant(t.Context(), api.CreateTenantRequest{LicenseKey: strings.TrimSpace(string(key))}, nil)
		return err
	}
	for range 2 {
		if err := create(); err != nil {
			t.Fatal(err)
		}
	}
	if err := create(); client.Code(err) != api.CodeTenantQuota {
		t.Fatalf("third tenant of two: %v, want %s", err, api.CodeTenantQuota)
	}
	operator(nil, "subscription", "update", sub.LicenseNumber, "--tenants", "3")
	if err := create(); err != nil {
		t.Errorf("after the entitlement was raised: %v", err)
	}
}
