package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/freehold-platform/freehold/internal/estate"
)

// lockWriter makes a write wait for those of other processes. Batches are then
// executed one after the other, as on SQLite: each sees all that was committed
// before it, and the feed of changes has the order of the commits. The row is
// the one that the migrations' own table always has.
const lockWriter = "select 1 from goose_db_version where version_id = 0 for update"

// ValidURL tells whether the driver can make something of a database's URL, and of the
// files that it names.
func ValidURL(url estate.Secret) bool {
	_, err := pgxpool.ParseConfig(url.Reveal())
	return err == nil
}

// openPostgres opens a database at a server of PostgreSQL 15 or later.
func openPostgres(ctx context.Context, url estate.Secret) (*engine, error) {
	pooled, err := pgxpool.ParseConfig(url.Reveal())
	if err != nil {
		return nil, errors.New("open database: not a URL like postgres://user:password@host:5432/name") // pgx's error could show the password
	}
	config := pooled.ConnConfig
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = beginTimeout
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "freehold"
	}
	name := fmt.Sprintf("%s at %s:%d", config.Database, config.Host, config.Port)
	db := stdlib.OpenDB(*config)
	db.SetMaxIdleConns(0) // connections are kept here, not there
	// A pooler that hands out a connection for a transaction at a time can't keep
	// statements, or locks of a session; its users say so in the URL, by pgx's own
	// parameter.
	pooler := config.DefaultQueryExecMode != pgx.QueryExecModeCacheStatement
	var options []goose.ProviderOption
	if !pooler {
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return nil, fmt.Errorf("open database: %w", err)
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	notify, listen := notifier(config, pooler)
	e, err := openEngine(ctx, db, dialect{
		notify:       notify,
		listen:       listen,
		name:         "postgresql",
		migrations:   "migrations/postgres",
		clock:        "select clock_timestamp()",
		size:         "select pg_database_size(current_database())",
		goose:        goose.DialectPostgres,
		options:      options,
		beginRead:    "begin isolation level repeatable read read only",
		beginWrite:   []string{"begin isolation level read committed", lockWriter, lastChange},
		unprepared:   pooler,
		pipeline:     pgxPipeline{},
		refused:      func(err error) bool { return errors.As(err, new(*pgconn.PgError)) },
		outOfOrder:   postgresOutOfOrder,
		outdated:     readOnly,
		readTimeout:  10 * time.Second,
		writeTimeout: 10 * time.Second,
		retry:        madeMeanwhile,
		tableNames:   "select tablename::text from pg_tables where schemaname = current_schema() and tablename <> 'goose_db_version' order by 1",
		columns:      "select column_name::text from information_schema.columns where table_schema = current_schema() and table_name = $1 order by ordinal_position",
		references:   "select distinct confrelid::regclass::text from pg_constraint where contype = 'f' and conrelid = to_regclass($1) order by 1",
		afterCopy:    continueIdentities,
		neutral:      postgresNeutral,
	})
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", name, err)
	}
	e.handle = db
	pooled.AfterRelease = func(c *pgx.Conn) bool {
		return c.PgConn().ParameterStatus("default_transaction_read_only") != "on" // see readOnly
	}
	pooled.MaxConns, pooled.MinConns, pooled.MinIdleConns = poolSize, 0, 0
	if e.pool, err = pgxpool.NewWithConfig(ctx, pooled); err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s: %w", name, err), e.close())
	}
	columns, err := uniqueColumns(ctx, e.writer)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s: %w", name, err), e.close())
	}
	e.violated = func(err error) string {
		var failed *pgconn.PgError
		if errors.As(err, &failed) && failed.Code == uniqueViolation {
			return columns[failed.ConstraintName]
		}
		return ""
	}
	return e, nil
}

// pgxPipeline sends statements by the driver itself, which database/sql can't.
type pgxPipeline struct{}

func (pgxPipeline) send(ctx context.Context, c *conn, statements []statement) error {
	batch := &pgx.Batch{}
	for _, s := range statements {
		args := make([]any, len(s.args))
		for i, arg := range s.args {
			value, err := driver.DefaultParameterConverter.ConvertValue(arg)
			if err != nil {
				return err
			}
			args[i] = value
		}
		batch.Queue(s.query, args...)
	}
	return c.Raw(func(conn any) (err error) {
		std, ok := conn.(*stdlib.Conn)
		if !ok {
			return errors.New("the connection is not one of pgx")
		}
		results := std.Conn().SendBatch(ctx, batch)
		defer func() { err = errors.Join(err, results.Close()) }()
		for _, s := range statements {
			if s.dest == nil {
				_, err = results.Exec()
			} else if err = results.QueryRow().Scan(s.dest...); s.none && errors.Is(err, sql.ErrNoRows) {
				err = nil
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (pgxPipeline) script(ctx context.Context, c *conn, text string) (n int64, err error) {
	c.executed.Add(1)
	err = c.Raw(func(conn any) error {
		std, ok := conn.(*stdlib.Conn)
		if !ok {
			return errors.New("the connection is not one of pgx")
		}
		results, err := std.Conn().PgConn().Exec(ctx, text).ReadAll()
		if err != nil {
			return err
		}
		n, err = strconv.ParseInt(string(results[len(results)-1].Rows[0][0]), 10, 64) // the text format, as in all answers of this protocol
		return err
	})
	return n, err
}

// poolSize bounds the connections of Store.Pool. They are made when they are
// needed.
const poolSize = 4

// madeMeanwhile tells whether a migration failed because another process was
// making the same at the same time. It matters where no lock keeps them apart.
func madeMeanwhile(err error) bool {
	var failed *pgconn.PgError
	return errors.As(err, &failed) && slices.Contains([]string{uniqueViolation, "42P07", "42710", "42701"}, failed.Code)
}

// postgresOutOfOrder tells whether err is about the server, the way to it, or what
// it has to work with, and not about the statement.
func postgresOutOfOrder(err error) bool {
	var answer *pgconn.PgError
	if !errors.As(err, &answer) { // none came
		return pgconn.SafeToRetry(err) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, new(net.Error))
	}
	switch answer.Code[:2] { // classes of SQLSTATE
	case "08", "53", "57", "58": // connection, resources, intervention of the operator, system
		return true
	}
	return readOnly(err)
}

// readOnly tells whether err says that transactions may only read. A server that is
// told to take writes again tells that to new connections alone.
func readOnly(err error) bool {
	var answer *pgconn.PgError
	return errors.As(err, &answer) && answer.Code == readOnlyTransaction
}

// continueIdentities lets the numbers that the database gives go on after those
// that are there.
func continueIdentities(ctx context.Context, c *conn) error {
	columns, err := collectTexts(c.rows(ctx, `select table_name || '.' || column_name from information_schema.columns
		where table_schema = current_schema() and (is_identity = 'YES' or column_default like 'nextval(%')`))
	if err != nil {
		return err
	}
	for _, of := range columns {
		table, column, _ := strings.Cut(of, ".")
		var next int64
		err := c.row(ctx, fmt.Sprintf("select setval(pg_get_serial_sequence('%s', '%s'), coalesce(max(%s), 0) + 1, false) from %s", table, column, column, table)).Scan(&next)
		if err != nil {
			return err
		}
	}
	return nil
}

const ( // of SQLSTATE
	uniqueViolation     = "23505"
	readOnlyTransaction = "25006"
)

// uniqueColumns maps the names of unique indexes to their columns, as SQLite
// would say them.
func uniqueColumns(ctx context.Context, c *conn) (map[string]string, error) {
	rows, err := c.rows(ctx, `select i.relname, string_agg(t.relname || '.' || a.attname, ', ' order by k.place)
		from pg_index x
		join pg_class i on i.oid = x.indexrelid
		join pg_class t on t.oid = x.indrelid
		cross join lateral unnest(x.indkey) with ordinality k (number, place)
		join pg_attribute a on a.attrelid = t.oid and a.attnum = k.number
		where x.indisunique and t.relnamespace = current_schema()::regnamespace
		group by i.relname`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns := map[string]string{}
	for rows.Next() {
		var index, of string
		if err := rows.Scan(&index, &of); err != nil {
			return nil, err
		}
		columns[index] = of
	}
	return columns, rows.Err()
}
