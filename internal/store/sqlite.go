package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/freehold-platform/freehold/internal/walvfs"
)

// openSQLite opens a file, in WAL mode.
func openSQLite(ctx context.Context, path string) (*engine, error) {
	if err := walvfs.Register(); err != nil {
		return nil, err
	}
	// SQLite would let everybody read it who may read the folder.
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		err = file.Close()
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	// busy_timeout first: the other pragmas may have to wait for a lock.
	// synchronous(full) makes every commit durable, not only consistent; walvfs relies on it.
	dsn := "file:" + escapePath(path) + "?vfs=" + walvfs.Name + "&_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=synchronous(full)" +
		"&_pragma=foreign_keys(1)&_pragma=wal_autocheckpoint(8000)&_pragma=cache_size(-16384)&_pragma=temp_store(memory)"
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	handle, err := sql.Open("sqlite", dsn+"&_txlock=immediate")
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	handle.SetMaxOpenConns(1)
	e, err := openEngine(ctx, db, dialect{
		name:       "sqlite",
		migrations: "migrations/sqlite",
		size:       "select page_count * page_size from pragma_page_count, pragma_page_size",
		wal:        func() (int64, error) { return fileSize(path + "-wal") },
		goose:      goose.DialectSQLite3,
		beginRead:  "begin",
		beginWrite: []string{"begin immediate"},
		rewrite:    namelessParameters,
		bulk:       "pragma cache_size = -262144", // 256 MiB: the indexes are written to all over
		violated:   sqliteViolated,
		outOfOrder: sqliteOutOfOrder,
		retry:      busy,
		tableNames: "select name from sqlite_schema where type = 'table' and name not like 'sqlite!_%' escape '!' and name <> 'goose_db_version' order by name",
		columns:    "select name from pragma_table_info($1) order by cid",
		references: `select distinct "table" from pragma_foreign_key_list($1) order by 1`,
		afterCopy:  func(context.Context, *conn) error { return nil },
		neutral:    sqliteNeutral,
	})
	if err != nil {
		return nil, errors.Join(err, handle.Close())
	}
	e.handle = handle
	if err := e.writable(ctx); err != nil {
		return nil, errors.Join(err, e.close())
	}
	if e.queue, err = newGatherer(); err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e, nil
}

// writable fails if the file is one that this program may only read. SQLite would
// say so at each write, but not when a transaction begins.
func (e *engine) writable(ctx context.Context) error {
	err := e.writer.exec(ctx, "delete from changes where seq < 0") // there are none
	if err != nil && !busy(err) {
		return fmt.Errorf("can't be written: %w", err)
	}
	return nil
}

// escapePath is path as a part of a URI.
func escapePath(path string) string {
	return strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
}

// namelessParameters writes parameters as "?" where they come in the order of
// their numbers. Of all others the driver asks SQLite for the name at each
// execution, which takes the longer the more there are.
func namelessParameters(query string) string {
	var b strings.Builder
	rest, quoted := query, false
	for next := 1; ; next++ {
		i := strings.IndexByte(rest, '$')
		if i < 0 {
			break
		}
		quoted = quoted != (strings.Count(rest[:i], "'")%2 == 1)
		number := strconv.Itoa(next)
		after, ok := strings.CutPrefix(rest[i+1:], number)
		if quoted || !ok || after != "" && '0' <= after[0] && after[0] <= '9' {
			return query
		}
		b.WriteString(rest[:i])
		b.WriteByte('?')
		rest = after
	}
	b.WriteString(rest)
	return b.String()
}

// fileSize is that of a file, which need not be there.
func fileSize(path string) (int64, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, nil
	case err != nil:
		return 0, err
	}
	return info.Size(), nil
}

// busy tells whether err says that another connection has the database locked.
func busy(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_BUSY
}

// sqliteOutOfOrder tells whether err is about the file, or the system that it is in.
func sqliteOutOfOrder(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_BUSY:
		return true
	}
	return false
}

// sqliteViolated reads which unique constraint an error is about.
func sqliteViolated(err error) string {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return ""
	}
	switch e.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		_, columns, _ := strings.Cut(e.Error(), "UNIQUE constraint failed: ")
		columns, _, _ = strings.Cut(columns, " (")
		return columns
	}
	return ""
}
