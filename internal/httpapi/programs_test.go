package httpapi_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/internal/credential"
)

// TestPrograms: people see the programs that act for them, and only those, and take
// back what they approved; then nothing that came of it works.
func TestPrograms(t *testing.T) {
	p := newProgramEnv(t, func(n *credential.NewClient) { n.Consent = "" })
	status, _, page := p.browser.page(t, "/account/programs", nil)
	if status != http.StatusOK || !strings.Contains(page, "No program acts for you") {
		t.Fatalf("before: %d %s", status, page)
	}
	at := p.browser.goes(t, p.authorizeURL(url.Values{"scope": {"user_default offline_access"}})).String()
	_, _, page = p.browser.page(t, at, nil)
	_, location, _ := p.browser.submit(t, page, at, url.Values{"scope": {"user_default", "offline_access"}})
	back, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	answer, token := p.redeem(t, back.Query().Get("code"))
	expect(t, "redeem", answer, http.StatusOK, "")
	_, _, page = p.browser.page(t, "/account/programs", nil)
	path := regexp.MustCompile(`/account/programs/[^/"]+/withdraw`).FindString(page)
	if !strings.Contains(page, "Planner") || !strings.Contains(page, "Use your account") || path == "" {
		t.Fatalf("listed: %s", page)
	}
	eve := p.portal.signIn(t, "eve")
	_, _, theirs := eve.page(t, "/account/programs", nil)
	if strings.Contains(theirs, "Planner") {
		t.Error("somebody else sees it")
	}
	if eve.submit(t, theirs, path, url.Values{}); !p.works(t, token.AccessToken) {
		t.Error("somebody else took it back")
	}
	if status, to, _ := p.browser.submit(t, page, path, url.Values{}); status != http.StatusSeeOther || to != "/account/programs" {
		t.Errorf("taken back: %d to %s", status, to)
	}
	if p.works(t, token.AccessToken) {
		t.Error("the access token works")
	}
	if answer, _ := p.refresh(t, token.RefreshToken); answer.Status == http.StatusOK {
		t.Error("the refresh token works")
	}
	if _, _, page = p.browser.page(t, "/account/programs", nil); strings.Contains(page, "Planner") {
		t.Error("it is still listed")
	}
}
