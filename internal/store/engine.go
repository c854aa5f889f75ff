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
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/pressly/goose/v3"
)

//go:embed migrations
var migrations embed.FS

// engine is a database with one writing connection and a pool of reading ones.
// Readers and the writer do not wait for one another.
type engine struct {
	dialect
	db      *sql.DB
	writer  *conn      // used by the leader only; nil: lost
	readers chan *conn // one slot a reader; nil: not opened yet
	closed  chan struct{}
	handle  *sql.DB       // see Store.Handle
	pool    *pgxpool.Pool // see Store.Pool
	queue   *gatherer     // nil: whoever waits for the database lets others run

	executed atomic.Int64 // see Store.Statements
}

// dialect is what engines do differently. Their SQL is the same.
type dialect struct {
	name       string // of the engine, as OpenTelemetry has it
	migrations string // folder
	goose      goose.Dialect
	options    []goose.ProviderOption

	beginRead  string
	beginWrite []string                  // after these, no other process writes until the end of the transaction; with a pipeline, the last one returns the number of the last change
	unprepared bool                      // statements are not prepared, for poolers that can't keep them
	rewrite    func(query string) string // of a statement that is prepared; nil: as it is
	bulk       string                    // statement before many rows are inserted by a process that does nothing else; empty: none
	pipeline   pipeline                  // sends several statements at once; nil: there is nothing to win by it

	// readTimeout bounds the statements of a read, instead of the caller's context:
	// they are short, and to interrupt one costs its connection. 0: the caller's.
	readTimeout time.Duration
	// writeTimeout bounds a whole batch. 0: the driver does.
	writeTimeout time.Duration
	refused      func(error) bool   // whether the database has answered that it did not do something; of engines with a pipeline
	outOfOrder   func(error) bool   // whether err says that the database can't do anything of the kind just now: it is cut off, has no room, may only be read
	violated     func(error) string // which unique constraint err is about ("table.column, table.column"), or ""
	outdated     func(error) bool   // whether another connection might do what err refuses, as when the server took no writes when this one was made; nil: none would
	retry        func(error) bool   // whether a failed migration is worth another attempt

	// notify is executed at the end of a batch that has changes, and listen sends to
	// told, until its context ends, when other processes have done so. It need not
	// be reliable. Empty and nil: the database tells nobody.
	notify string
	listen func(ctx context.Context, told chan<- struct{})

	clock string                // query for the time by the database's own clock; empty: it has none
	size  string                // query for the bytes of the database
	wal   func() (int64, error) // bytes of the write-ahead log; nil: not to be known

	// Of the catalogue, for copying: queries for the names of the tables, of the
	// columns of $1, and of the tables that $1 refers to; and what is left to do
	// after rows were inserted with the numbers that they had.
	tableNames, columns, references string
	afterCopy                       func(context.Context, *conn) error
	neutral                         map[string]column // "table.column" → how it is copied, where engines keep the same in different types
}

func openEngine(ctx context.Context, db *sql.DB, d dialect) (*engine, error) {
	e := &engine{dialect: d, db: db, readers: make(chan *conn, max(4, 2*runtime.GOMAXPROCS(0))), closed: make(chan struct{})}
	err := e.migrate(ctx)
	if err == nil {
		e.writer, err = e.connect(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	for range cap(e.readers) {
		e.readers <- nil
	}
	return e, nil
}

func (e *engine) connect(ctx context.Context) (*conn, error) {
	c, err := e.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, dialect: &e.dialect, statements: make(map[string]*sql.Stmt), executed: &e.executed}, nil
}

// conn is a connection with its prepared statements.
type conn struct {
	*sql.Conn
	*dialect
	statements map[string]*sql.Stmt
	length     int // of their texts together
	broken     bool
	executed   *atomic.Int64                  // statements, for Store.Statements
	watch      func(query string, args []any) // told of what is read, where a test wants to explain it

	lastChange int64       // number of the last change when the write began, or unknownChange
	pipelining bool        // later may wait
	queued     []statement // to be executed before any other
}

// unknownChange says that the last change has to be asked for.
const unknownChange = -1

// statement is one that waits to be executed.
type statement struct {
	query string
	args  []any
	dest  []any // of the row that it returns; nil: whatever it returns is thrown away
	none  bool  // dest stays as it is where there is no row, instead of sql.ErrNoRows
}

// pipeline is what an engine at the other end of a network can do to save the
// way there and back. What is sent together fails together.
type pipeline interface {
	send(ctx context.Context, c *conn, statements []statement) error
	// script executes statements without arguments, and returns what the last one does.
	script(ctx context.Context, c *conn, text string) (int64, error)
}

// later executes a statement whose result nobody waits for, at the latest before
// the next one that is executed otherwise. So its error can be that of another,
// and the batch is executed again without pipelining.
func (c *conn) later(ctx context.Context, query string, args ...any) error {
	if c.pipeline == nil || !c.pipelining {
		_, err := c.run(ctx, query, args...)
		return err
	}
	c.queued = append(c.queued, statement{query: query, args: args})
	return nil
}

// expect has the row of a query, if there is one, in dest once any other statement has
// been executed. It tells whether it will: without pipelining it does nothing.
func (c *conn) expect(dest []any, query string, args ...any) bool {
	if c.pipeline == nil || !c.pipelining {
		return false
	}
	c.queued = append(c.queued, statement{query, args, dest, true})
	return true
}

// flush executes what waits.
func (c *conn) flush(ctx context.Context) error {
	if len(c.queued) == 0 {
		return nil
	}
	waiting := c.queued
	c.queued = nil
	c.executed.Add(int64(len(waiting)))
	return c.pipeline.send(ctx, c, waiting)
}

// sentRow is a row for which a query waits at the end of the queue.
type sentRow struct {
	ctx context.Context //nolint:containedctx // from here to Scan, which is called at once
	c   *conn
}

func (r sentRow) Scan(dest ...any) error {
	r.c.queued[len(r.c.queued)-1].dest = dest
	return r.c.flush(r.ctx)
}

// finish commits, together with what waits.
func (c *conn) finish(ctx context.Context) error {
	if len(c.queued) == 0 {
		return c.exec(ctx, "commit")
	}
	c.queued = append(c.queued, statement{query: "commit"})
	err := c.flush(ctx)
	if err != nil && c.refused(err) {
		return errors.Join(errApart, err) // one of the statements, and nothing was committed
	}
	return err
}

// Bounds of the statements kept by a connection: the listing queries have many
// shapes. A statement takes some twenty times its text in memory, and that of a
// large filter is long.
const (
	maxStatements       = 200
	maxStatementsLength = 128 << 10
)

// migrate brings the schema to this program's version. Programs that start on
// one database at the same time all try, and on SQLite nothing but the file is
// between them. So a failure counts only when the database was not busy, for
// which not every statement waits (the switch to WAL does not), and when nobody
// else brought the schema further meanwhile, which makes a migration fail that
// was next.
func (e *engine) migrate(ctx context.Context) error {
	const attempts, pause = 100, 100 * time.Millisecond
	for attempt := 1; ; attempt++ {
		overtaken, err := e.tryMigrate(ctx)
		if err == nil || attempt == attempts || !overtaken && !e.retry(err) {
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
func (e *engine) tryMigrate(ctx context.Context) (overtaken bool, err error) {
	dir, err := fs.Sub(migrations, e.migrations)
	if err != nil {
		return false, err
	}
	provider, err := goose.NewProvider(e.goose, e.db, dir, e.options...)
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

// close waits for the readers and closes all connections. The writer is idle. A server
// that does not answer any more is waited for once, and not for each connection.
func (e *engine) close() error {
	close(e.closed)
	var connections sync.WaitGroup
	for range cap(e.readers) {
		if c := <-e.readers; c != nil {
			connections.Go(c.close)
		}
	}
	if e.writer != nil {
		connections.Go(e.writer.close)
	}
	if e.pool != nil {
		connections.Go(e.pool.Close)
	}
	connections.Wait()
	err := errors.Join(e.handle.Close(), e.db.Close())
	if e.queue != nil {
		err = errors.Join(err, e.queue.close())
	}
	return err
}

// reader takes a reading connection from the pool.
func (e *engine) reader(ctx context.Context) (*conn, error) {
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
	// A connection is for all, so it is made even if this caller gives up.
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), beginTimeout)
	defer cancel()
	c, err := e.connect(within)
	if err != nil {
		e.readers <- nil
	}
	return c, err
}

func (e *engine) release(c *conn) {
	if c.broken {
		c.close()
		c = nil
	}
	e.readers <- c
}

// beginReading takes a connection and begins a transaction that sees one state
// of the database. Connections that were lost while they were idle are replaced:
// there can be as many as the pool has.
func (e *engine) beginReading(ctx context.Context) (*conn, error) {
	if e.readTimeout > 0 { // many may wait for a server that does not answer, one after the other
		limited, cancel := context.WithTimeout(ctx, beginTimeout)
		defer cancel()
		ctx = limited
	}
	for attempt := 0; ; attempt++ {
		c, err := e.reader(ctx)
		if err != nil {
			return nil, err
		}
		// Without the caller's context: the connection must come back clean. A driver
		// may answer a context that ends during a statement with its error even when
		// the statement was executed, so a begin could leave a transaction behind of
		// which nobody knows, and in which no other can begin.
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), beginTimeout)
		err = c.exec(within, e.beginRead)
		cancel()
		if err == nil {
			return c, nil
		}
		c.broken = true
		e.release(c)
		if attempt == cap(e.readers) || ctx.Err() != nil {
			return nil, fmt.Errorf("begin read: %w", err)
		}
	}
}

// beginTimeout bounds how long a database that is out of reach is waited for.
const beginTimeout = 5 * time.Second

// begin begins a write. A connection that was lost while it was idle is
// replaced.
func (e *engine) begin(ctx context.Context) (*conn, error) {
	for attempt := 1; ; attempt++ {
		if e.writer == nil {
			c, err := e.connect(ctx)
			if err != nil {
				return nil, fmt.Errorf("begin: %w", err)
			}
			e.writer = c
		}
		err := e.tryBegin(ctx)
		if err == nil {
			return e.writer, nil
		}
		err = errors.Join(err, e.rollback(e.writer))
		if e.writer != nil && e.outdated != nil && e.outdated(err) {
			e.dropWriter()
		}
		if e.writer != nil || attempt == 2 {
			return nil, fmt.Errorf("begin: %w", err)
		}
	}
}

func (e *engine) tryBegin(ctx context.Context) error {
	e.writer.queued = nil
	if p := e.pipeline; p != nil {
		var err error
		e.writer.lastChange, err = p.script(ctx, e.writer, strings.Join(e.beginWrite, "; "))
		return err
	}
	e.writer.lastChange = unknownChange
	for _, statement := range e.beginWrite {
		if err := e.writer.exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// rollback brings the writer back into a state to begin in, or gives it up.
func (e *engine) rollback(c *conn) error {
	ctx, cancel := context.WithTimeout(context.Background(), rollbackTimeout)
	defer cancel()
	c.queued = nil
	err := c.exec(ctx, "rollback")
	if err != nil && c.gone(ctx) {
		e.dropWriter()
	}
	return err
}

// dropWriter gives up the connection for writing: the next write makes one.
func (e *engine) dropWriter() {
	e.writer.broken = true
	e.writer.close()
	e.writer = nil
}

const rollbackTimeout = 5 * time.Second

// gone tells whether the database can't be reached by c any more.
func (c *conn) gone(ctx context.Context) bool { return c.PingContext(ctx) != nil }

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
	text := query
	if c.rewrite != nil {
		text = c.rewrite(query)
	}
	// Without the caller's cancelling, which would cost the connection, but not without
	// an end: a database may answer nothing any more.
	within := context.WithoutCancel(ctx)
	if end, ok := ctx.Deadline(); ok {
		limited, cancel := context.WithDeadline(within, end)
		defer cancel()
		within = limited
	}
	stmt, err := c.PrepareContext(within, text)
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
	_, err := c.run(ctx, query)
	return err
}

// run, row and rows are the ways to execute a statement.
func (c *conn) run(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := c.flush(ctx); err != nil {
		return nil, err
	}
	c.executed.Add(1)
	if c.unprepared {
		return c.ExecContext(ctx, query, args...)
	}
	stmt, err := c.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.ExecContext(ctx, args...)
}

func (c *conn) row(ctx context.Context, query string, args ...any) rowScanner {
	if len(c.queued) > 0 {
		c.queued = append(c.queued, statement{query: query, args: args})
		return sentRow{ctx, c}
	}
	c.executed.Add(1)
	if c.watch != nil {
		c.watch(query, args)
	}
	if c.unprepared {
		return c.QueryRowContext(ctx, query, args...)
	}
	stmt, err := c.prepare(ctx, query)
	if err != nil {
		return failedRow{err}
	}
	return stmt.QueryRowContext(ctx, args...)
}

func (c *conn) rows(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := c.flush(ctx); err != nil {
		return nil, err
	}
	c.executed.Add(1)
	if c.watch != nil {
		c.watch(query, args)
	}
	if c.unprepared {
		return c.QueryContext(ctx, query, args...)
	}
	stmt, err := c.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}
