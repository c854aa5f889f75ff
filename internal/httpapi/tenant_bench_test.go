package httpapi_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/testenv"
)

// BenchmarkCreateTenant is the creation of tenants without the network, by one
// caller and by sixteen. For figures with it, beside the limit program, see make
// bench.
func BenchmarkCreateTenant(b *testing.B) {
	for name, callers := range map[string]int{"callers=1": 1, "callers=16": 16} {
		b.Run(name, func(b *testing.B) {
			e := testenv.New(b)
			sub := e.Subscription(1_000_000)
			client := e.RegionClient(sub, "us")
			origin := e.Register("us")
			token := e.Token(origin, client)
			body := `{"licenseKey":"` + e.LicenseKey(sub) + `"}`
			handler := e.App.Handler(e.Port)
			b.ReportAllocs()
			b.ResetTimer()
			before := processorTime()
			var left atomic.Int64
			left.Store(int64(b.N))
			var running sync.WaitGroup
			for range callers {
				running.Go(func() {
					for left.Add(-1) >= 0 {
						r := httptest.NewRequest(http.MethodPost, origin+"/api/v1/tenants", strings.NewReader(body))
						r.Header.Set("Content-Type", "application/json")
						r.Header.Set("Authorization", "Bearer "+token)
						w := httptest.NewRecorder()
						handler.ServeHTTP(w, r)
						if w.Code != http.StatusCreated {
							answer, _ := io.ReadAll(w.Body)
							b.Error(w.Code, string(answer))
							return
						}
					}
				})
			}
			running.Wait()
			reportProcessorTime(b, before)
		})
	}
}

// reportProcessorTime adds the processor time of an operation, which other
// programs on the machine disturb less than the time that it takes.
func reportProcessorTime(b *testing.B, before time.Duration) {
	b.ReportMetric(float64((processorTime()-before).Microseconds())/float64(b.N), "cpu-µs/op")
}

// processorTime is what the process has used so far.
func processorTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
