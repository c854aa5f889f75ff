package webhook_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
	"github.com/freehold-platform/freehold/internal/webhook"
)

// BenchmarkDelivery has a running server tell an address of events, signed, until
// all have arrived.
func BenchmarkDelivery(b *testing.B) {
	e := testenv.New(b)
	var arrived atomic.Int64
	all := make(chan struct{})
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if arrived.Add(1) == int64(b.N) {
			close(all)
		}
	}))
	defer receiver.Close()
	scope := estate.Scope{Organization: e.Organization.ID}
	_, err := e.App.Webhook.Create(b.Context(), administrator(scope), webhook.Input{Name: "bench", URL: receiver.URL, EventTypes: []string{"com.qlik.tenant.updated"}, Enabled: true, Secret: secret})
	if err != nil {
		b.Fatal(err)
	}
	auditor := event.Auditor{Store: e.App.Store, Now: e.Clock.Now}
	b.ResetTimer()
	for done := 0; done < b.N; done += 100 {
		err := e.App.Store.Write(b.Context(), func(tx *store.Tx) error {
			for range min(100, b.N-done) {
				if err := auditor.Done(b.Context(), tx, testenv.Operator, scope, "tenant.update", "tenant", nil); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	<-all
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
