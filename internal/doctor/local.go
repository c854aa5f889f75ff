package doctor

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/freehold-platform/freehold/internal/app"
	"github.com/freehold-platform/freehold/internal/store"
)

// checkConfig looks for settings that are wrong, or unwise together.
func (e *Examination) checkConfig() {
	const name = "configuration"
	c := e.Config
	if e.Problem != nil {
		e.add(name, Fail, "Correct the settings; docs/configuration.md has them all.", "%s", strings.ReplaceAll(e.Problem.Error(), "\n", "; "))
		return
	}
	before := len(e.findings)
	public := !isLocal(c.Listen)
	behindProxy := c.PublicScheme != "" || c.PublicPort != 0
	if public && c.TLS == app.TLSOff && !behindProxy {
		e.add(name, Warn, "Set tls, or let a proxy end TLS and say so with public_scheme and public_port.",
			"the server listens at %s without TLS: secrets and tokens can be read on the way", c.Listen)
	}
	if behindProxy && c.TrustedProxies == "" {
		e.add(name, Warn, "Set trusted_proxies to the addresses of the proxy.", "behind a proxy, all clients seem to come from its address and slow one another down")
	}
	if public && c.AllowPrivate {
		e.add(name, Warn, "Set outbound_allow_private to false.", "clients can have the server fetch from private addresses")
	}
	if c.AdminListen != "" && !isLocal(c.AdminListen) {
		e.add(name, Warn, "Let admin_listen be an address of a private network only.", "metrics and profiles are served at %s", c.AdminListen)
	}
	if len(e.findings) == before {
		e.add(name, OK, "", "valid, for %s", c.Domain)
	}
}

// isLocal tells whether only this machine reaches an address to listen at.
func isLocal(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// How much room there must be on the disk of the data folder.
const (
	scarce    = 1 << 30  // bytes: warn
	tooLittle = 64 << 20 // bytes: fail
)

// checkDisk looks at the data folder and the room on its disk.
func (e *Examination) checkDisk() {
	const name = "disk"
	dir := e.Config.DataDir
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.add(name, Warn, "Start the server once, or set data_dir to where its data is.", "the data folder %s is missing", dir)
		dir = existing(dir)
	case err != nil:
		e.add(name, Fail, "Let the user who runs the server read the folder.", "the data folder can't be read: %v", err)
		return
	case !info.IsDir():
		e.add(name, Fail, "Set data_dir to a folder.", "%s is not a folder", dir)
		return
	default:
		probe, err := os.CreateTemp(dir, ".doctor-*")
		if errors.Is(err, syscall.ENOSPC) {
			e.full = true
			e.add(name, Fail, "Make room: nothing can be written, though tokens go on. Where there is room, no inodes may be left: df -i "+dir, "nothing can be written into the data folder %s: %v", dir, err)
			return
		}
		if err != nil {
			e.add(name, Fail, "Let the user who runs the server write into the folder: chown it, or run doctor as that user.", "the data folder %s can't be written: %v", dir, err)
			return
		}
		_ = probe.Close()
		_ = os.Remove(probe.Name())
		if loose(info) && info.Mode().Perm()&0o007 != 0 {
			e.add(name, Warn, "chmod 700 "+dir, "everybody on this machine can look into the data folder %s (mode %04o)", dir, info.Mode().Perm())
		}
	}
	free, size, err := e.Free(dir)
	if err != nil {
		e.add(name, Warn, "See how much room there is by other means.", "free space of %s is not known: %v", dir, err)
		return
	}
	level, advice := OK, "Make room, or move the data folder to a larger disk, before the disk is full: then nothing can be written, though tokens go on."
	switch {
	case free < tooLittle:
		level, e.full = Fail, true
	case free < scarce || free < size/20:
		level = Warn
	}
	e.add(name, level, advice, "%s of %s are free at %s", bytes(int64(free)), bytes(int64(size)), dir)
}

// existing is the nearest folder above path that is there.
func existing(path string) string {
	for {
		parent := filepath.Dir(path)
		if _, err := os.Stat(path); err == nil || parent == path {
			return path
		}
		path = parent
	}
}

// loose tells whether the mode of a file says who may read it.
func loose(fs.FileInfo) bool { return runtime.GOOS != "windows" }

// What is slow, or large, for a database.
const (
	slowRoundTrip = 10 * time.Millisecond
	largeWAL      = 1 << 30 // bytes
	clockWarn     = time.Second
	clockFail     = 30 * time.Second
	fullPool      = 0.9 // of the connections that PostgreSQL has
)

// checkDatabase looks whether the database answers, and whether this program fits it.
func (e *Examination) checkDatabase(ctx context.Context) {
	const name = "database"
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	in, err := store.Inspect(ctx, e.Config.StoreOptions())
	postgres := in.Engine == "postgresql"
	missing := !postgres && errors.Is(err, fs.ErrNotExist)
	e.database, e.unread = in, err != nil && !missing || in.Schema > in.Known
	switch {
	case missing:
		e.add(name, Warn, "Start the server once: it makes the database.", "there is none at %s yet", in.Path)
		return
	case err != nil && postgres:
		e.add(name, Fail, "See that the server runs, that its host and port are reached from here, and that user, password and database name are right.", "PostgreSQL can't be asked: %v", err)
		return
	case err != nil && e.full:
		e.add(name, Fail, "Make room first, then examine it again: without room, SQLite can't open even a sound file.", "%s can't be read: %v", in.Path, err)
		return
	case err != nil:
		e.add(name, Fail, "If the file is damaged, restore the newest backup. If its owner is another user, run as that user.", "%s can't be read: %v", in.Path, err)
		return
	}
	engine := "SQLite " + in.Version
	if postgres {
		engine = "PostgreSQL " + in.Version
	}
	switch {
	case in.Schema > in.Known:
		e.add(name, Fail, "Use the newer program: this one can't be started on it.", "%s has schema version %d, this program knows only %d", engine, in.Schema, in.Known)
	case in.Schema == 0:
		e.add(name, Warn, "Start the server once: it makes the tables.", "%s answers, and has no tables yet", engine)
	case in.Schema < in.Known:
		e.add(name, Warn, "The next start migrates it. Back up first; programs of the older version end before that.", "%s has schema version %d, this program brings %d", engine, in.Schema, in.Known)
	default:
		e.add(name, OK, "", "%s with schema version %d and %s answers in %s", engine, in.Schema, bytes(in.Size), in.RoundTrip.Round(time.Microsecond))
	}
	if in.RoundTrip > slowRoundTrip {
		e.add(name, Warn, "Put database and servers into one network: each write costs several round trips.", "a round trip takes %s", in.RoundTrip.Round(time.Microsecond))
	}
	if in.WAL > largeWAL {
		e.add(name, Warn, "Something reads for very long, such as a backup or a copy: end it. The log shrinks when it is gone and the server is started anew.", "the write-ahead log has %s", bytes(in.WAL))
	}
	if len(in.Unsafe) > 0 {
		e.add(name, Fail, "Set them to on: a crash loses what clients were told is done.", "PostgreSQL runs with %s off", strings.Join(in.Unsafe, ", "))
	}
	if in.Standby {
		e.add(name, Fail, "Let database lead to the primary, for example with target_session_attrs=read-write and all hosts in the URL.", "this PostgreSQL is a standby and takes no writes")
	}
	if in.ReadOnly {
		e.add(name, Fail, "Find out who set default_transaction_read_only and why, for want of room for example, and set it to off for the database and the user.", "PostgreSQL takes no writes of new connections")
	}
	if in.MaxConnections > 0 && float64(in.Connections) > fullPool*float64(in.MaxConnections) {
		e.add(name, Warn, "Raise max_connections, or put a pooler between.", "%d of %d connections of PostgreSQL are in use", in.Connections, in.MaxConnections)
	}
	if postgres {
		e.compareClock("the database's", in.Behind)
	}
}

// compareClock judges how far another clock is behind this machine's.
func (e *Examination) compareClock(whose string, behind time.Duration) {
	level := OK
	switch off := behind.Abs(); {
	case off > clockFail:
		level = Fail
	case off > clockWarn:
		level = Warn
	}
	direction := "behind"
	if behind < 0 {
		direction = "ahead of"
	}
	e.add("clock", level, "Let both machines keep time by NTP (timedatectl, chronyc tracking): tokens, proofs and sessions go by it.",
		"%s clock is %s %s this machine's", whose, behind.Abs().Round(time.Millisecond), direction)
}

// readFirst is the advice where a check needs what is in a database that can't be read.
const readFirst = "See the line about the database first, then examine it again."

// checkKeys looks whether the master key is kept well and opens the server's keys.
func (e *Examination) checkKeys(ctx context.Context) {
	const name = "keys"
	source := e.Config.MasterKey()
	if source.File != "" {
		info, err := os.Stat(source.File)
		switch {
		case errors.Is(err, fs.ErrNotExist) && e.unread:
			e.add(name, Warn, readFirst, "there is no key file %s; whether one is missing is not known: the database can't be read", source.File)
			return
		case errors.Is(err, fs.ErrNotExist) && len(e.database.Keys) == 0:
			e.add(name, Warn, "Start the server once: it makes the key file. Back it up apart from the database.", "there is no key file %s yet", source.File)
			return
		case err == nil && loose(info) && info.Mode().Perm()&0o077 != 0:
			e.add(name, Warn, "chmod 600 "+source.File, "others on this machine can read the key file %s (mode %04o)", source.File, info.Mode().Perm())
		}
	}
	err := source.Check(ctx, e.database.Keys)
	switch {
	case source.File != "" && errors.Is(err, fs.ErrPermission):
		e.add(name, Fail, "Let the user who runs the server read it: chown it to that user and chmod 600, or run doctor as that user.", "%v", err)
		return
	case err != nil && len(source.Command) > 0:
		e.add(name, Fail, "Run the command as the user who runs the server: it has to print the master key that belongs to this database.", "%v", err)
		return
	case err != nil:
		e.add(name, Fail, "Restore the key file that belongs to this database: without it, nothing in it can be signed or verified.", "%v", err)
		return
	case e.unread:
		e.add(name, Warn, readFirst, "%s can be read; whether it opens the keys is not known: the database can't be read", source)
		return
	case len(e.database.Keys) == 0:
		e.add(name, OK, "", "%s can be read; there are no keys to open yet", source)
		return
	}
	e.add(name, OK, "", "%s opens all %d keys", source, len(e.database.Keys))
}
