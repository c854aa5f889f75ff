package measure

import (
	"context"
	"errors"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// serveVariable turns the test binary into a server on that address, or into
// one that fails if it says "nowhere".
const serveVariable = "FREEHOLD_MEASURE_TEST_SERVE"

func TestMain(m *testing.M) {
	switch addr := os.Getenv(serveVariable); addr {
	case "":
	case "nowhere":
		os.Stderr.WriteString("cannot serve\n")
		os.Exit(1)
	default:
		server := http.Server{Addr: addr, ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Host != "console.test" || r.URL.Path != "/readyz" {
				w.WriteHeader(http.StatusMisdirectedRequest)
			}
		})}
		os.Stderr.WriteString("serving\n")
		_ = server.ListenAndServe()
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func TestServer(t *testing.T) {
	core, _, _ := TwoCores() // pinned where that is possible
	port, err := FreePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := Command(t.Context(), core, self)
	addr := "127.0.0.1:" + strconv.Itoa(port)
	cmd.Env = append(cmd.Env, serveVariable+"="+addr)
	log := filepath.Join(t.TempDir(), "log")
	server, err := StartServer(t.Context(), cmd, port, "console.test", log)
	if err != nil {
		t.Fatal(err)
	}
	if server.Addr != addr || server.Ready <= 0 {
		t.Errorf("address %s, ready after %s", server.Addr, server.Ready)
	}
	if _, err := CPUTime(server.PID()); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if bytes, err := Memory(server.PID()); !errors.Is(err, os.ErrNotExist) && (err != nil || bytes < 1<<20) {
		t.Errorf("memory %d: %v", bytes, err)
	}
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(log); err != nil || !strings.Contains(string(text), "serving") {
		t.Errorf("log %q: %v", text, err)
	}
}

func TestStartServer_EndsEarly(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := Command(t.Context(), Unpinned, self)
	cmd.Env = append(cmd.Env, serveVariable+"=nowhere")
	_, err = StartServer(t.Context(), cmd, 1, "console.test", filepath.Join(t.TempDir(), "log"))
	if err == nil || !strings.Contains(err.Error(), "cannot serve") || !strings.Contains(err.Error(), "ended before") {
		t.Errorf("error %v", err)
	}
}

func TestStartServer_NotReady(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, self)
	if _, err := StartServer(ctx, cmd, 1, "console.test", filepath.Join(t.TempDir(), "log")); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestAllowedCores(t *testing.T) {
	for list, want := range map[string][]int{"0": {0}, "0-1": {0, 1}, "2,4-6,9": {2, 4, 5, 6, 9}, "": nil, "x-y": nil} {
		if got := allowedCores([]byte("Name:\tbench\nCpus_allowed_list:\t" + list + "\nMems_allowed_list:\t0\n")); !slices.Equal(got, want) {
			t.Errorf("%q: %v", list, got)
		}
	}
}

func TestParseStat(t *testing.T) {
	const stat = "4242 (odd ) (name) S 1 4242 4242 0 -1 4194560 900 0 0 0 123 45 0 0 20 0 9 0 100 1 2 3"
	if got, err := parseStat([]byte(stat)); err != nil || got != 1680*time.Millisecond {
		t.Errorf("%s, %v", got, err)
	}
	for _, bad := range []string{"", "1 (a) S 1 2", "1 a S 1 2 3 4 5 6 7 8 9 10 11 12 13", strings.Replace(stat, "123", "x", 1)} {
		if _, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestMedian(t *testing.T) {
	got := Median([]Figures{{PerSecond: 3, CPU: 10}, {PerSecond: 1, CPU: 30}, {PerSecond: 2, CPU: 20}, {PerSecond: 10, CPU: 40}})
	if got.PerSecond != 2.5 || got.CPU != 25 || got.P99 != 0 {
		t.Errorf("median %+v", got)
	}
	if got := Median(nil); !math.IsNaN(got.PerSecond) {
		t.Errorf("median of nothing %+v", got)
	}
}

func TestPair_Ratio(t *testing.T) {
	// The machine halved its speed for the second round; the ratio does not show it.
	pair := Pair{
		Real:  []Figures{{PerSecond: 80}, {PerSecond: 40}, {PerSecond: 81}},
		Limit: []Figures{{PerSecond: 100}, {PerSecond: 50}, {PerSecond: 100}},
	}
	if got := pair.Ratio(func(f Figures) float64 { return f.PerSecond }); got != 0.8 {
		t.Errorf("ratio %v", got)
	}
	if got := pair.Ratio(func(f Figures) float64 { return f.CPU }); !math.IsNaN(got) {
		t.Errorf("ratio of unknown figures %v", got)
	}
}
