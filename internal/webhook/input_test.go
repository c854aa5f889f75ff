package webhook_test

import (
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
	"github.com/freehold-platform/freehold/internal/webhook"
)

// pointer is the field that err names; empty: none.
func pointer(t *testing.T, err error, code string) string {
	t.Helper()
	var known *estate.Error
	if !errors.As(err, &known) || known.Code != code || len(known.Fields) != 1 {
		t.Errorf("error %v, want %s of one field", err, code)
		return ""
	}
	return known.Fields[0].Pointer
}

func TestService_Create_Invalid(t *testing.T) {
	e := testenv.Open(t)
	home := e.Tenant(e.Subscription(2), "us")
	r := newReceiver(t)
	for name, c := range map[string]struct {
		change func(in *webhook.Input)
		want   string
	}{
		"no name":            {func(in *webhook.Input) { in.Name = " " }, "/name"},
		"long name":          {func(in *webhook.Input) { in.Name = strings.Repeat("é", 513) }, "/name"},
		"long description":   {func(in *webhook.Input) { in.Description = strings.Repeat("x", 1025) }, "/description"},
		"no url":             {func(in *webhook.Input) { in.URL = "" }, "/url"},
		"relative url":       {func(in *webhook.Input) { in.URL = "/hook" }, "/url"},
		"long url":           {func(in *webhook.Input) { in.URL = "https://example.com/" + strings.Repeat("x", 2048) }, "/url"},
		"short secret":       {func(in *webhook.Input) { in.Secret = "x" }, "/secret"},
		"long secret":        {func(in *webhook.Input) { in.Secret = estate.Secret(strings.Repeat("x", 65)) }, "/secret"},
		"origin":             {func(in *webhook.Input) { in.Origin = "elsewhere" }, "/origin"},
		"revocation":         {func(in *webhook.Input) { in.CheckRevocation = true }, "/checkCertificateRevocation"},
		"no types":           {func(in *webhook.Input) { in.EventTypes = nil }, "/eventTypes"},
		"unknown type":       {func(in *webhook.Input) { in.EventTypes = []string{clientCreated, "x"} }, "/eventTypes/1"},
		"type above tenants": {func(in *webhook.Input) { in.EventTypes = []string{"com.freehold.subscription.update"} }, "/eventTypes/0"},
		"filter":             {func(in *webhook.Input) { in.Filter = "id" }, "/filter"},
		"attribute":          {func(in *webhook.Input) { in.Filter = `name eq "x"` }, "/filter"},
		"header":             {func(in *webhook.Input) { in.Headers = map[string]string{"a b": "c"} }, "/headers"},
		"value of header":    {func(in *webhook.Input) { in.Headers = map[string]string{"a": "c\r\nd: e"} }, "/headers"},
		"own header":         {func(in *webhook.Input) { in.Headers = map[string]string{"qlik-signature": "c"} }, "/headers"},
		"own header, too":    {func(in *webhook.Input) { in.EncryptedHeaders = map[string]string{"webhook-id": "c"} }, "/encryptedHeaders"},
		"host":               {func(in *webhook.Input) { in.Headers = map[string]string{"host": "c"} }, "/headers"},
		"header twice": {func(in *webhook.Input) {
			in.Headers, in.EncryptedHeaders = map[string]string{"x-a": "1"}, map[string]string{"X-A": "2"}
		}, "/encryptedHeaders"},
		"long headers": {func(in *webhook.Input) { in.Headers = map[string]string{"a": strings.Repeat("x", 2048)} }, "/headers"},
	} {
		in := input(r, clientCreated)
		c.change(&in)
		_, err := e.App.Webhook.Create(t.Context(), administrator(home.Scope()), in)
		if have := pointer(t, err, api.CodeWebhookInvalid); have != c.want {
			t.Errorf("%s: %s, want %s (%v)", name, have, c.want, err)
		}
	}
	above := administrator(estate.Scope{Organization: e.Organization.ID})
	for range webhook.MaxWebhooks {
		if _, err := e.App.Webhook.Create(t.Context(), above, input(r, "com.freehold.subscription.update")); err != nil {
			t.Fatal(err)
		}
	}
	_, err := e.App.Webhook.Create(t.Context(), above, input(r, clientCreated))
	var known *estate.Error
	if !errors.As(err, &known) || known.Code != api.CodeWebhookLimit {
		t.Errorf("one too many: %v", err)
	}
}

// TestService_Patch changes members, all or none.
func TestService_Patch(t *testing.T) {
	e := testenv.Open(t)
	home := e.Tenant(e.Subscription(2), "us")
	admin := administrator(home.Scope())
	r := newReceiver(t)
	in := input(r, clientCreated)
	in.EncryptedHeaders = map[string]string{"X-Hidden": "x"}
	w := create(t, e, home.Scope(), in)
	patch := func(text string) error {
		t.Helper()
		operations, err := webhook.ParsePatch([]byte(text))
		if err != nil {
			return err
		}
		return e.App.Webhook.Patch(t.Context(), admin, w.ID, operations)
	}
	get := func() estate.Webhook {
		t.Helper()
		got, err := e.App.Webhook.Get(t.Context(), admin, w.ID)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	before := get()
	for text, want := range map[string]string{
		`{}`:                                          "",
		`null`:                                        "",
		`[{"op":"move","path":"/name"}]`:              "/0/op",
		`[{"op":"replace","path":"/level"}]`:          "/0/path",
		`[{"op":"replace","path":"/name/0"}]`:         "/0/path",
		`[{"op":"remove","path":"/name"}]`:            "/0/path",
		`[{"op":"replace","path":"/name"}]`:           "/0/value",
		`[{"op":"replace","path":"/name","value":1}]`: "/0/value",
		`[{"op":"replace","path":"/name","value":"new"},{"op":"replace","path":"/headers","value":[]}]`:                      "/1/value",
		`[{"op":"replace","path":"/enableCloudEventDelivery","value":false}]`:                                                "/0/value",
		`[` + strings.Repeat(`{"op":"replace","path":"/name","value":"x"},`, 100) + `{"op":"remove","path":"/description"}]`: "",
	} {
		if have := pointer(t, patch(text), api.CodeWebhookPatch); have != want {
			t.Errorf("%s: %s, want %s", text, have, want)
		}
	}
	if have := pointer(t, patch(`[{"op":"replace","path":"/name","value":"new"},{"op":"remove","path":"/eventTypes"}]`), api.CodeWebhookInvalid); have != "/eventTypes" {
		t.Errorf("no types: %s", have)
	}
	if !reflect.DeepEqual(get(), before) {
		t.Errorf("a refused patch changed something: %+v", get())
	}
	if err := patch(`[{"op":"replace","path":"/name","value":"new"},{"op":"add","path":"/headers","value":{"X-A":"b"}},{"op":"replace","path":"/enabled","value":false}]`); err != nil {
		t.Fatal(err)
	}
	if got := get(); got.Name != "new" || got.Enabled || !maps.Equal(got.Headers, map[string]string{"X-A": "b"}) || !got.HasSecret || !reflect.DeepEqual(got.HiddenHeaders, []string{"X-Hidden"}) {
		t.Errorf("%+v", got)
	}
	// What nobody may see does not follow to another address.
	if err := patch(`[{"op":"replace","path":"/url","value":"https://example.com/other"}]`); err != nil {
		t.Fatal(err)
	}
	if got := get(); len(got.HiddenHeaders) != 0 || !got.HasSecret {
		t.Errorf("%+v", got)
	}
	if err := patch(`[{"op":"remove","path":"/secret"},{"op":"remove","path":"/headers"}]`); err != nil {
		t.Fatal(err)
	}
	if got := get(); got.HasSecret || got.Headers != nil || len(got.Sealed) != 0 {
		t.Errorf("%+v", got)
	}

	text, err := json.Marshal(get())
	if err != nil || strings.Contains(string(text), secret) {
		t.Errorf("%s (%v)", text, err)
	}
	in.Enabled, in.Secret, in.EncryptedHeaders = false, "", nil
	replaced, err := e.App.Webhook.Replace(t.Context(), admin, w.ID, in)
	if err != nil || replaced.Enabled || replaced.HasSecret || replaced.Name != in.Name || replaced.ID != w.ID {
		t.Errorf("%+v (%v)", replaced, err)
	}
	if err := e.App.Webhook.Delete(t.Context(), admin, w.ID); err != nil {
		t.Fatal(err)
	}
	if err := e.App.Webhook.Delete(t.Context(), admin, w.ID); err == nil {
		t.Error("deleted twice")
	}
}

// TestService_List filters and sorts.
func TestService_List(t *testing.T) {
	e := testenv.Open(t)
	home := e.Tenant(e.Subscription(2), "us")
	admin := administrator(home.Scope())
	r := newReceiver(t)
	for i, name := range []string{"b one", "A two", "c three"} {
		in := input(r, clientCreated)
		in.Name, in.Enabled = name, i != 1
		if i == 2 {
			in.URL, in.EventTypes, in.Origin = "https://example.com/three", []string{clientDeleted}, "automations"
		}
		create(t, e, home.Scope(), in)
		e.Clock.Advance(1)
		e.Clock.Advance(1_000_000)
	}
	no := false
	for name, c := range map[string]struct {
		query webhook.Query
		want  string
	}{
		"newest first": {webhook.Query{}, "c three,A two,b one"},
		"by name":      {webhook.Query{Sort: "name"}, "A two,b one,c three"},
		"by name -":    {webhook.Query{Sort: "-name"}, "c three,b one,A two"},
		"created":      {webhook.Query{Sort: "+createdAt"}, "b one,A two,c three"},
		"name":         {webhook.Query{Name: "a*"}, "A two"},
		"part of name": {webhook.Query{Name: "*t*"}, "c three,A two"},
		"url":          {webhook.Query{URL: "*example.com/*"}, "c three"},
		"disabled":     {webhook.Query{Enabled: &no}, "A two"},
		"types":        {webhook.Query{EventTypes: []string{clientDeleted, "x"}}, "c three"},
		"origins":      {webhook.Query{Origins: []string{"automations"}}, "c three"},
		"creator":      {webhook.Query{CreatedBy: "somebody"}, ""},
		"changer":      {webhook.Query{UpdatedBy: "user"}, "c three,A two,b one"},
	} {
		for limit := 1; limit <= 4; limit++ {
			q := c.query
			q.Limit = limit
			var names []string
			for {
				page, err := e.App.Webhook.List(t.Context(), admin, q)
				if err != nil {
					t.Fatal(err)
				}
				for _, w := range page.Webhooks {
					names = append(names, w.Name)
				}
				if page.Next == "" {
					break
				}
				if q.Next = page.Next; len(names) > 10 {
					t.Fatal("no end")
				}
			}
			if have := strings.Join(names, ","); have != c.want {
				t.Errorf("%s, %d at a time: %s, want %s", name, limit, have, c.want)
			}
		}
	}
}
