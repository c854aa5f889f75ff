package httpapi_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/internal/testenv"
)

// BenchmarkIssueToken is the token path without the network. For figures with
// it, beside the limit program, see make bench.
func BenchmarkIssueToken(b *testing.B) {
	e := testenv.New(b)
	sub := e.Subscription(5)
	tenant := e.Tenant(sub, "us")
	client := e.RegionClient(sub, "us")
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {string(client.ID)}, "client_secret": {client.Secret}}.Encode()
	handler := e.App.Handler(e.Port)
	b.ReportAllocs()
	before := processorTime()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, e.TenantURL(tenant)+"/oauth/token", strings.NewReader(form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			body, _ := io.ReadAll(w.Body)
			b.Fatal(w.Code, string(body))
		}
	}
	reportProcessorTime(b, before)
}
