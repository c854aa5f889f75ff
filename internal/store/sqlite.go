package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

//go:embed migrations
var migrations embed.FS

// sqliteEngine is an SQLite file with one writing connection and a pool of
// reading ones, all in WAL mode: readers and the writer do not wait for one
// another.
type sqliteEngine struct {
	db      *sql.DB
	writer  *conn
	readers chan *conn // one slot a reader; nil: not opened yet
	closed  chan struct{}
	handle  *sql.DB // see Store.Handle
}

// conn is a connection with its prepared statements.
type conn struct {
	*sql.Conn
	statements map[string]*sql.Stmt
	length     int // of their texts together
	broken     bool
}

// Bounds of the statements kept by a connection: the listing queries have many
// shapes. A statement takes some twenty times its text in memory, and that of a
// large filter is long.
const (
	maxStatements       = 200
	maxStatementsLength = 128 << 10
)

func openSQLite(ctx context.Context, path string) (*sqliteEngine, error) {
	escaped := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
	// busy_timeout first: the other pragmas may have to wait for a lock.
	// synchronous(full) makes every commit durable, not only consistent.
	dsn := "file:" + escaped + "?_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=synchronous(full)" +
		"&_pragma=foreign_keys(1)&_pragma=cache_size(-16384)&_pragma=temp_store(memory)"
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	e := &sqliteEngine{db: db, readers: make(chan *conn, max(4, 2*runtime.GOMAXPROCS(0))), closed: make(chan struct{})}
	if err := migrate(ctx, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	e.writer = newConn(c)
	if e.handle, err = sql.Open("sqlite", dsn+"&_txlock=immediate"); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	e.handle.SetMaxOpenConns(1)
	for range cap(e.readers) {
		e.readers <- nil
	}
	return e, nil
}

// migrate brings the schema to this program's version. Programs that start on
// one file at the same time all try, and nothing but the file is between them.
// So a failure counts only when the database was not busy, for which not every
// statement waits (the switch to WAL does not), and when nobody else brought
// the schema further meanwhile, which makes a migration fail that was next.
func migrate(ctx context.Context, db *sql.DB) error {
	const attempts, pause = 100, 100 * time.Millisecond
	for attempt := 1; ; attempt++ {
		overtaken, err := tryMigrate(ctx, db)
		if err == nil || attempt == attempts || !overtaken && !busy(err) {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
	}
}

// tryMigrate is one attempt of migrate. It tells whether somebody else brought
// the schema further during an attempt that failed.
func tryMigrate(ctx context.Context, db *sql.DB) (overtaken bool, err error) {
	dir, err := fs.Sub(migrations, "migrations/sqlite")
	if err != nil {
		return false, err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, dir)
	if err != nil {
		return false, fmt.Errorf("migrations: %w", err)
	}
	current, target, err := provider.GetVersions(ctx)
	if err != nil {
		return false, fmt.Errorf("read schema version: %w", err)
	}
	if current > target {
		return false, fmt.Errorf("the database has schema version %d, this program knows only %d: use the newer program", current, target)
	}
	if _, err = provider.Up(ctx); err == nil {
		return false, nil
	}
	var partial *goose.PartialError
	if errors.As(err, &partial) && len(partial.Applied) > 0 {
		current = partial.Applied[len(partial.Applied)-1].Source.Version
	}
	now, versionErr := provider.GetDBVersion(ctx)
	return versionErr == nil && now > current, fmt.Errorf("migrate: %w", err)
}

// busy tells whether err says that another connection has the database locked.
func busy(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_BUSY
}

// close waits for the readers and closes all connections. The writer is idle.
func (e *sqliteEngine) close() error {
	close(e.closed)
	for range cap(e.readers) {
		if c := <-e.readers; c != nil {
			c.close()
		}
	}
	e.writer.close()
	return errors.Join(e.handle.Close(), e.db.Close())
}

// reader takes a reading connection from the pool.
func (e *sqliteEngine) reader(ctx context.Context) (*conn, error) {
	select {
	case c := <-e.readers:
		if c != nil {
			return c, nil
		}
	case <-e.closed:
		return nil, errClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	c, err := e.db.Conn(ctx)
	if err != nil {
		e.readers <- nil
		return nil, err
	}
	return newConn(c), nil
}

func (e *sqliteEngine) release(c *conn) {
	if c.broken {
		c.close()
		c = nil
	}
	e.readers <- c
}

// commit executes a batch in one transaction. An error means that nothing of
// the batch remains.
func (e *sqliteEngine) commit(batch []*write) error {
	ctx := context.Background() // a batch belongs to several callers; busy_timeout bounds it
	c := e.writer
	if err := c.exec(ctx, "begin immediate"); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	for _, w := range batch {
		if err := w.run(c); err != nil {
			return errors.Join(fmt.Errorf("transaction lost: %w", err), c.exec(ctx, "rollback"))
		}
	}
	if err := c.exec(ctx, "commit"); err != nil {
		return errors.Join(fmt.Errorf("commit: %w", err), c.exec(ctx, "rollback"))
	}
	return nil
}

func newConn(c *sql.Conn) *conn { return &conn{Conn: c, statements: make(map[string]*sql.Stmt)} }

func (c *conn) close() {
	for _, stmt := range c.statements {
		_ = stmt.Close()
	}
	if c.broken {
		// Close alone gives it back to the pool of database/sql, which would hand
		// it out again as it is; this makes the pool throw it away.
		_ = c.Raw(func(any) error { return driver.ErrBadConn })
	}
	_ = c.Close()
}

// prepare returns the statement of query, preparing it at first use.
func (c *conn) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt, ok := c.statements[query]; ok {
		return stmt, nil
	}
	stmt, err := c.PrepareContext(context.WithoutCancel(ctx), query)
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", query, err)
	}
	for old, victim := range c.statements {
		if len(c.statements) < maxStatements && c.length+len(query) <= maxStatementsLength {
			break
		}
		_ = victim.Close()
		delete(c.statements, old)
		c.length -= len(old)
	}
	c.statements[query] = stmt
	c.length += len(query)
	return stmt, nil
}

func (c *conn) exec(ctx context.Context, query string) error {
	stmt, err := c.prepare(ctx, query)
	if err != nil {
		return err
	}
	_, err = stmt.ExecContext(ctx)
	return err
}

// violated returns which unique constraint err is about, as SQLite words it
// ("table.column, table.column"), or "".
func violated(err error) string {
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
