package main_test

import (
	"database/sql"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/api"
)

// mayLose is the time before a kill of which the use of clients may be lost. The
// promise is a second; the rest is for machines that are busy with other tests.
const mayLose = 3 * time.Second

// TestSystem_KillTokens kills the server while it issues tokens, and counts what
// is lost of the bookkeeping: none of the tokens themselves, which need no row, and
// of their count no more than what was issued just before.
func TestSystem_KillTokens(t *testing.T) {
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
	form := url.Values{"grant_type": {api.GrantClientCredentials}, "client_id": {us.ClientID}, "client_secret": {us.ClientSecret}}
	before := countedTokens(t, dir, us.ClientID)

	s := serve(t, binary, dir)
	hc := s.http()
	const origin = "http://register.us.freehold.localhost"
	var mu sync.Mutex
	var last string
	var acknowledged []time.Time
	var running sync.WaitGroup
	start, kill := time.Now(), make(chan struct{})
	var killing sync.Once
	for range 4 {
		running.Go(func() {
			for {
				res, err := hc.PostForm(origin+"/oauth/token", form)
				if err != nil {
					return // killed
				}
				var token api.TokenResponse
				err = json.NewDecoder(res.Body).Decode(&token)
				res.Body.Close()
				if err != nil {
					return
				}
				mu.Lock()
				now := time.Now()
				last, acknowledged = token.AccessToken, append(acknowledged, now)
				if now.Sub(start) > mayLose+time.Second && len(acknowledged) > 100 {
					killing.Do(func() { close(kill) })
				}
				mu.Unlock()
			}
		})
	}
	<-kill
	killed := time.Now()
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	running.Wait()
	hc.CloseIdleConnections()

	counted := countedTokens(t, dir, us.ClientID) - before
	due := 0
	for _, at := range acknowledged {
		if killed.Sub(at) > mayLose {
			due++
		}
	}
	t.Logf("%d tokens acknowledged, %d counted, %d lost; %d were older than %v", len(acknowledged), counted, len(acknowledged)-counted, due, mayLose)
	if counted < due {
		t.Errorf("%d tokens are counted, but %d were issued more than %v before the kill", counted, due, mayLose)
	}
	if counted > len(acknowledged)+4 { // those whose answer was on its way
		t.Errorf("%d tokens are counted, and %d were issued", counted, len(acknowledged))
	}

	s = serve(t, binary, dir)
	hc = s.http()
	defer hc.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, origin+"/api/v1/tenants", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+last)
	res, err := hc.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK {
		t.Errorf("the last token before the kill: %s %s", res.Status, body)
	}
}

// countedTokens is what the database says of a client's tokens above tenants.
func countedTokens(t *testing.T, dir, client string) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "freehold.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.QueryRow("select coalesce(sum(tokens), 0) from client_usage where client_id = ? and tenant_id = ''", client).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
