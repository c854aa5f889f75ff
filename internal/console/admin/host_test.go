package admin_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestHost opens a page at the tenant's own host, with the cookies of a session:
// that of its administrator, and that of another tenant's.
func TestHost(t *testing.T) {
	h := &home{Env: testenv.New(t), t: t}
	sub := h.Subscription(5)
	tenant, other := h.Tenant(sub, "us"), h.Tenant(sub, "us")
	ada, eve := h.user(tenant, "Ada", estate.RoleTenantAdmin), h.user(other, "Eve", estate.RoleTenantAdmin)
	for name, test := range map[string]struct {
		session testenv.Session
		path    string
		status  int
		says    string
	}{
		"the administrator":         {h.SignInUser(tenant, ada.ID), "/admin/users", http.StatusOK, "ada@acme.example"},
		"the administrator at home": {h.SignInUser(tenant, ada.ID), "/", http.StatusSeeOther, ""},
		"another tenant's":          {h.SignInUser(other, eve.ID), "/admin/users", http.StatusSeeOther, ""},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.TenantURL(tenant)+test.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", "text/html")
		req.Header.Set("Cookie", test.session.Header()["Cookie"])
		client := *h.Env.Client
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if test.path == "/" && res.Header.Get("Location") != "/admin" {
			t.Errorf("the host's root leads to %q", res.Header.Get("Location"))
		}
		if err != nil || res.StatusCode != test.status || !strings.Contains(string(body), test.says) {
			t.Errorf("%s: %d (%v)\n%s", name, res.StatusCode, err, body)
		}
	}
}
