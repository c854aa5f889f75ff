package pgtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// errNoBouncer is the error where there is no PgBouncer to be found.
var errNoBouncer = errors.New("pgbouncer is not installed (Debian: pgbouncer)")

// Bouncer starts a PgBouncer that hands out connections by transaction, and
// returns the URL by which the program reaches the database at address through it.
// Without PgBouncer the test skips, or fails in continuous integration.
func Bouncer(t testing.TB, address string) string {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program = "/usr/sbin/pgbouncer"
		_, err = os.Stat(program)
	}
	if err != nil && os.Getenv("CI") == "" {
		t.Skip(errNoBouncer)
	}
	if err != nil {
		t.Fatal(errNoBouncer)
	}
	c, err := start()
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(c.dir, "b")
	if err != nil {
		t.Fatal(err)
	}
	const port = "6432" // part of the name of the socket only
	config := fmt.Sprintf(`[databases]
* = host=%s user=freehold
[pgbouncer]
listen_addr =
listen_port = %s
unix_socket_dir = %s
auth_type = any
pool_mode = transaction
default_pool_size = 10
ignore_startup_parameters = extra_float_digits
`, c.dir, port, dir)
	file := filepath.Join(dir, "pgbouncer.ini")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	attributes := &syscall.SysProcAttr{}
	if os.Geteuid() == 0 { // as whom PgBouncer refuses to run, too
		attributes.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
		if err := os.Chown(dir, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	const untilInputEnds = `"$@" >"$0/log" 2>&1 & cat; kill -INT $!; wait $!` // as newCluster
	server := exec.CommandContext(context.WithoutCancel(t.Context()), "sh", "-c", untilInputEnds, dir, program, file)
	server.SysProcAttr, server.Dir = attributes, "/"
	alive, err := server.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = alive.Close()
		_ = server.Wait() // it is stopped by a signal
	})
	u.RawQuery = url.Values{"host": {dir}, "port": {port}, "user": {"freehold"}, "default_query_exec_mode": {"exec"}}.Encode()
	db, err := sql.Open("pgx", u.String())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(startTimeout)
	for {
		if err = db.PingContext(t.Context()); err == nil {
			return u.String()
		}
		select {
		case <-deadline:
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			t.Fatalf("PgBouncer does not answer: %v\n%s", err, strings.TrimSpace(string(log)))
		case <-ticker.C:
		}
	}
}
