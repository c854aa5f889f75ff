package doctor_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/app"
	"github.com/freehold-platform/freehold/internal/doctor"
	"github.com/freehold-platform/freehold/internal/pgtest"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// examine examines what config says, in a world in which everything is well but for
// what change does.
func examine(t *testing.T, config app.Config, change func(*doctor.Examination)) []doctor.Finding {
	t.Helper()
	e := doctor.New(config, config.Validate())
	e.Lookup = func(context.Context, string) ([]string, error) { return []string{"192.0.2.1"}, nil }
	e.Free = func(string) (uint64, uint64, error) { return 50 << 30, 100 << 30, nil }
	if change != nil {
		change(e)
	}
	return e.Run(t.Context())
}

// expect fails unless a check has a finding of a level that has the words.
func expect(t *testing.T, findings []doctor.Finding, check string, level doctor.Level, words string) {
	t.Helper()
	for _, f := range findings {
		if f.Check == check && f.Level == level && strings.Contains(f.Found, words) {
			if (f.Advice == "") != (level == doctor.OK) {
				t.Errorf("%s %q has the advice %q", level, f.Found, f.Advice)
			}
			return
		}
	}
	t.Errorf("no %s %s with %q in %+v", check, level, words, findings)
}

// advise fails unless all advice of a check has the words.
func advise(t *testing.T, findings []doctor.Finding, check, words string) {
	t.Helper()
	for _, f := range findings {
		if f.Check == check && !strings.Contains(f.Advice, words) {
			t.Errorf("the advice for %q is %q", f.Found, f.Advice)
		}
	}
}

// installation is the configuration of a data folder with an estate, on SQLite.
func installation(t *testing.T) app.Config {
	t.Helper()
	t.Setenv("FREEHOLD_TEST_ENGINE", "sqlite")
	e := testenv.Open(t)
	config := e.App.Config
	config.Listen = "127.0.0.1:1" // where nothing listens
	return config
}

func TestRun_Well(t *testing.T) {
	t.Setenv("FREEHOLD_TEST_ENGINE", "sqlite")
	dir := t.TempDir()
	config := testenv.Config(t, dir)
	config.AdminListen = "127.0.0.1:0"
	e := testenv.Start(t, config, dir)
	e.Do(testenv.Request{URL: e.Console() + "/readyz"}) // it serves by then, its metrics too
	config.Listen = fmt.Sprintf("127.0.0.1:%d", e.Port)
	config.AdminListen = e.App.AdminAddress().String()
	findings := examine(t, config, func(x *doctor.Examination) { x.Server = true })
	if doctor.Worst(findings) != doctor.OK {
		t.Errorf("%+v", findings)
	}
	for check, words := range map[string]string{
		"configuration": "freehold.localhost", "disk": "50.0 GiB of 100.0 GiB", "database": "SQLite 3.", "keys": "opens all 3 keys", "dns": "7 names lead to 192.0.2.1",
		"tls": "off", "server": "ready at", "clock": "the server's", "metrics": "/metrics",
	} {
		expect(t, findings, check, doctor.OK, words)
	}
}

func TestRun_Config(t *testing.T) {
	config := installation(t)
	findings := examine(t, config, func(x *doctor.Examination) { x.Problem = errors.New("tls: \"on\" is not off, internal or files") })
	expect(t, findings, "configuration", doctor.Fail, "tls: ")
	if len(findings) != 1 {
		t.Errorf("%+v", findings)
	}
	public := config
	public.Listen, public.AdminListen, public.AllowPrivate = "0.0.0.0:1", "0.0.0.0:2", true
	findings = examine(t, public, nil)
	for _, words := range []string{"without TLS", "private addresses", "metrics and profiles"} {
		expect(t, findings, "configuration", doctor.Warn, words)
	}
	public.PublicScheme = "https"
	findings = examine(t, public, nil)
	expect(t, findings, "configuration", doctor.Warn, "behind a proxy")
	if slices.ContainsFunc(findings, func(f doctor.Finding) bool { return strings.Contains(f.Found, "without TLS") }) {
		t.Errorf("%+v", findings)
	}
}

func TestRun_Disk(t *testing.T) {
	config := installation(t)
	free := func(free, size uint64, err error) func(*doctor.Examination) {
		return func(x *doctor.Examination) {
			x.Free = func(string) (uint64, uint64, error) { return free, size, err }
		}
	}
	expect(t, examine(t, config, free(1<<20, 1<<40, nil)), "disk", doctor.Fail, "1.0 MiB")
	expect(t, examine(t, config, free(500<<20, 10<<30, nil)), "disk", doctor.Warn, "500.0 MiB")
	expect(t, examine(t, config, free(4<<30, 1<<40, nil)), "disk", doctor.Warn, "4.0 GiB")
	expect(t, examine(t, config, free(0, 0, errors.New("no"))), "disk", doctor.Warn, "not known")
	if err := os.Chmod(config.DataDir, 0o755); err != nil {
		t.Fatal(err)
	}
	expect(t, examine(t, config, nil), "disk", doctor.Warn, "mode 0755")
	missing := config
	missing.DataDir = filepath.Join(t.TempDir(), "a", "b")
	findings := examine(t, missing, nil)
	expect(t, findings, "disk", doctor.Warn, "is missing")
	expect(t, findings, "database", doctor.Warn, "there is none")
	expect(t, findings, "keys", doctor.Warn, "no key file")
	expect(t, findings, "dns", doctor.Warn, "no region")
	expect(t, findings, "dns", doctor.OK, "1 name leads to 192.0.2.1")
	if _, err := os.Stat(missing.DataDir); err == nil {
		t.Error("examining has made the data folder")
	}
	file := config
	file.DataDir = filepath.Join(config.DataDir, "freehold.db")
	expect(t, examine(t, file, nil), "disk", doctor.Fail, "is not a folder")
}

func TestRun_FreeSpace(t *testing.T) {
	free, size, err := doctor.New(app.Defaults(), nil).Free(t.TempDir())
	if err != nil || free == 0 || size < free {
		t.Errorf("%d of %d, %v", free, size, err)
	}
	if _, _, err := doctor.New(app.Defaults(), nil).Free(filepath.Join(t.TempDir(), "missing")); err == nil {
		t.Error("there is room in a folder that is missing")
	}
}

func TestRun_Database(t *testing.T) {
	t.Setenv("FREEHOLD_TEST_ENGINE", "sqlite")
	e := testenv.Open(t)
	config := e.App.Config
	config.Listen = "127.0.0.1:1"
	e.Exec("update goose_db_version set version_id = 1 where version_id > 10")
	expect(t, examine(t, config, nil), "database", doctor.Warn, "this program brings")
	e.Exec("insert into goose_db_version (version_id, is_applied) values (99999, 1)")
	expect(t, examine(t, config, nil), "database", doctor.Fail, "schema version 99999")

	damaged := config
	damaged.DataDir = t.TempDir()
	if err := os.WriteFile(filepath.Join(damaged.DataDir, "freehold.db"), []byte(strings.Repeat("nonsense", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, examine(t, damaged, nil), "database", doctor.Fail, "can't be read")

	away := config
	away.Database = "postgres://nobody:secret@127.0.0.1:1/freehold"
	findings := examine(t, away, nil)
	expect(t, findings, "database", doctor.Fail, "PostgreSQL can't be asked")
	for _, f := range findings {
		if strings.Contains(f.Found, "secret") {
			t.Errorf("the password is told: %s", f.Found)
		}
	}
}

// TestRun_DatabaseUnread: of what is in a database that can't be read, nothing is said
// to be missing.
func TestRun_DatabaseUnread(t *testing.T) {
	t.Setenv("FREEHOLD_TEST_ENGINE", "sqlite")
	e := testenv.Open(t)
	config := e.App.Config
	config.Listen = "127.0.0.1:1"
	unknown := func(config app.Config) {
		t.Helper()
		findings := examine(t, config, nil)
		expect(t, findings, "keys", doctor.Warn, "whether it opens the keys is not known")
		expect(t, findings, "dns", doctor.Warn, "which regions there are is not known")
		keyless := config
		keyless.KeyFile = filepath.Join(t.TempDir(), "master.key")
		expect(t, examine(t, keyless, nil), "keys", doctor.Warn, "whether one is missing is not known")
	}
	away := config
	away.Database = "postgres://nobody@127.0.0.1:1/freehold"
	unknown(away)
	socket := config
	socket.Database = "postgres:///freehold?user=nobody&host=" + t.TempDir()
	expect(t, examine(t, socket, nil), "database", doctor.Fail, "PostgreSQL can't be asked")
	unknown(socket)
	e.Exec("insert into goose_db_version (version_id, is_applied) values (99999, 1)")
	unknown(config)
	if err := os.WriteFile(filepath.Join(config.DataDir, "freehold.db"), []byte(strings.Repeat("nonsense", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	unknown(config)
}

// TestRun_DatabaseWithoutRoom: a database that can't be opened because the disk is full
// is not said to be damaged.
func TestRun_DatabaseWithoutRoom(t *testing.T) {
	config := app.Defaults()
	config.DataDir, config.Listen = t.TempDir(), "127.0.0.1:1"
	if err := os.WriteFile(filepath.Join(config.DataDir, "freehold.db"), []byte(strings.Repeat("nonsense", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	findings := examine(t, config, func(x *doctor.Examination) {
		x.Free = func(string) (uint64, uint64, error) { return 0, 1 << 40, nil }
	})
	expect(t, findings, "disk", doctor.Fail, "0 B")
	expect(t, findings, "database", doctor.Fail, "can't be read")
	advise(t, findings, "database", "Make room")
}

func TestRun_PostgreSQL(t *testing.T) {
	url := pgtest.New(t, nil)
	config := app.Defaults()
	config.DataDir, config.Database, config.Listen = t.TempDir(), url, "127.0.0.1:1"
	findings := examine(t, config, nil)
	expect(t, findings, "database", doctor.Warn, "has no tables yet")
	expect(t, findings, "clock", doctor.OK, "the database's")
	separator := "?"
	if strings.Contains(url, "?") {
		separator = "&"
	}
	config.Database = url + separator + "synchronous_commit=off"
	expect(t, examine(t, config, nil), "database", doctor.Fail, "synchronous_commit off")
	pgtest.ReadOnly(t, url)
	expect(t, examine(t, config, nil), "database", doctor.Fail, "takes no writes")
}

func TestRun_Keys(t *testing.T) {
	config := installation(t)
	path := filepath.Join(config.DataDir, "master.key")
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	expect(t, examine(t, config, nil), "keys", doctor.Warn, "mode 0644")
	failing := config
	failing.KeyCommand = "false"
	findings := examine(t, failing, nil)
	expect(t, findings, "keys", doctor.Fail, "key command false")
	advise(t, findings, "keys", "Run the command")
	if err := os.WriteFile(path, []byte(strings.Repeat("ab", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, examine(t, config, nil), "keys", doctor.Fail, "does not open key")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	expect(t, examine(t, config, nil), "keys", doctor.Fail, "is missing")
	if _, err := os.Stat(path); err == nil {
		t.Error("examining has made a key file")
	}
}

func TestRun_DNS(t *testing.T) {
	config := installation(t)
	lookup := func(answers map[string]string) func(*doctor.Examination) {
		return func(x *doctor.Examination) {
			x.Lookup = func(_ context.Context, host string) ([]string, error) {
				if address, found := answers[host[:strings.IndexByte(host, '.')]]; found {
					return []string{address}, nil
				}
				return nil, errors.New("no such host")
			}
		}
	}
	only := map[string]string{"console": "192.0.2.1", "register": "192.0.2.1"}
	expect(t, examine(t, config, lookup(only)), "dns", doctor.Warn, "*.us.freehold.localhost is not found")
	config.Domain = "platform.example.com"
	expect(t, examine(t, config, lookup(only)), "dns", doctor.Fail, "*.us.platform.example.com is not found")
	expect(t, examine(t, config, lookup(nil)), "dns", doctor.Fail, "console.platform.example.com is not found")
	apart := map[string]string{"console": "192.0.2.1", "register": "192.0.2.2", "freehold-doctor": "192.0.2.1"}
	expect(t, examine(t, config, lookup(apart)), "dns", doctor.Warn, "register.eu.platform.example.com leads to 192.0.2.2")
}

// certify writes a certificate for names into the data folder.
func certify(t *testing.T, config *app.Config, from, until time.Time, names ...string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, DNSNames: names, NotBefore: from, NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	config.TLS, config.TLSCert, config.TLSKey = app.TLSFiles, filepath.Join(config.DataDir, "cert.pem"), filepath.Join(config.DataDir, "key.pem")
	write := func(path, kind string, der []byte) {
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(config.TLSCert, "CERTIFICATE", der)
	write(config.TLSKey, "PRIVATE KEY", private)
}

func TestRun_TLS(t *testing.T) {
	config := installation(t)
	now, day := time.Now(), 24*time.Hour
	all := []string{"console.freehold.localhost", "*.us.freehold.localhost", "*.eu.freehold.localhost", "*.ap.freehold.localhost"}
	for name, test := range map[string]struct {
		from, until time.Duration
		names       []string
		level       doctor.Level
		words       string
	}{
		"good":         {-day, 90 * day, all, doctor.OK, "is good until"},
		"soon over":    {-day, 10 * day, all, doctor.Warn, "for 9 more days"},
		"almost over":  {-day, day, all, doctor.Fail, "more days"},
		"over":         {-2 * day, -day, all, doctor.Fail, "has expired"},
		"not yet":      {day, 90 * day, all, doctor.Fail, "good only from"},
		"one wildcard": {-day, 90 * day, []string{"*.freehold.localhost"}, doctor.Fail, "is not for register.ap.freehold.localhost, *.ap.freehold.localhost"},
	} {
		t.Run(name, func(t *testing.T) {
			certify(t, &config, now.Add(test.from), now.Add(test.until), test.names...)
			expect(t, examine(t, config, nil), "tls", test.level, test.words)
		})
	}
	if err := os.Chmod(config.TLSKey, 0o644); err != nil {
		t.Fatal(err)
	}
	expect(t, examine(t, config, nil), "tls", doctor.Warn, "can read the private key")
	if err := os.WriteFile(config.TLSKey, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, examine(t, config, nil), "tls", doctor.Fail, "PEM")
}

func TestRun_Server(t *testing.T) {
	config := installation(t)
	expected := func(x *doctor.Examination) { x.Server = true }
	expect(t, examine(t, config, expected), "server", doctor.Fail, "none answers")
	expect(t, examine(t, config, nil), "server", doctor.OK, "none runs")

	status, body, date := http.StatusOK, "", time.Time{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" || !strings.HasPrefix(r.Host, "console.freehold.localhost:") {
			t.Errorf("asked for %s at %s", r.URL.Path, r.Host)
		}
		if !date.IsZero() {
			w.Header().Set("Date", date.UTC().Format(http.TimeFormat))
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	defer server.Close()
	config.Listen = server.Listener.Addr().String()
	body = "<html>"
	expect(t, examine(t, config, nil), "server", doctor.Fail, "is not Freehold")
	body = `{"status":"degraded","checks":{"database":"unavailable","serving":"ok"}}`
	expect(t, examine(t, config, nil), "server", doctor.Warn, "degraded: database unavailable")
	status, body = http.StatusServiceUnavailable, `{"status":"unavailable","checks":{"serving":"unavailable"}}`
	expect(t, examine(t, config, nil), "server", doctor.Fail, "not ready: serving unavailable")
	status, body, date = http.StatusOK, `{"status":"ok"}`, time.Now().Add(-time.Minute)
	expect(t, examine(t, config, nil), "clock", doctor.Fail, "behind this machine's")
	date = time.Now().Add(10 * time.Second)
	expect(t, examine(t, config, nil), "clock", doctor.Warn, "ahead of this machine's")

	secure := config
	certify(t, &secure, time.Now().Add(-time.Hour), time.Now().Add(time.Hour), "console.freehold.localhost")
	expect(t, examine(t, secure, nil), "server", doctor.Fail, "does not speak TLS")

	config.AdminListen, config.TraceEndpoint = "127.0.0.1:1", "http://127.0.0.1:1"
	findings := examine(t, config, nil)
	expect(t, findings, "metrics", doctor.Warn, "nothing answers")
	expect(t, findings, "traces", doctor.Warn, "no collector answers")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	config.TraceEndpoint = "http://" + listener.Addr().String()
	expect(t, examine(t, config, nil), "traces", doctor.OK, "takes connections")
}
