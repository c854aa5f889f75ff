package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/freehold-platform/freehold/internal/bench/measure"
)

func TestDeliver(t *testing.T) {
	const secret = "benchmark-benchmark-benchmark-00"
	known, err := standardwebhooks.NewWebhookRaw([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	var good atomic.Int64
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil && known.Verify(body, r.Header) == nil && len(r.Header.Get("Qlik-Signature")) == 64 {
			good.Add(1)
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	defer receiver.Close()
	file := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(file, []byte(`{"id":"1"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := deliver(t.Context(), []string{"-url", receiver.URL, "-body", file, "-secret", secret, "-n", "20", "-connections", "3"}, &out); err != nil {
		t.Fatal(err)
	}
	var f measure.Figures
	if err := json.Unmarshal(out.Bytes(), &f); err != nil || f.PerSecond <= 0 || good.Load() != 20 {
		t.Errorf("%d good messages, %s (%v)", good.Load(), out.Bytes(), err)
	}
	if err := deliver(t.Context(), []string{"-url", receiver.URL, "-body", file, "-n", "1"}, &out); err == nil {
		t.Error("sent without a secret")
	}
}
