package measure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
)

// ErrNoPostgres says that there is no PostgreSQL to be found.
var ErrNoPostgres = errors.New("initdb and postgres are not installed (Debian: postgresql)")

// Postgres is a server of the benchmark's own, with the settings of a fresh
// installation: each commit is durable. It listens at a Unix socket.
type Postgres struct {
	dir   string
	bin   string
	alive io.Closer // while it is open, the server runs
	cmd   *exec.Cmd
	made  int
}

const (
	postgresUser = "freehold"
	nobody       = 65534 // as whom it runs where the benchmark is root
)

// StartPostgres starts a server below dir, on no processor in particular.
func StartPostgres(ctx context.Context, dir string) (p *Postgres, err error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err != nil { // where its neighbours are
			return nil, err
		}
		found = append(found, path)
	}
	if len(found) == 0 {
		return nil, ErrNoPostgres
	}
	p = &Postgres{bin: filepath.Dir(found[len(found)-1])}
	if p.dir, err = os.MkdirTemp(dir, "pg"); err != nil { // short: names of sockets have few bytes
		return nil, err
	}
	attributes := &syscall.SysProcAttr{}
	if os.Geteuid() == 0 { // as whom PostgreSQL refuses to run
		attributes.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
		if err := errors.Join(os.Chown(p.dir, nobody, nobody), os.Chmod(dir, 0o711)); err != nil { //nolint:gosec // to be entered
			return nil, err
		}
	}
	data := filepath.Join(p.dir, "data")
	initdb := exec.CommandContext(ctx, filepath.Join(p.bin, "initdb"), "-D", data, "-U", postgresUser, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8") //nolint:gosec // fixed
	initdb.SysProcAttr, initdb.Dir = attributes, p.dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	// The shell ends the server when its input ends, which is when this process
	// does, however that happens.
	const untilInputEnds = `"$@" >"$0/log" 2>&1 & cat; kill -INT $!; wait $!`
	p.cmd = exec.CommandContext(context.WithoutCancel(ctx), "sh", "-c", untilInputEnds, p.dir, filepath.Join(p.bin, "postgres"), "-D", data, "-k", p.dir, "-c", "listen_addresses=") //nolint:gosec // fixed
	p.cmd.SysProcAttr, p.cmd.Dir = attributes, "/"
	if p.alive, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	ready := exec.CommandContext(ctx, "sh", "-c", `i=0; until "$0" -h "$1" -q; do i=$((i+1)); [ $i -lt 300 ] || exit 1; sleep 0.1; done`, filepath.Join(p.bin, "pg_isready"), p.dir) //nolint:gosec // fixed
	if out, err := ready.CombinedOutput(); err != nil {
		log, _ := os.ReadFile(filepath.Join(p.dir, "log"))
		return nil, errors.Join(fmt.Errorf("PostgreSQL does not answer: %w\n%s%s", err, out, log), p.Stop())
	}
	return p, nil
}

// Database makes an empty database and returns its URL.
func (p *Postgres) Database(ctx context.Context) (string, error) {
	p.made++
	name := "bench" + strconv.Itoa(p.made)
	createdb := exec.CommandContext(ctx, filepath.Join(p.bin, "createdb"), "-h", p.dir, "-U", postgresUser, name) //nolint:gosec // fixed
	if out, err := createdb.CombinedOutput(); err != nil {
		return "", fmt.Errorf("createdb: %w\n%s", err, out)
	}
	return "postgres:///" + name + "?" + url.Values{"host": {p.dir}, "user": {postgresUser}}.Encode(), nil
}

// Stop ends the server. Its files are whoever's the folder is.
func (p *Postgres) Stop() error {
	err := p.alive.Close()
	_ = p.cmd.Wait() // it is stopped by a signal
	return err
}
