package httpapi_test

import (
	"maps"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/tenancy"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// creator creates tenants in one subscription and region through the API.
type creator struct {
	*testenv.Env
	subscription estate.Subscription
	region       estate.RegionCode
	client       testenv.Credentials
	token        string
	license      string
}

func newCreator(e *testenv.Env, sub estate.Subscription, region estate.RegionCode) creator {
	client := e.RegionClient(sub, region)
	return creator{e, sub, region, client, e.Token(e.Register(region), client), e.LicenseKey(sub)}
}

// create posts the body, to which a licence key is added unless it has one.
func (c creator) create(body map[string]any, header ...string) testenv.Answer {
	all := map[string]any{"licenseKey": c.license}
	maps.Copy(all, body)
	request := testenv.Request{URL: c.Register(c.region) + "/api/v1/tenants", Token: c.token, JSON: all, Header: map[string]string{}}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header[header[i]] = header[i+1]
	}
	return c.Do(request)
}

// count is how many places of the entitlement are taken, and how many tenants
// there are; it fails the test if that is not the same.
func (c creator) count(t *testing.T) int64 {
	t.Helper()
	sub, err := c.App.Tenancy.Subscription(t.Context(), testenv.Operator, c.subscription.ID)
	if err != nil {
		t.Fatal(err)
	}
	var list api.OrganizationTenantList
	token := c.Token(c.Console(), c.OrganizationClient(sub.Organization))
	c.Do(testenv.Request{URL: c.Console() + "/api/core/tenants?limit=0&totalResults=true&filter=subscriptionId%20eq%20%22" + string(sub.ID) + "%22", Token: token}).Into(&list)
	if list.TotalResults == nil || *list.TotalResults != sub.TenantCount {
		t.Fatalf("%v tenants hold %d places", list.TotalResults, sub.TenantCount)
	}
	return sub.TenantCount
}

func TestCreateTenant_LicenseKeyOnly(t *testing.T) {
	e := testenv.New(t)
	c := newCreator(e, e.Subscription(5), "us")
	answer := c.create(nil)
	if answer.Status != http.StatusCreated {
		t.Fatalf("%d %s", answer.Status, answer.Body)
	}
	var have api.Tenant
	answer.Into(&have)
	if !estate.TenantID(have.ID).Valid() || !regexp.MustCompile(`^[a-z][a-z0-9]{14}$`).MatchString(have.Name) {
		t.Errorf("id %q, name %q", have.ID, have.Name)
	}
	now := api.Time{Time: e.Clock.Now()}
	want := api.Tenant{
		ID: have.ID, Name: have.Name, Hostnames: []string{have.Name + ".us." + testenv.Domain}, Region: "us", Datacenter: "us-east-1",
		Created: now, LastUpdated: now, Status: "active", StatusLastUpdatedAt: now,
		AutoAssignCreateSharedSpacesRoleToProfessionals:             true,
		AutoAssignPrivateAnalyticsContentCreatorRoleToProfessionals: true,
		AutoAssignDataServicesContributorRoleToProfessionals:        true,
		Provisioning: &api.Provisioning{State: api.ProvisioningReady, UpdatedAt: now},
		Links:        api.SelfLinks{Self: api.Link{Href: e.Register("us") + "/api/v1/tenants/" + have.ID}},
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
	var again api.Tenant
	e.Do(testenv.Request{URL: have.Links.Self.Href, Token: c.token}).Into(&again)
	if diff := cmp.Diff(want, again); diff != "" {
		t.Errorf("the link to itself shows another tenant: %s", diff)
	}
}

// TestCreateTenant_ReadyToUse does what the contract's scripts do next: with the
// same client, to the new host.
func TestCreateTenant_ReadyToUse(t *testing.T) {
	e := testenv.New(t)
	source := e.Tenant(e.Subscription(5), "us")
	sub, err := e.App.Tenancy.Subscription(t.Context(), testenv.Operator, source.Subscription)
	if err != nil {
		t.Fatal(err)
	}
	client := e.RegionClient(sub, "us")
	var overview api.LicenseOverview
	e.Do(testenv.Request{URL: e.TenantURL(source) + "/api/v1/licenses/overview", Token: e.Token(e.TenantURL(source), client)}).Into(&overview)
	var made api.Tenant
	e.Do(testenv.Request{
		URL: e.Register("us") + "/api/v1/tenants", Token: e.Token(e.Register("us"), client), JSON: api.CreateTenantRequest{LicenseKey: overview.LicenseKey},
	}).Into(&made)
	home := e.Origin(strings.TrimSuffix(made.Hostnames[0], "."+testenv.Domain))
	token := e.Token(home, client)
	me := e.Do(testenv.Request{URL: home + "/api/v1/users/me", Token: token})
	var user api.User
	e.Do(testenv.Request{URL: home + me.Header.Get("Location"), Token: token}).Into(&user)
	if user.TenantID != made.ID || user.ClientID != string(client.ID) || len(user.Roles) != 1 || user.Roles[0] != "TenantAdmin" {
		t.Errorf("user %+v of tenant %s", user, made.ID)
	}
}

func TestCreateTenant_AllFields(t *testing.T) {
	e := testenv.New(t)
	c := newCreator(e, e.Subscription(5), "eu")
	answer := c.create(map[string]any{
		"datacenter": "eu-west-1", "name": "  Acmé & Söhne  ", "hostnames": []string{"ACME.eu." + testenv.Domain}, "externalId": "customer 4711/ß",
		"labels": map[string]string{"plan": "gold", "team/owner": "", "a": strings.Repeat("ä", 127)}, "somethingElse": []int{1},
	})
	if answer.Status != http.StatusCreated {
		t.Fatalf("%d %s", answer.Status, answer.Body)
	}
	var have api.Tenant
	answer.Into(&have)
	if have.Name != "Acmé & Söhne" || have.ExternalID != "customer 4711/ß" || have.Datacenter != "eu-west-1" || have.Region != "eu" {
		t.Errorf("%+v", have)
	}
	if diff := cmp.Diff(map[string]string{"plan": "gold", "team/owner": "", "a": strings.Repeat("ä", 127)}, have.Labels); diff != "" {
		t.Error(diff)
	}
	if len(have.Hostnames) != 2 || have.Hostnames[1] != "acme.eu."+testenv.Domain {
		t.Errorf("host names %v", have.Hostnames)
	}
	var shown api.Tenant
	e.Do(testenv.Request{URL: e.Origin("acme.eu") + "/api/v1/tenants/" + have.ID, Token: e.Token(e.Origin("acme.eu"), c.client)}).Into(&shown)
	shown.Links = have.Links
	if diff := cmp.Diff(have, shown); diff != "" {
		t.Error(diff)
	}
}

// TestCreateTenant_Fields tries each field at and past its limits. Limits count
// characters, as the document says, not bytes.
func TestCreateTenant_Fields(t *testing.T) {
	e := testenv.New(t)
	c := newCreator(e, e.Subscription(100), "us")
	labels := func(n int) map[string]string {
		m := map[string]string{}
		for i := range n {
			m[strings.Repeat("l", i+1)] = "x"
		}
		return m
	}
	for name, test := range map[string]struct {
		body    map[string]any
		pointer string // of the field that is wrong; empty: none is
	}{
		"name of 256 characters":            {map[string]any{"name": strings.Repeat("ß", 256)}, ""},
		"name of 257 characters":            {map[string]any{"name": strings.Repeat("n", 257)}, "/name"},
		"name with a line break":            {map[string]any{"name": "a\nb"}, "/name"},
		"name that is blank":                {map[string]any{"name": "  "}, ""},
		"datacenter of another region":      {map[string]any{"datacenter": "eu-west-1"}, "/datacenter"},
		"datacenter in capitals":            {map[string]any{"datacenter": "US-EAST-1"}, "/datacenter"},
		"external id of 255 characters":     {map[string]any{"externalId": strings.Repeat("é", 255)}, ""},
		"external id of 256 characters":     {map[string]any{"externalId": strings.Repeat("e", 256)}, "/externalId"},
		"50 labels":                         {map[string]any{"labels": labels(50)}, ""},
		"51 labels":                         {map[string]any{"labels": labels(51)}, "/labels"},
		"label name of 63 characters":       {map[string]any{"labels": map[string]string{strings.Repeat("l", 63): "x"}}, ""},
		"label name of 64 characters":       {map[string]any{"labels": map[string]string{strings.Repeat("l", 64): "x"}}, "/labels/" + strings.Repeat("l", 64)},
		"label name that is empty":          {map[string]any{"labels": map[string]string{"": "x"}}, "/labels/"},
		"label name with a space":           {map[string]any{"labels": map[string]string{"a b": "x"}}, "/labels/a b"},
		"label name that ends with a slash": {map[string]any{"labels": map[string]string{"a/": "x"}}, "/labels/a~1"},
		"label name with a tilde":           {map[string]any{"labels": map[string]string{"a~b": "x"}}, "/labels/a~0b"},
		"label value of 255 characters":     {map[string]any{"labels": map[string]string{"l": strings.Repeat("ü", 255)}}, ""},
		"label value of 256 characters":     {map[string]any{"labels": map[string]string{"l": strings.Repeat("v", 256)}}, "/labels/l"},
		"no alias":                          {map[string]any{"hostnames": []string{}}, ""},
		"two aliases":                       {map[string]any{"hostnames": []string{"one", "two"}}, "/hostnames"},
		"alias as a label":                  {map[string]any{"hostnames": []string{"just-a-label"}}, ""},
		"alias as a full name":              {map[string]any{"hostnames": []string{"full.us." + testenv.Domain}}, ""},
		"alias in capitals":                 {map[string]any{"hostnames": []string{"Capital.US.Freehold.Localhost"}}, ""},
		"alias of 3 characters":             {map[string]any{"hostnames": []string{"abc"}}, ""},
		"alias of 2 characters":             {map[string]any{"hostnames": []string{"ab"}}, "/hostnames/0"},
		"alias of 63 characters":            {map[string]any{"hostnames": []string{strings.Repeat("a", 63)}}, ""},
		"alias of 64 characters":            {map[string]any{"hostnames": []string{strings.Repeat("a", 64)}}, "/hostnames/0"},
		"alias of digits":                   {map[string]any{"hostnames": []string{"4711"}}, ""},
		"alias that is empty":               {map[string]any{"hostnames": []string{""}}, "/hostnames/0"},
		"alias that begins with a hyphen":   {map[string]any{"hostnames": []string{"-abc"}}, "/hostnames/0"},
		"alias that ends with a hyphen":     {map[string]any{"hostnames": []string{"abc-"}}, "/hostnames/0"},
		"alias with an underscore":          {map[string]any{"hostnames": []string{"a_b_c"}}, "/hostnames/0"},
		"alias with an umlaut":              {map[string]any{"hostnames": []string{"müller"}}, "/hostnames/0"},
		"alias with a space":                {map[string]any{"hostnames": []string{"a b c"}}, "/hostnames/0"},
		"alias in another region":           {map[string]any{"hostnames": []string{"acme.eu." + testenv.Domain}}, "/hostnames/0"},
		"alias in another domain":           {map[string]any{"hostnames": []string{"acme.us.example.com"}}, "/hostnames/0"},
		"alias of two labels":               {map[string]any{"hostnames": []string{"www.acme.us." + testenv.Domain}}, "/hostnames/0"},
		"alias with half a domain":          {map[string]any{"hostnames": []string{"acme.us"}}, "/hostnames/0"},
		"alias with a dot at the end":       {map[string]any{"hostnames": []string{"acme."}}, "/hostnames/0"},
		"alias register":                    {map[string]any{"hostnames": []string{"register"}}, "/hostnames/0"},
		"alias console":                     {map[string]any{"hostnames": []string{"console.us." + testenv.Domain}}, "/hostnames/0"},
		"alias www":                         {map[string]any{"hostnames": []string{"WWW"}}, "/hostnames/0"},
		"alias login":                       {map[string]any{"hostnames": []string{"login"}}, "/hostnames/0"},
	} {
		t.Run(name, func(t *testing.T) {
			c := c
			c.Env = c.With(t)
			answer := c.create(test.body)
			if test.pointer == "" {
				expect(t, "create", answer, http.StatusCreated, "")
				return
			}
			expect(t, "create", answer, http.StatusBadRequest, api.CodeTenantInvalid)
			if source := answer.Error().Source; source == nil || source.Pointer != test.pointer {
				t.Errorf("source %+v, want %s", source, test.pointer)
			}
			if answer.Error().Detail == "" {
				t.Errorf("no detail: %s", answer.Body)
			}
		})
	}
}

// TestCreateTenant_Body sends bodies that are wrong as a whole.
func TestCreateTenant_Body(t *testing.T) {
	e := testenv.New(t)
	c := newCreator(e, e.Subscription(5), "us")
	post := func(contentType, body string) testenv.Answer {
		request := testenv.Request{Method: http.MethodPost, URL: e.Register("us") + "/api/v1/tenants", Token: c.token, Body: body, Header: map[string]string{}}
		if contentType != "" {
			request.Header["Content-Type"] = contentType
		}
		return e.Do(request)
	}
	for name, test := range map[string]struct {
		contentType, body string
		status            int
		code, pointer     string
	}{
		"malformed":             {jsonType, `{"licenseKey":`, 400, api.CodeInvalidRequest, ""},
		"empty":                 {jsonType, ``, 400, api.CodeInvalidRequest, ""},
		"a list":                {jsonType, `[]`, 400, api.CodeInvalidRequest, ""},
		"null":                  {jsonType, `null`, 400, api.CodeInvalidRequest, ""},
		"two objects":           {jsonType, `{}{}`, 400, api.CodeInvalidRequest, ""},
		"a number for a name":   {jsonType, `{"licenseKey":"x","name":1}`, 400, api.CodeInvalidRequest, "/name"},
		"a text for hostnames":  {jsonType, `{"licenseKey":"x","hostnames":"x"}`, 400, api.CodeInvalidRequest, "/hostnames"},
		"a number for a label":  {jsonType, `{"licenseKey":"x","labels":{"a":1}}`, 400, api.CodeInvalidRequest, ""},
		"a form":                {formType, `licenseKey=x`, 415, api.CodeUnsupportedMediaType, ""},
		"no content type":       {"", `{}`, 415, api.CodeUnsupportedMediaType, ""},
		"a text":                {"text/plain", `{}`, 415, api.CodeUnsupportedMediaType, ""},
		"a script":              {"application/ecmascript", `{}`, 400, api.CodeTenantLicenseMissing, "/licenseKey"}, // as a Postman collection has it
		"JSON of some use":      {"application/vnd.x+json", `{}`, 400, api.CodeTenantLicenseMissing, "/licenseKey"},
		"Latin-1":               {jsonType, "{\"name\":\"caf\xe9\"}", 400, api.CodeInvalidRequest, ""},
		"a NUL":                 {jsonType, `{"name":"a\u0000"}`, 400, api.CodeInvalidRequest, ""},
		"a NUL after another":   {jsonType, `{"name":"\\u0000\\\u0000"}`, 400, api.CodeInvalidRequest, ""},
		"no NUL":                {jsonType, `{"name":"a\\u0000b\\\\u0000"}`, 400, api.CodeTenantLicenseMissing, "/licenseKey"},
		"a member twice":        {jsonType, `{"licenseKey":"x","licenseKey":"y"}`, 400, api.CodeInvalidRequest, ""},
		"twice in two cases":    {jsonType, `{"licenseKey":"x","LicenseKey":"y"}`, 400, api.CodeInvalidRequest, ""},
		"a label twice":         {jsonType, `{"licenseKey":"x","labels":{"a":"1","a":"2"}}`, 400, api.CodeInvalidRequest, ""},
		"two labels":            {jsonType, `{"labels":{"a":"1","A":"2"}}`, 400, api.CodeTenantLicenseMissing, "/licenseKey"},
		"over the limit":        {jsonType, `{"name":"` + strings.Repeat("n", 600<<10) + `"}`, 413, api.CodeTooLarge, ""},
		"no licence key":        {jsonType, `{}`, 400, api.CodeTenantLicenseMissing, "/licenseKey"},
		"an empty licence key":  {jsonType, `{"licenseKey":""}`, 400, api.CodeTenantLicenseMissing, "/licenseKey"},
		"licence key of nobody": {jsonType, `{"licenseKey":"x"}`, 403, api.CodeTenantLicenseInvalid, "/licenseKey"},
	} {
		answer := post(test.contentType, test.body)
		expect(t, name, answer, test.status, test.code)
		if source := answer.Error().Source; test.pointer != "" && (source == nil || source.Pointer != test.pointer) {
			t.Errorf("%s: source %+v, want %s", name, source, test.pointer)
		}
	}
	coded := e.Do(testenv.Request{URL: e.Register("us") + "/api/v1/tenants", Token: c.token, Body: "\x1f\x8b", Header: map[string]string{"Content-Type": jsonType, "Content-Encoding": "gzip"}})
	expect(t, "compressed", coded, http.StatusUnsupportedMediaType, api.CodeUnsupportedMediaType)
	if coded.Header.Get("Accept-Encoding") != "identity" {
		t.Errorf("compressed: %v", coded.Header)
	}
	if n := c.count(t); n != 0 {
		t.Errorf("%d tenants were made", n)
	}
}

// TestCreateTenant_License tries licence keys and entitlements that are no good
// here and now.
func TestCreateTenant_License(t *testing.T) {
	e := testenv.New(t)
	sub := e.Subscription(5, "us", "eu")
	c := newCreator(e, sub, "us")
	key := strings.Split(c.license, ".")
	other := e.Subscription(5)
	future := e.Clock.Now().Add(48 * time.Hour)
	later, err := e.App.Tenancy.CreateSubscription(t.Context(), testenv.Operator, estate.Subscription{
		Organization: e.Organization.ID, TenantLimit: 5, Regions: []estate.RegionCode{"us"}, StartsAt: future, EndsAt: future.AddDate(1, 0, 0),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	stranger := e.SubscriptionOf(e.NewOrganization("Stranger").ID, 5)
	refuse := func(name string, answer testenv.Answer, detail string) {
		t.Helper()
		expect(t, name, answer, http.StatusForbidden, api.CodeTenantLicenseInvalid)
		if have := answer.Error(); have.Title != "Invalid license error" || !strings.Contains(have.Detail, detail) {
			t.Errorf("%s: %s, want a detail with %q", name, answer.Body, detail)
		}
	}
	for name, test := range map[string]struct{ key, detail string }{
		"of another subscription":         {e.LicenseKey(other), "another subscription"},
		"of another organization":         {e.LicenseKey(stranger), "another subscription"},
		"with another signature":          {key[0] + "." + key[1] + "." + strings.Repeat("A", len(key[2])), "not genuine"},
		"with claims of another":          {key[0] + "." + strings.Split(e.LicenseKey(other), ".")[1] + "." + key[2], "not genuine"},
		"that is an access token":         {c.token, "not genuine"},
		"of a subscription not begun yet": {e.LicenseKey(later), "not valid yet"},
	} {
		refuse(name, c.create(map[string]any{"licenseKey": test.key}), test.detail)
	}

	update := func(u tenancy.SubscriptionUpdate) {
		t.Helper()
		if _, err := e.App.Tenancy.UpdateSubscription(t.Context(), testenv.Operator, sub.ID, u); err != nil {
			t.Fatal(err)
		}
	}
	update(tenancy.SubscriptionUpdate{Regions: []estate.RegionCode{"eu"}})
	refuse("region that is entitled no more", c.create(nil), "region us")
	update(tenancy.SubscriptionUpdate{Regions: []estate.RegionCode{"us"}, EndsAt: e.Clock.Now().Add(time.Hour)})
	e.Clock.Advance(2 * time.Hour)
	refuse("good key of a subscription that was ended early", c.create(nil), "not in force")
	refuse("fresh key of a subscription that has ended", c.create(map[string]any{"licenseKey": e.LicenseKey(sub)}), "expired")
	update(tenancy.SubscriptionUpdate{EndsAt: e.Clock.Now().Add(time.Hour)})
	short := e.LicenseKey(sub)
	update(tenancy.SubscriptionUpdate{EndsAt: e.Clock.Now().Add(24 * time.Hour)})
	e.Clock.Advance(time.Hour)
	refuse("expired key of a subscription that was extended", c.create(map[string]any{"licenseKey": short}), "expired")
	if n := c.count(t); n != 0 {
		t.Errorf("%d tenants were made", n)
	}
	expect(t, "fresh key of a subscription that was extended", c.create(map[string]any{"licenseKey": e.LicenseKey(sub)}), http.StatusCreated, "")
	if e.Clock.Advance(credential.TokenLifetime); c.create(nil).Status != http.StatusUnauthorized {
		t.Error("an expired token still creates tenants")
	}
}
