// Package pgtest gives tests databases at a real PostgreSQL server, which it
// starts for each test binary that asks for one.
package pgtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// cluster is a running server. It listens at a Unix socket only, and ends with
// the process of the tests.
type cluster struct {
	dir       string
	databases atomic.Int64
	alive     io.Closer // while it is open, the server runs

	prepare    sync.Once
	prepareErr error
}

var start = sync.OnceValues(newCluster)

// startTimeout is far longer than a server takes to start on a slow machine.
const startTimeout = time.Minute

// memory is where Linux keeps files in memory.
const memory = "/dev/shm"

// nobody is the user and the group that the servers run as where the tests are root.
const nobody = 65534

// errMissing is the error where there is no PostgreSQL to be found.
var errMissing = errors.New("initdb and postgres are not installed (Debian: postgresql)")

// New returns the URL of a new database: an empty one, or where there is prepare
// a copy of one that it was called for, once in the process. Without PostgreSQL
// the test skips, or fails in continuous integration.
func New(t testing.TB, prepare func(url string) error) string {
	t.Helper()
	c, err := start()
	if errors.Is(err, errMissing) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	template := "template1"
	if prepare != nil {
		template = "prepared"
		c.prepare.Do(func() {
			if c.prepareErr = c.exec("create database prepared"); c.prepareErr == nil {
				c.prepareErr = prepare(c.url(template))
			}
		})
		if c.prepareErr != nil {
			t.Fatal(c.prepareErr)
		}
	}
	name := "test" + strconv.FormatInt(c.databases.Add(1), 10)
	if err := c.exec(fmt.Sprintf("create database %s template %s strategy file_copy", name, template)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.exec(fmt.Sprintf("drop database %s with (force)", name)); err != nil {
			t.Error(err)
		}
	})
	return c.url(name)
}

// Disconnect ends all connections to the database at url.
func Disconnect(t testing.TB, url string) {
	on(t, url, "select pg_terminate_backend(pid) from pg_stat_activity where datname = '%s'")
}

// Away keeps the database at url from being reached, as if its server were down,
// until back is called.
func Away(t testing.TB, url string) (back func()) {
	on(t, url, "alter database %s allow_connections false")
	Disconnect(t, url)
	return func() { on(t, url, "alter database %s allow_connections true") }
}

// ReadOnly keeps the database at url from being written until back is called, and
// by connections that are made meanwhile also after that.
func ReadOnly(t testing.TB, url string) (back func()) {
	on(t, url, "alter database %s set default_transaction_read_only to on")
	Disconnect(t, url)
	return func() { on(t, url, "alter database %s set default_transaction_read_only to off") }
}

// on executes a statement about the database at url from another one.
func on(t testing.TB, address, statement string) {
	t.Helper()
	c, err := start()
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.exec(fmt.Sprintf(statement, strings.TrimPrefix(u.Path, "/"))); err != nil {
		t.Fatal(err)
	}
}

func (c *cluster) exec(statement string) error {
	db, err := sql.Open("pgx", c.url("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(context.Background(), statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

func (c *cluster) url(database string) string {
	return "postgres:///" + database + "?" + url.Values{"host": {c.dir}, "user": {"freehold"}}.Encode()
}

func newCluster() (*cluster, error) {
	initdb, postgres := find("initdb"), find("postgres")
	if initdb == "" || postgres == "" {
		return nil, errMissing
	}
	in := ""
	if info, err := os.Stat(memory); err == nil && info.IsDir() {
		in = memory // making databases is mostly copying files
	}
	dir, err := os.MkdirTemp(in, "pg") // short: names of sockets have few bytes
	if err != nil {
		return nil, err
	}
	c := &cluster{dir: dir}
	attributes := &syscall.SysProcAttr{}
	if os.Geteuid() == 0 { // as whom PostgreSQL refuses to run
		attributes.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
		if err := os.Chown(dir, nobody, nobody); err != nil {
			return nil, err
		}
	}
	data := filepath.Join(dir, "data")
	init := exec.Command(initdb, "-D", data, "-U", "freehold", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
	init.SysProcAttr, init.Dir = attributes, dir
	if out, err := init.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	// The shell ends the server and removes its files when its input ends, which is
	// when this process does, however that happens. What a crash would lose is of
	// no use to tests.
	const untilInputEnds = `"$@" >"$0/log" 2>&1 & cat; kill -TERM $!; wait $!; rm -rf "$0"`
	server := exec.Command("sh", "-c", untilInputEnds, dir, postgres, "-D", data, "-k", dir, "-c", "listen_addresses=",
		"-c", "jit=off", "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=400", "-c", "shared_buffers=64MB", "-c", "autovacuum=off")
	server.SysProcAttr, server.Dir = attributes, "/"
	if c.alive, err = server.StdinPipe(); err != nil {
		return nil, err
	}
	if err := server.Start(); err != nil {
		return nil, err
	}
	db, err := sql.Open("pgx", c.url("postgres"))
	if err != nil {
		return nil, err
	}
	defer db.Close()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(startTimeout)
	for {
		if err = db.PingContext(context.Background()); err == nil {
			return c, nil
		}
		select {
		case <-deadline:
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			return nil, fmt.Errorf("PostgreSQL does not answer: %w\n%s", err, log)
		case <-ticker.C:
		}
	}
}

// find looks for a program of PostgreSQL, also where Debian keeps those that are
// not in the path.
func find(program string) string {
	if path, err := exec.LookPath(program); err == nil {
		return path
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + program)
	if len(found) == 0 {
		return ""
	}
	return found[len(found)-1]
}
