package outbound

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestPoster_Guard: a message goes nowhere that a document may not be fetched from,
// follows no redirect, and takes no more of an answer than it says.
func TestPoster_Guard(t *testing.T) {
	reached := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached++
		if r.URL.Path == "/away" {
			http.Redirect(w, r, "/other", http.StatusTemporaryRedirect)
			return
		}
		_, _ = w.Write([]byte(strings.Repeat("x", 100<<10)))
	}))
	defer server.Close()
	tls := httptest.NewTLSServer(server.Config.Handler)
	defer tls.Close()

	strict := NewPoster(New(false, newClock().now), time.Second)
	defer strict.Close()
	port := tls.URL[strings.LastIndex(tls.URL, ":")+1:]
	for url, want := range map[string]string{
		server.URL:                           "https",
		"https://127.0.0.1:" + port:          "private",
		"https://localhost:" + port:          "outbound_allow_private",
		"https://user:password@example.com/": "password",
	} {
		if _, err := strict.Post(t.Context(), url, http.Header{}, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error about %s", url, err, want)
		}
	}
	if reached != 0 {
		t.Errorf("the server was reached %d times", reached)
	}

	lax := NewPoster(New(true, newClock().now), time.Second)
	defer lax.Close()
	if a, err := lax.Post(t.Context(), server.URL+"/away", http.Header{}, nil); err != nil || a.Status != http.StatusTemporaryRedirect || reached != 1 {
		t.Errorf("redirect: %d after %d requests (%v)", a.Status, reached, err)
	}
	if a, err := lax.Post(t.Context(), server.URL, http.Header{}, []byte("{}")); err != nil || len(a.Body) != maxAnswer {
		t.Errorf("long answer: %d bytes (%v)", len(a.Body), err)
	}
}
