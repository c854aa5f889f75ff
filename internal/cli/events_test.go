package cli_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// connect stores a context for a host of a real server.
func (s *session) connect(name, server string, c testenv.Credentials) {
	s.t.Helper()
	s.stdin = c.Secret
	s.must("context", "create", name, "--server", server, "--client-id", string(c.ID), "--client-secret", "-")
	s.stdin = ""
}

func decode[T any](t *testing.T, text string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

// TestEvents reads the trail of an organization and of a tenant from a real
// server, and manages a webhook.
func TestEvents(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(3)
	tenant := e.Tenant(sub, "us")
	e.Tenant(sub, "us")
	s := newSession(t)
	s.connect("tenant", e.TenantURL(tenant), e.TenantClient(tenant))
	s.connect("console", e.Console(), e.OrganizationClient(e.Organization.ID))

	created := func(context string, more ...string) []api.AuditEvent {
		t.Helper()
		stdout, _ := s.must(append([]string{"audit", "list", "--context", context, "--type", "com.qlik.tenant.created", "--output", "json"}, more...)...)
		return decode[[]api.AuditEvent](t, stdout)
	}
	if all := created("console"); len(all) != 2 {
		t.Errorf("the organization: %+v", all)
	}
	own := created("tenant")
	if len(own) != 1 || own[0].TenantID != string(tenant.ID) {
		t.Fatalf("the tenant: %+v", own)
	}
	if one := created("console", "--limit", "1"); len(one) != 1 {
		t.Errorf("one: %+v", one)
	}
	stdout, _ := s.must("audit", "get", own[0].ID, "--context", "tenant")
	if got := decode[api.AuditEvent](t, stdout); got.ID != own[0].ID || got.Data["id"] != string(tenant.ID) {
		t.Errorf("%s", stdout)
	}
	if stdout, _ := s.must("audit", "list", "--context", "tenant", "--output", "table"); !strings.Contains(stdout, "com.qlik.tenant.created") {
		t.Errorf("%s", stdout)
	}

	var told atomic.Int64
	arrived := make(chan struct{}, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Qlik-Signature") == "" || r.Header.Get("X-A") != "b" {
			t.Errorf("%v", r.Header)
		}
		told.Add(1)
		arrived <- struct{}{}
	}))
	defer receiver.Close()
	s.stdin = strings.Repeat("s", 40) + "\n"
	stdout, _ = s.must("webhook", "create", "--context", "console", "--name", "test", "--url", receiver.URL, "--event", "com.qlik.tenant.created", "--header", "X-A=b", "--secret-stdin", "--output", "json")
	hook := decode[api.Webhook](t, stdout)
	if !hook.SecretKeyAdded || !hook.Enabled || hook.Level != "organization" || strings.Contains(stdout, "ssss") {
		t.Errorf("%s", stdout)
	}
	e.Tenant(sub, "us")
	<-arrived // the running server has told it by itself

	var deliveries []api.WebhookDelivery
	for len(deliveries) == 0 { // what has arrived is noted a moment later
		stdout, _ = s.must("webhook", "deliveries", hook.ID, "--context", "console", "--output", "json")
		deliveries = decode[[]api.WebhookDelivery](t, stdout)
	}
	if len(deliveries) != 1 || deliveries[0].Status != "success" || deliveries[0].EventType != "com.qlik.tenant.created" {
		t.Errorf("%s", stdout)
	}
	s.must("webhook", "resend", hook.ID, deliveries[0].ID, "--context", "console")
	if told.Load() != 2 {
		t.Errorf("told %d times", told.Load())
	}
	s.must("webhook", "disable", hook.ID, "--context", "console")
	stdout, _ = s.must("webhook", "get", hook.ID, "--context", "console", "--output", "json")
	if decode[api.Webhook](t, stdout).Enabled {
		t.Errorf("%s", stdout)
	}
	s.must("webhook", "enable", hook.ID, "--context", "console")
	stdout, _ = s.must("webhook", "list", "--context", "console", "--output", "table")
	if !strings.Contains(stdout, "enabled") || !strings.Contains(stdout, receiver.URL) {
		t.Errorf("%s", stdout)
	}
	if stdout, _ := s.must("webhook", "types", "--context", "tenant"); !strings.Contains(stdout, "com.qlik.tenant.created") {
		t.Errorf("%s", stdout)
	}
	receiver.Close()
	if _, _, err := s.run("webhook", "resend", hook.ID, deliveries[0].ID, "--context", "console"); err == nil || !strings.Contains(err.Error(), "has not arrived") {
		t.Errorf("resent to nobody: %v", err)
	}
	s.must("webhook", "delete", hook.ID, "--context", "console")
	for _, line := range [][]string{
		{"webhook", "get", hook.ID, "--context", "console"},
		{"webhook", "create", "--context", "console", "--name", "x", "--url", "https://example.com"},
		{"webhook", "create", "--context", "console", "--name", "x", "--url", "https://example.com", "--event", "nothing"},
		{"audit", "get", "none", "--context", "tenant"},
		{"audit", "list", "--context", "tenant", "--limit", "-1"},
	} {
		if _, _, err := s.run(line...); err == nil {
			t.Errorf("%q went through", line)
		}
	}
}
