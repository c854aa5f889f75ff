package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/telemetry"
)

// Inspection is what can be seen of a database without changing anything in it.
type Inspection struct {
	Engine  string // "sqlite" or "postgresql"
	Version string // of the engine
	Path    string // of the file, of SQLite

	Schema int64 // version; 0: there is none yet
	Known  int64 // by this program

	RoundTrip time.Duration // of a query that reads nothing
	Behind    time.Duration // how far the database's clock is behind this machine's; SQLite has none of its own
	Size      int64         // bytes
	WAL       int64         // bytes; -1: not known

	Unsafe         []string // settings by which an acknowledged write can be lost
	Standby        bool     // it takes no writes
	ReadOnly       bool     // it is told to take none, and is no standby
	Connections    int      // of everybody; 0: not known
	MaxConnections int

	Regions []estate.RegionCode
	Keys    []estate.Key // the server's own, sealed
}

// Inspect looks at a database. Other than Open it neither makes nor migrates
// anything. Of an SQLite file that is missing, the error is fs.ErrNotExist.
func Inspect(ctx context.Context, o Options) (Inspection, error) {
	in := Inspection{Engine: "sqlite", WAL: -1, Path: o.Path}
	folder := "migrations/sqlite"
	var db *sql.DB
	var err error
	if o.URL != "" {
		in.Engine, in.Path, folder = "postgresql", "", "migrations/postgres"
		config, parseErr := pgx.ParseConfig(o.URL.Reveal())
		if parseErr != nil {
			return in, errors.New("not a URL like postgres://user:password@host:5432/name") // pgx's error could show the password
		}
		if config.ConnectTimeout == 0 {
			config.ConnectTimeout = beginTimeout
		}
		db = stdlib.OpenDB(*config)
	} else {
		if _, err := os.Stat(o.Path); err != nil {
			return in, err
		}
		if db, err = sql.Open("sqlite", "file:"+escapePath(o.Path)+"?mode=rw&_pragma=busy_timeout(2000)&_pragma=query_only(1)"); err != nil {
			return in, err
		}
	}
	if in.Known, err = newestMigration(folder); err != nil {
		return in, errors.Join(err, db.Close())
	}
	connection, err := db.Conn(ctx)
	if err != nil {
		return in, errors.Join(err, db.Close())
	}
	// Not prepared: a pooler may not keep statements.
	c := &conn{Conn: connection, dialect: &dialect{name: in.Engine, unprepared: true}, executed: new(atomic.Int64)}
	if in.Engine == "sqlite" {
		err = in.readSQLite(ctx, c)
	} else {
		err = in.readPostgres(ctx, c)
	}
	if err == nil {
		err = in.readEstate(ctx, c)
	}
	return in, errors.Join(err, connection.Close(), db.Close())
}

// newestMigration is the number of the last file in folder.
func newestMigration(folder string) (newest int64, err error) {
	files, err := fs.ReadDir(migrations, folder)
	if err != nil {
		return 0, err
	}
	for _, file := range files {
		number, _, _ := strings.Cut(path.Base(file.Name()), "_")
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("migration %s: %w", file.Name(), err)
		}
		newest = max(newest, n)
	}
	return newest, nil
}

// looks is how often the round trip is measured; the middle one counts.
const looks = 5

func (in *Inspection) measure(ctx context.Context, c *conn) error {
	took := make([]time.Duration, looks)
	for i := range took {
		var one int
		watch := telemetry.StartWatch()
		if err := c.row(ctx, "select 1").Scan(&one); err != nil {
			return err
		}
		took[i] = watch.Took()
	}
	slices.Sort(took)
	in.RoundTrip = took[looks/2]
	return nil
}

func (in *Inspection) readSQLite(ctx context.Context, c *conn) (err error) {
	if err := in.measure(ctx, c); err != nil {
		return err
	}
	if err := c.row(ctx, "select sqlite_version()").Scan(&in.Version); err != nil {
		return err
	}
	if err := c.row(ctx, "select page_count * page_size from pragma_page_count, pragma_page_size").Scan(&in.Size); err != nil {
		return err
	}
	in.WAL, err = fileSize(in.Path + "-wal")
	return err
}

func (in *Inspection) readPostgres(ctx context.Context, c *conn) error {
	if err := in.measure(ctx, c); err != nil {
		return err
	}
	var now time.Time
	err := c.row(ctx, `select current_setting('server_version'), clock_timestamp(), pg_database_size(current_database()), pg_is_in_recovery(),
		not pg_is_in_recovery() and current_setting('default_transaction_read_only') = 'on',
		(select count(*) from pg_stat_activity where backend_type = 'client backend'), current_setting('max_connections')::integer`).
		Scan(&in.Version, &now, &in.Size, &in.Standby, &in.ReadOnly, &in.Connections, &in.MaxConnections)
	if err != nil {
		return err
	}
	in.Behind = telemetry.SinceWall(now)
	for _, name := range []string{"fsync", "full_page_writes", "synchronous_commit"} {
		var value string
		if err := c.row(ctx, "select current_setting('"+name+"')").Scan(&value); err != nil {
			return err
		}
		if value == "off" {
			in.Unsafe = append(in.Unsafe, name)
		}
	}
	return nil
}

// readEstate reads what the other checks need to know. A database in which no
// Freehold was yet has none of it.
func (in *Inspection) readEstate(ctx context.Context, c *conn) error {
	there := "select count(*) from sqlite_schema where name = 'goose_db_version'"
	if in.Engine == "postgresql" {
		there = "select count(*) from pg_tables where schemaname = current_schema() and tablename = 'goose_db_version'"
	}
	var n int
	if err := c.row(ctx, there).Scan(&n); err != nil || n == 0 {
		return err
	}
	if err := c.row(ctx, "select coalesce(max(version_id), 0) from goose_db_version where is_applied").Scan(&in.Schema); err != nil {
		return err
	}
	if in.Schema == 0 || in.Schema > in.Known {
		return nil // what a newer program has made can't be read with certainty
	}
	tx := &Tx{conn: c}
	regions, err := tx.Regions(ctx)
	if err != nil {
		return err
	}
	for _, r := range regions {
		in.Regions = append(in.Regions, r.Code)
	}
	in.Keys, err = tx.Keys(ctx)
	return err
}
