package main_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite" // for age

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
)

const (
	killRounds  = 8
	killSeeded  = 120              // tenants whose purge is due when the killing begins
	settledIn   = 90 * time.Second // after the last start, all that was begun; without Resume it would take two minutes
	purgedType  = "com.qlik.tenant.deleted"
	quickAnswer = 20 * time.Millisecond // at most, of the provisioner and the webhook
)

// outside is the rest of the world: a provisioner and a webhook that are slow
// enough to be at it when the server dies.
type outside struct {
	mu     sync.Mutex
	random *rand.Rand
	events map[string]int                       // messages to the webhook, by the id of the event
	told   map[string]map[string]map[string]int // calls of the provisioner, by tenant, change and id of the call
	asked  int
}

func (o *outside) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /webhook", func(w http.ResponseWriter, r *http.Request) {
		var event struct{ ID string }
		o.take(w, r, &event, func() { o.events[event.ID]++ })
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /provisioner", func(w http.ResponseWriter, r *http.Request) {
		var event api.ProvisioningEvent
		o.take(w, r, &event, func() {
			o.asked++
			if o.told[event.Subject] == nil {
				o.told[event.Subject] = map[string]map[string]int{}
			}
			if o.told[event.Subject][event.Data.Change] == nil {
				o.told[event.Subject][event.Data.Change] = map[string]int{}
			}
			o.told[event.Subject][event.Data.Change][event.ID]++
		})
		_, _ = io.WriteString(w, `{"state":"ready"}`)
	})
	return mux
}

// take reads a message, notes it, and waits until it is time to answer.
func (o *outside) take(w http.ResponseWriter, r *http.Request, into any, note func()) {
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	o.mu.Lock()
	note()
	delay := time.Duration(o.random.Int64N(int64(quickAnswer)))
	o.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-r.Context().Done(): // the server was killed
	}
}

// killed is an installation whose server is killed again and again.
type killed struct {
	t           *testing.T
	binary, dir string
	args        []string
	file        quickstartFile
	random      *rand.Rand
	outside     *outside

	mu      sync.Mutex
	created map[string]string // id and host name of tenants whose creation was acknowledged
	idle    []string          // of them, those that nobody has tried to deactivate
	tried   map[string]bool   // those that somebody has
	gone    map[string]bool   // those whose deactivation was acknowledged
}

// TestSystem_KillJobs kills the server at random points while tenants are being
// purged, provisioners called and webhooks told, and while others create and
// deactivate tenants. In the end each purge has happened once, whoever was to be
// told of something was, and nothing that was acknowledged is lost.
func TestSystem_KillJobs(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	world := &outside{random: rand.New(rand.NewPCG(seed, 1)), events: map[string]int{}, told: map[string]map[string]map[string]int{}}
	receiver := httptest.NewServer(world.handler())
	t.Cleanup(receiver.Close)
	k := &killed{
		t: t, binary: build(t), dir: t.TempDir(), args: []string{"--tenant-purge-min-days", "0", "--outbound-allow-private"},
		random: rand.New(rand.NewPCG(seed, 2)), outside: world,
		created: map[string]string{}, tried: map[string]bool{}, gone: map[string]bool{},
	}
	if out, err := exec.Command(k.binary, "quickstart", "--data-dir", k.dir, "--listen", "127.0.0.1:0", "--exit").CombinedOutput(); err != nil {
		t.Fatalf("quickstart: %v\n%s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(k.dir, "quickstart.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &k.file); err != nil {
		t.Fatal(err)
	}

	s := serve(t, k.binary, k.dir, k.args...)
	since := k.hook(s, receiver.URL)
	k.secondServer()
	k.seed(s)
	k.kill(s)
	for range killRounds {
		k.age()
		k.round()
	}
	k.age()
	s = serve(t, k.binary, k.dir, k.args...)
	k.settle(s, since)
	k.kill(s)
	k.verify()
}

func (k *killed) console(s *server) (*client.Client, *http.Client) {
	return k.client(s, "http://console.freehold.localhost", k.file.Console.ClientID, k.file.Console.ClientSecret)
}

func (k *killed) register(s *server) (*client.Client, *http.Client) {
	us := k.file.Regions["us"]
	return k.client(s, "http://register.us.freehold.localhost", us.ClientID, us.ClientSecret)
}

func (k *killed) client(s *server, url, id, secret string) (*client.Client, *http.Client) {
	k.t.Helper()
	hc := s.http()
	c, err := client.New(url, client.WithHTTPClient(hc), client.WithMaxAttempts(1), client.WithCredentials(client.Credentials{ClientID: id, ClientSecret: secret}))
	if err != nil {
		k.t.Fatal(err)
	}
	return c, hc
}

// hook registers the provisioner and the webhook, and returns the place in the
// organization's chain from which the webhook is told of everything.
func (k *killed) hook(s *server, url string) (since int64) {
	k.t.Helper()
	console, hc := k.console(s)
	defer hc.CloseIdleConnections()
	subscription := ""
	for tenant, err := range console.Tenants(k.t.Context(), client.TenantListOptions{}) {
		if err != nil {
			k.t.Fatal(err)
		}
		if strings.HasSuffix(tenant.Hostnames[0], ".us.freehold.localhost") {
			subscription = tenant.SubscriptionID
		}
	}
	if _, err := console.SubscriptionProvisioners(subscription).Create(k.t.Context(), api.CreateProvisionerRequest{Name: "outside", URL: url + "/provisioner"}); err != nil {
		k.t.Fatal(err)
	}
	if _, err := console.OrganizationEvents().CreateWebhook(k.t.Context(), api.WebhookRequest{
		Name: "outside", URL: url + "/webhook", EventTypes: []string{"*"}, Enabled: true, Level: "organization",
	}); err != nil {
		k.t.Fatal(err)
	}
	for event, err := range console.OrganizationEvents().Audits(k.t.Context(), client.AuditOptions{Limit: 1}) {
		if err != nil {
			k.t.Fatal(err)
		}
		return event.Extensions.Position
	}
	k.t.Fatal("no audit event")
	return 0
}

// secondServer starts another server on the folder, which must not come up.
func (k *killed) secondServer() {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(k.t.Context(), settledIn)
	defer cancel()
	out, err := exec.CommandContext(ctx, k.binary, "serve", "--data-dir", k.dir, "--listen", "127.0.0.1:0").CombinedOutput()
	if err == nil || ctx.Err() != nil || !strings.Contains(string(out), "another server runs on this data folder") {
		k.t.Errorf("a second server on the folder: %v\n%s", err, out)
	}
}

// create creates a tenant, and deactivate one that is active. They return false
// when the server does not answer.
func (k *killed) create(c *client.Client) bool {
	made, err := c.CreateTenant(k.t.Context(), api.CreateTenantRequest{LicenseKey: k.file.Regions["us"].LicenseKey}, &client.CreateTenantOptions{Wait: -1})
	if !k.answered("create", err) {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.created[made.ID] = made.Hostnames[0]
	k.idle = append(k.idle, made.ID)
	return true
}

func (k *killed) deactivate(c *client.Client) bool {
	k.mu.Lock()
	if len(k.idle) == 0 {
		k.mu.Unlock()
		return true
	}
	id := k.idle[0]
	k.idle = k.idle[1:]
	k.tried[id] = true
	hostname := k.created[id]
	k.mu.Unlock()
	days := 0
	_, err := c.DeactivateTenant(k.t.Context(), id, hostname, &client.DeactivateTenantOptions{PurgeAfterDays: &days})
	if !k.answered("deactivate", err) {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.gone[id] = true
	return true
}

// answered tells whether there was an answer. An answer that is an error fails the
// test: nothing that is asked for here is wrong.
func (k *killed) answered(what string, err error) bool {
	if code := client.Code(err); code != "" {
		k.t.Errorf("%s: %v", what, err)
	}
	return err == nil
}

// seed makes tenants whose purge falls due when they are old enough.
func (k *killed) seed(s *server) {
	k.t.Helper()
	register, hc := k.register(s)
	defer hc.CloseIdleConnections()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range killSeeded / 8 {
				if !k.create(register) || !k.deactivate(register) {
					k.t.Error("the server did not answer")
					return
				}
			}
		})
	}
	group.Wait()
}

func (k *killed) kill(s *server) {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// age makes disabled tenants old enough to be purged, which takes a minute: the
// server that would wait for it is not running, so the rows are moved into the past.
func (k *killed) age() {
	k.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(k.dir, "freehold.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		k.t.Fatal(err)
	}
	defer db.Close()
	const ago = 2 * time.Minute
	if _, err := db.ExecContext(k.t.Context(), "update tenants set status_updated_at = status_updated_at - $1, purge_at = purge_at - $1 where status = 'disabled'", ago.Microseconds()); err != nil {
		k.t.Fatal(err)
	}
}

// round starts the server, has callers at work, and kills it in the middle: in about
// half of the rounds so early that the purges are not through.
func (k *killed) round() {
	k.t.Helper()
	within := 60 * time.Millisecond
	if k.random.IntN(2) == 0 {
		within = 900 * time.Millisecond
	}
	after := time.Duration(k.random.Int64N(int64(within)))
	s := serve(k.t, k.binary, k.dir, k.args...)
	dead := time.NewTimer(after)
	defer dead.Stop()
	register, hc := k.register(s)
	defer hc.CloseIdleConnections()
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for i := worker; ; i++ {
				if i%2 == 0 && !k.create(register) || i%2 == 1 && !k.deactivate(register) {
					return
				}
				if k.t.Failed() {
					return
				}
			}
		})
	}
	<-dead.C
	k.kill(s)
	group.Wait()
	k.outside.mu.Lock()
	defer k.outside.mu.Unlock()
	k.t.Logf("killed after %s: %d tenants created and %d deactivated so far, %d calls of the provisioner, events that the webhook knows: %d",
		after, len(k.created), len(k.gone), k.outside.asked, len(k.outside.events))
}

// settle waits until everything that was begun is done, and compares.
func (k *killed) settle(s *server, since int64) {
	k.t.Helper()
	console, hc := k.console(s)
	defer hc.CloseIdleConnections()
	deadline := time.NewTimer(settledIn)
	defer deadline.Stop()
	look := time.NewTicker(250 * time.Millisecond)
	defer look.Stop()
	for {
		problems := k.compare(console, since)
		if len(problems) == 0 {
			return
		}
		select {
		case <-look.C:
		case <-deadline.C:
			k.t.Errorf("%d things are not as they should be, such as %s", len(problems), strings.Join(problems[:min(len(problems), 10)], "; "))
			return
		}
	}
}

// compare says what is not yet as it should be in the end.
func (k *killed) compare(console *client.Client, since int64) (problems []string) {
	k.t.Helper()
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	events, purges := map[string]string{}, map[string]int{}
	for event, err := range console.OrganizationEvents().Audits(k.t.Context(), client.AuditOptions{Limit: 100}) {
		if err != nil {
			k.t.Fatal(err)
		}
		if event.Extensions.Position <= since {
			continue
		}
		events[event.EventID] = event.EventType
		if event.EventType == purgedType {
			purges[event.TenantID]++
		}
	}
	tenants := map[string]api.OrganizationTenant{}
	holding := 0
	for tenant, err := range console.Tenants(k.t.Context(), client.TenantListOptions{Limit: 100}) {
		if err != nil {
			k.t.Fatal(err)
		}
		if _, twice := tenants[tenant.ID]; twice {
			wrong("tenant %s is there twice", tenant.ID)
		}
		tenants[tenant.ID] = tenant
		if tenant.Status != "deleted" {
			holding++
		}
	}
	if n := k.places(); n != holding {
		wrong("%d places are taken, and %d tenants hold one", n, holding)
	}

	k.outside.mu.Lock()
	defer k.outside.mu.Unlock()
	for id, kind := range events {
		if k.outside.events[id] == 0 {
			wrong("the webhook was not told of %s %s", kind, id)
		}
	}
	for id := range k.created {
		if _, there := tenants[id]; !there {
			wrong("tenant %s was acknowledged and is lost", id)
		}
	}
	for id := range k.gone {
		if tenants[id].Status != "deleted" {
			wrong("tenant %s was deactivated and is %s", id, tenants[id].Status)
		}
	}
	for id, tenant := range tenants {
		_, known := k.created[id]
		switch {
		case tenant.Status == "disabled":
			wrong("tenant %s is not purged", id)
		case tenant.Status == "deleted" && purges[id] != 1, tenant.Status != "deleted" && purges[id] != 0:
			wrong("tenant %s is %s, and the chain has %d purges of it", id, tenant.Status, purges[id])
		case tenant.Status == "deleted" && known && !k.tried[id]:
			wrong("tenant %s was purged, and nobody has deactivated it", id)
		case tenant.Provisioning == nil || tenant.Provisioning.State != api.ProvisioningReady:
			wrong("the provisioner is not done with tenant %s", id)
		case tenant.Status == "deleted" && len(k.outside.told[id]["purged"]) != 1:
			wrong("the provisioner had %d calls about the purge of %s", len(k.outside.told[id]["purged"]), id)
		case tenant.Status == "active" && known && len(k.outside.told[id]["created"]) != 1:
			wrong("the provisioner had %d calls about the creation of %s", len(k.outside.told[id]["created"]), id)
		}
	}
	return problems
}

// places is how many places of its entitlements the estate counts as taken.
func (k *killed) places() (n int) {
	k.t.Helper()
	out, err := exec.Command(k.binary, "operator", "subscription", "list", "--data-dir", k.dir, "--output", "json").Output()
	if err != nil {
		k.t.Fatal(err)
	}
	var subscriptions []struct{ TenantCount int }
	if err := json.Unmarshal(out, &subscriptions); err != nil {
		k.t.Fatal(err)
	}
	for _, sub := range subscriptions {
		n += sub.TenantCount
	}
	return n
}

// verify has the chains of records proven whole.
func (k *killed) verify() {
	k.t.Helper()
	if out, err := exec.Command(k.binary, "audit", "verify", "--data-dir", k.dir).CombinedOutput(); err != nil {
		k.t.Errorf("audit verify: %v\n%s", err, out)
	}
}
