package app_test

import (
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
	"github.com/freehold-platform/freehold/internal/webhook"
)

// collector takes spans, as an OpenTelemetry collector does over HTTP.
type collector struct {
	*httptest.Server

	mu    sync.Mutex
	spans []*tracev1.Span
	news  chan struct{}
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{news: make(chan struct{}, 1)}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var request coltrace.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &request)
		}
		if err != nil {
			t.Error(err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, resource := range request.GetResourceSpans() {
			for _, scope := range resource.GetScopeSpans() {
				c.spans = append(c.spans, scope.GetSpans()...)
			}
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
		select {
		case c.news <- struct{}{}:
		default:
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// await returns the spans of a trace once those that are named are among them.
func (c *collector) await(t *testing.T, trace string, names ...string) map[string]*tracev1.Span {
	t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		found := map[string]*tracev1.Span{}
		c.mu.Lock()
		for _, span := range c.spans {
			if hex.EncodeToString(span.GetTraceId()) == trace {
				found[span.GetName()] = span
			}
		}
		c.mu.Unlock()
		missing := ""
		for _, name := range names {
			if found[name] == nil {
				missing = name
			}
		}
		if missing == "" {
			return found
		}
		select {
		case <-c.news:
		case <-timeout:
			t.Fatalf("no span %s in %v", missing, slices.Sorted(maps.Keys(found)))
		}
	}
}

// parent fails unless the span child is a part of the span parent.
func parent(t *testing.T, spans map[string]*tracev1.Span, child, parent string) {
	t.Helper()
	if string(spans[child].GetParentSpanId()) != string(spans[parent].GetSpanId()) {
		t.Errorf("%s is no part of %s", child, parent)
	}
}

func attribute(span *tracev1.Span, key string) string {
	for _, a := range span.GetAttributes() {
		if a.GetKey() == key {
			return a.GetValue().GetStringValue()
		}
	}
	return ""
}

// TestTraces follows a request that creates a tenant through service and SQL to the
// provisioner and the webhook that are told of it, in the trace of its caller.
func TestTraces(t *testing.T) {
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "20") // milliseconds
	const trace, caller = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	c := newCollector(t)
	dir := t.TempDir()
	config := testenv.Config(t, dir)
	config.TraceEndpoint, config.TraceSampleRatio = c.URL, 1 // by which webhooks go, who don't know what the caller said
	e := testenv.StartAlone(t, config, dir)

	told := make(chan string, 16)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		told <- r.URL.Path + " " + r.Header.Get("Traceparent")
		_, _ = io.WriteString(w, `{"state":"ready"}`)
	}))
	defer receiver.Close()
	sub := e.Subscription(4)
	organization := estate.Actor{
		Kind: estate.ActorClient, ID: "c", Level: estate.LevelOrganization, Scope: estate.Scope{Organization: e.Organization.ID},
		Permissions: estate.Permissions{api.ScopeOrgSubscriptions, api.ScopeOrgWebhooks},
	}
	if _, _, err := e.App.Provision.Create(t.Context(), organization, sub.ID, api.CreateProvisionerRequest{Name: "p", URL: receiver.URL + "/provisioner"}); err != nil {
		t.Fatal(err)
	}
	hook := webhook.Input{Name: "w", URL: receiver.URL + "/webhook", EventTypes: []string{"com.qlik.tenant.created"}, Enabled: true, Origin: "api"}
	if _, err := e.App.Webhook.Create(t.Context(), organization, hook); err != nil {
		t.Fatal(err)
	}
	client := e.RegionClient(sub, "us")
	token := e.Token(e.Register("us"), client)
	create := testenv.Request{
		URL: e.Register("us") + "/api/v1/tenants", Token: token, JSON: api.CreateTenantRequest{LicenseKey: e.LicenseKey(sub)},
		Header: map[string]string{"Traceparent": "00-" + trace + "-" + caller + "-01"},
	}
	if answer := e.Do(create); answer.Status != http.StatusCreated {
		t.Fatalf("%d %s", answer.Status, answer.Body)
	}
	spans := c.await(t, trace, "POST createTenant", "credential.Authenticate", "tenancy.CreateTenant", "database write", "insert tenants", "job provisioning.call", "POST provisioner", "POST webhook")
	server := spans["POST createTenant"]
	if hex.EncodeToString(server.GetParentSpanId()) != caller || server.GetKind() != tracev1.Span_SPAN_KIND_SERVER {
		t.Errorf("%v", server)
	}
	if attribute(server, "http.route") != "/api/v1/tenants" || attribute(server, "freehold.surface") != "register" {
		t.Errorf("%v", server)
	}
	for child, of := range map[string]string{
		"credential.Authenticate": "POST createTenant", "tenancy.CreateTenant": "POST createTenant", "POST provisioner": "job provisioning.call",
	} {
		parent(t, spans, child, of)
	}
	if sql := attribute(spans["insert tenants"], "db.query.text"); !strings.HasPrefix(sql, "insert into tenants (") {
		t.Errorf("the statement is %q", sql)
	}
	for range 2 {
		who, header, _ := strings.Cut(<-told, " ")
		span := spans["POST "+strings.TrimPrefix(who, "/")]
		if want := "00-" + trace + "-" + hex.EncodeToString(span.GetSpanId()) + "-01"; header != want {
			t.Errorf("%s is told %s, want %s", who, header, want)
		}
	}

	// The id in the answer to an error is that of the trace, kept or not.
	for flags, kept := range map[string]bool{"-01": true, "-00": false} {
		failing := create
		failing.JSON = map[string]any{}
		failing.Header = map[string]string{"Traceparent": "00-" + strings.Repeat("a", 31) + flags[2:] + "-" + caller + flags}
		answer := e.Do(failing)
		var body struct {
			TraceID string `json:"traceId"`
		}
		if err := json.Unmarshal(answer.Body, &body); err != nil || body.TraceID != strings.Repeat("a", 31)+flags[2:] {
			t.Errorf("%d %s", answer.Status, answer.Body)
		}
		if kept {
			span := c.await(t, body.TraceID, "POST createTenant")["POST createTenant"]
			if attribute(span, "error.type") == "" {
				t.Errorf("%v", span)
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, span := range c.spans {
		if id := hex.EncodeToString(span.GetTraceId()); id == strings.Repeat("a", 31)+"0" {
			t.Errorf("%s was sent although its caller keeps no trace", span.GetName())
		}
		for _, a := range span.GetAttributes() {
			if value := a.GetValue().GetStringValue(); strings.Contains(value, token) || strings.Contains(value, receiver.URL) {
				t.Errorf("%s tells %s", span.GetName(), value)
			}
		}
	}
}

// TestTraces_Off passes the caller's trace on although nothing is kept here.
func TestTraces_Off(t *testing.T) {
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	e := testenv.NewAlone(t)
	told := make(chan string, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		told <- r.Header.Get("Traceparent")
		_, _ = io.WriteString(w, `{"state":"ready"}`)
	}))
	defer receiver.Close()
	sub := e.Subscription(4)
	manager := estate.Actor{
		Kind: estate.ActorClient, ID: "c", Level: estate.LevelOrganization, Scope: estate.Scope{Organization: e.Organization.ID},
		Permissions: estate.Permissions{api.ScopeOrgSubscriptions},
	}
	if _, _, err := e.App.Provision.Create(t.Context(), manager, sub.ID, api.CreateProvisionerRequest{Name: "p", URL: receiver.URL}); err != nil {
		t.Fatal(err)
	}
	answer := e.Do(testenv.Request{
		URL: e.Register("us") + "/api/v1/tenants", Token: e.Token(e.Register("us"), e.RegionClient(sub, "us")), JSON: api.CreateTenantRequest{LicenseKey: e.LicenseKey(sub)},
		Header: map[string]string{"X-B3-Traceid": trace},
	})
	if answer.Status != http.StatusCreated {
		t.Fatalf("%d %s", answer.Status, answer.Body)
	}
	if header := <-told; !strings.HasPrefix(header, "00-"+trace+"-") || !strings.HasSuffix(header, "-00") {
		t.Errorf("the provisioner is told %q", header)
	}
}
