package app_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// TestReadiness_Hangs: a database that does not answer at all must not keep a load
// balancer waiting, which would take the server out.
func TestReadiness_Hangs(t *testing.T) {
	dir := t.TempDir()
	e := testenv.StartAlone(t, testenv.Config(t, dir), dir)
	release, reading := make(chan struct{}), make(chan struct{}, 1000)
	var readers sync.WaitGroup
	for range cap(reading) { // more than there are connections; each that comes gets none
		readers.Go(func() {
			_ = e.App.Store.Read(t.Context(), func(*store.Tx) error {
				reading <- struct{}{}
				<-release
				return nil
			})
		})
	}
	<-reading
	ready := func() (status int, body string) {
		have := e.Do(testenv.Request{URL: e.Console() + "/readyz"})
		return have.Status, strings.TrimSpace(string(have.Body))
	}
	const degraded = `{"status":"degraded","checks":{"changes":"ok","database":"unavailable","serving":"ok","writes":"unavailable"}}`
	begun := time.Now()
	var askers sync.WaitGroup
	for range 5 {
		askers.Go(func() {
			if status, body := ready(); status != http.StatusOK || body != degraded {
				t.Errorf("while the database hangs: %d %s", status, body)
			}
		})
	}
	askers.Wait()
	if took := time.Since(begun); took > 4*time.Second { // a second, on a busy machine
		t.Errorf("they took %v", took)
	}
	close(release)
	readers.Wait()
	if status, body := ready(); status != http.StatusOK || body == degraded {
		t.Errorf("afterwards: %d %s", status, body)
	}
}
