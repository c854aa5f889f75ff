package outbound

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestHTTPClient(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			http.Redirect(w, r, "/", http.StatusFound)
			return
		}
		_, _ = io.WriteString(w, strings.Repeat("x", MaxDocument+10))
	}))
	defer server.Close()
	get := func(c *Client, path string) (int, int, error) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := c.HTTPClient().Do(r)
		if err != nil {
			return 0, 0, err
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		return res.StatusCode, len(body), err
	}
	if status, length, err := get(New(true, time.Now), "/"); status != http.StatusOK || length != MaxDocument || err != nil {
		t.Errorf("a long answer: %d, %d bytes (%v)", status, length, err)
	}
	if status, _, err := get(New(true, time.Now), "/elsewhere"); status != http.StatusFound || err != nil {
		t.Errorf("a redirect: %d (%v)", status, err)
	}
	if status, _, err := get(New(false, time.Now), "/"); err == nil {
		t.Errorf("a private address: %d", status)
	}
	private := New(false, time.Now)
	private.allowPrivate = false
	r := httptest.NewRequest(http.MethodGet, "https://localhost:1/", nil)
	if res, err := (guarded{private}).RoundTrip(r); err == nil || !strings.Contains(err.Error(), "not a public address") {
		t.Errorf("a name of a private address: %v", err)
		if res != nil {
			res.Body.Close()
		}
	}
}
