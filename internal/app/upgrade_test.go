package app_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/app"
	"github.com/freehold-platform/freehold/internal/pgtest"
	"github.com/freehold-platform/freehold/internal/quickstart"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// previousVersion is the commit from which a rolling upgrade to this one must go
// without an error: that of the last release, once there is one.
const previousVersion = "dc36539aedddbaed76e3d290c8e4bf24cd1a90ff"

// TestUpgrade has a server of the previous version and one of this version on one
// database, under load, from before this one migrates it until the other has ended,
// and tolerates no error.
func TestUpgrade(t *testing.T) {
	if testenv.RaceDetector {
		t.Skip("it is about another program")
	}
	url := pgtest.New(t, nil)
	binary := buildPrevious(t)
	dir := t.TempDir()
	config := app.Defaults()
	config.DataDir, config.Database = filepath.Join(dir, "data"), url
	older := startPrevious(t, binary, config)

	var file quickstart.File
	text, err := os.ReadFile(filepath.Join(config.DataDir, "quickstart.json"))
	if err == nil {
		err = json.Unmarshal(text, &file)
	}
	if err != nil || len(file.Regions) == 0 || len(file.Tenants) == 0 {
		t.Fatalf("what the previous version made: %v", err)
	}

	b := &balancer{t: t, file: file, servers: []string{older.address}, done: map[string]int{}}
	ctx, stop := context.WithCancel(t.Context())
	var load sync.WaitGroup
	for range 4 {
		load.Go(func() {
			for ctx.Err() == nil {
				b.request(context.WithoutCancel(ctx))
			}
		})
	}
	defer func() {
		stop()
		load.Wait()
	}()
	b.await("by the older alone", 100)

	config.PublicPort, config.TrustedProxies = older.port, "127.0.0.1"
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer // of this version
	newer, err := app.Open(t.Context(), config, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn})), app.Clock)
	if err != nil {
		t.Fatal(err)
	}
	serving, end := context.WithCancel(context.WithoutCancel(t.Context()))
	served := make(chan error, 1)
	go func() { served <- newer.Serve(serving, listener) }()
	t.Cleanup(func() {
		end()
		if err := errors.Join(<-served, newer.Close()); err != nil {
			t.Error(err)
		}
		if log.Len() > 0 {
			t.Errorf("this version says:\n%s", &log)
		}
	})
	b.set(older.address, listener.Addr().String())
	b.await("by both", 300)

	b.set(listener.Addr().String())
	older.stop(t)
	b.await("by the newer alone", 100)
	stop()
	load.Wait()
	t.Logf("requests: %v", b.done)
	// The version before has no counts of tenants; once it has ended, they are made anew.
	if _, err := newer.Tenancy.VerifyCounts(t.Context(), testenv.Operator, true); err != nil {
		t.Fatal(err)
	}
	if wrong, err := newer.Tenancy.VerifyCounts(t.Context(), testenv.Operator, false); err != nil || len(wrong) > 0 {
		t.Errorf("counts after the upgrade: %v (%v)", wrong, err)
	}
}

// buildPrevious builds the previous version out of the repository's history.
func buildPrevious(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	if err := exec.CommandContext(t.Context(), "git", "-C", root, "cat-file", "-e", previousVersion).Run(); err != nil {
		t.Skip("the repository's history is not here: ", err)
	}
	source, binary := t.TempDir(), filepath.Join(t.TempDir(), "freehold")
	archive := filepath.Join(t.TempDir(), "source.tar")
	for _, command := range []*exec.Cmd{
		exec.CommandContext(t.Context(), "git", "-C", root, "archive", "--output", archive, previousVersion),
		exec.CommandContext(t.Context(), "tar", "-x", "-f", archive, "-C", source),
		exec.CommandContext(t.Context(), "go", "build", "-C", source, "-o", binary, "./cmd/freehold"),
	} {
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
	}
	return binary
}

// process is a server of the previous version.
type process struct {
	cmd     *exec.Cmd
	address string
	port    int
	log     *bytes.Buffer
}

// startPrevious runs its quickstart, which makes an estate and serves it.
func startPrevious(t *testing.T, binary string, config app.Config) *process {
	t.Helper()
	p := &process{log: &bytes.Buffer{}}
	p.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), binary, "quickstart", "--data-dir", config.DataDir, "--database", config.Database, "--listen", "127.0.0.1:0")
	p.cmd.Stderr = p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, after, ok := strings.Cut(lines.Text(), "Serving at http://"); ok {
			host, _, _ := strings.Cut(after, ". Stop")
			_, port, err := net.SplitHostPort(host)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := fmt.Sscan(port, &p.port); err != nil {
				t.Fatal(err)
			}
			p.address = net.JoinHostPort("127.0.0.1", port)
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return p
		}
	}
	t.Fatalf("the previous version does not serve: %v\n%s", p.cmd.Wait(), p.log)
	return nil
}

// stop ends the process as an operator does, and checks that it had nothing to
// complain about.
func (p *process) stop(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("the previous version ended with %v", err)
	}
	for line := range strings.Lines(p.log.String()) {
		if !strings.Contains(line, "context canceled") { // it gave up what it was counting when it was ended
			t.Errorf("the previous version says: %s", line)
		}
	}
}

// balancer spreads requests over the servers that it has, and reports each that
// fails.
type balancer struct {
	t    *testing.T
	file quickstart.File

	sending sync.RWMutex // held for reading by each request until it is answered
	servers []string

	mu    sync.Mutex
	done  map[string]int
	total int
}

// set sends requests to these servers from now on. When it returns, those that went
// to others are answered: a balancer waits for that before a server is stopped.
func (b *balancer) set(servers ...string) {
	b.sending.Lock()
	defer b.sending.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.servers, b.total = servers, 0
}

// await waits until n more requests are answered.
func (b *balancer) await(what string, n int) {
	b.t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(2 * time.Minute)
	for {
		b.mu.Lock()
		enough := b.total >= n
		b.mu.Unlock()
		if enough || b.t.Failed() {
			return
		}
		select {
		case <-ticker.C:
		case <-deadline:
			b.t.Fatalf("not %d requests %s", n, what)
		}
	}
}

// request does one of the things that callers do: a token, and with it a new
// tenant, a list of all, or a look at a tenant's clients.
func (b *balancer) request(ctx context.Context) {
	region, tenant := b.file.Regions["us"], b.file.Tenants[0]
	token := func(origin, id, secret string) string {
		var answer struct {
			Token string `json:"access_token"`
		}
		body := b.send(ctx, "token", http.MethodPost, origin+"/oauth/token", "", url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}}.Encode())
		_ = json.Unmarshal(body, &answer)
		return answer.Token
	}
	switch rand.IntN(4) {
	case 0:
		at := token(region.RegisterURL, region.ClientID, region.ClientSecret)
		b.send(ctx, "create", http.MethodPost, region.RegisterURL+"/api/v1/tenants", at, fmt.Sprintf(`{"licenseKey":%q,"labels":{"made":"meanwhile"}}`, region.LicenseKey))
	case 1:
		at := token(b.file.Console.URL, b.file.Console.ClientID, b.file.Console.ClientSecret)
		b.send(ctx, "list", http.MethodGet, b.file.Console.URL+"/api/core/tenants?limit=20", at, "")
	case 2:
		at := token(tenant.URL, tenant.ClientID, tenant.ClientSecret)
		b.send(ctx, "users", http.MethodGet, tenant.URL+"/api/v1/users", at, "")
	default:
		token(region.RegisterURL, region.ClientID, region.ClientSecret)
	}
}

func (b *balancer) send(ctx context.Context, what, method, target, token, body string) []byte {
	b.sending.RLock()
	defer b.sending.RUnlock()
	server := b.servers[rand.IntN(len(b.servers))]
	u, err := url.Parse(target)
	if err != nil {
		b.t.Error(err)
		return nil
	}
	host := u.Host
	u.Host = server
	r, err := http.NewRequestWithContext(ctx, method, u.String(), strings.NewReader(body))
	if err != nil {
		b.t.Error(err)
		return nil
	}
	r.Host = host
	r.Header.Set("Content-Type", "application/json")
	if what == "token" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		b.t.Errorf("%s at %s: %v", what, server, err)
		return nil
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode >= http.StatusMultipleChoices {
		b.t.Errorf("%s at %s: %d %s (%v)", what, server, answer.StatusCode, text, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.total++
	b.done[what]++
	return text
}
