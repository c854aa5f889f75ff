package httpapi_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/internal/testenv"
)

// BenchmarkIssueToken_DPoP is BenchmarkIssueToken with a proof, which the
// sender makes beside the clock.
func BenchmarkIssueToken_DPoP(b *testing.B) {
	e := testenv.New(b)
	sub := e.Subscription(5)
	tenant := e.Tenant(sub, "us")
	client := e.RegionClient(sub, "us")
	form := secretForm(client).Encode()
	handler := e.App.Handler(e.Port)
	s := newSender(b, e)
	origin := e.TenantURL(tenant)
	target := origin + "/oauth/token"
	nonce := s.nonce(origin)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("DPoP", s.proof(http.MethodPost, target, nonce, "", nil))
		w := httptest.NewRecorder()
		b.StartTimer()
		handler.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			body, _ := io.ReadAll(w.Body)
			b.Fatal(w.Code, string(body))
		}
	}
}
