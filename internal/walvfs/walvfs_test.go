package walvfs

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"modernc.org/libc"
	_ "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// connect opens a connection. Its cache is so small that transactions spill to the
// log before they are committed.
func connect(t *testing.T, path string) *sql.DB {
	t.Helper()
	require.NoError(t, Register())
	db, err := sql.Open("sqlite", "file:"+path+"?vfs="+Name+"&_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=cache_size(10)")
	require.NoError(t, err)
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	return db
}

func exec(t *testing.T, db interface {
	Exec(query string, args ...any) (sql.Result, error)
}, query string, args ...any,
) {
	t.Helper()
	_, err := db.Exec(query, args...)
	require.NoError(t, err, query)
}

func one(t *testing.T, db interface {
	QueryRow(query string, args ...any) *sql.Row
}, query string,
) (value string) {
	t.Helper()
	require.NoError(t, db.QueryRow(query).Scan(&value), query)
	return value
}

// fill inserts n rows of about a kilobyte in one transaction, which it leaves
// open.
func fill(t *testing.T, db *sql.DB, n int) *sql.Tx {
	t.Helper()
	tx, err := db.Begin()
	require.NoError(t, err)
	for i := range n {
		exec(t, tx, "insert into t (text) values (?)", strings.Repeat(fmt.Sprintf("%04d", i), 250))
	}
	return tx
}

const count = "select count(*) || '' from t"

func TestWAL(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	db, other := connect(t, path), connect(t, path)
	exec(t, db, "create table t (id integer primary key, text text not null)")

	t.Run("Commit", func(t *testing.T) {
		tx := fill(t, db, 2000)
		assert.Equal(t, "2000", one(t, tx, count), "what was spilled is read again")
		assert.Equal(t, "0", one(t, other, count))
		require.NoError(t, tx.Commit())
		assert.Equal(t, "2000", one(t, other, count))
		assert.Equal(t, "2000", one(t, db, count))
	})

	t.Run("Durable", func(t *testing.T) { // what is in the files now is what another process would find after a crash
		dir := t.TempDir()
		for _, suffix := range []string{"", "-wal"} {
			content, err := os.ReadFile(path + suffix)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(dir, "b.db"+suffix), content, 0o600))
		}
		found, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "b.db")) // with the system's own file access
		require.NoError(t, err)
		defer func() { assert.NoError(t, found.Close()) }()
		assert.Equal(t, "2000", one(t, found, count))
		assert.Equal(t, "ok", one(t, found, "pragma integrity_check"))
	})

	t.Run("Rollback", func(t *testing.T) {
		require.NoError(t, fill(t, db, 500).Rollback())
		assert.Equal(t, "2000", one(t, other, count))
		tx := fill(t, db, 3)
		require.NoError(t, tx.Commit())
		assert.Equal(t, "2003", one(t, other, count))
	})

	t.Run("Checkpoint", func(t *testing.T) {
		exec(t, other, "pragma wal_checkpoint(truncate)")
		info, err := os.Stat(path + "-wal")
		require.NoError(t, err)
		assert.Zero(t, info.Size())
		require.NoError(t, fill(t, other, 7).Commit())
		assert.Equal(t, "2010", one(t, db, count))
		assert.Equal(t, "ok", one(t, db, "pragma integrity_check"))
	})
}

// TestWAL_RolledBack: what a transaction spilled before it was rolled back is not
// written any more once somebody else can write: it would be over what they commit.
func TestWAL_RolledBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	db, other := connect(t, path), connect(t, path)
	exec(t, db, "create table t (id integer primary key, text text not null)")
	for n := range 40 { // of different sizes, so that different parts wait
		before := one(t, other, count)
		exec(t, other, "pragma wal_checkpoint(truncate)") // so that rolling back need not read the log
		require.NoError(t, fill(t, db, 60+n).Rollback())
		for _, l := range openLogs() {
			assert.Zero(t, len(l.waiting), "bytes that wait after a rollback")
		}
		require.NoError(t, fill(t, other, 100).Commit())
		require.NoError(t, fill(t, db, 5).Commit()) // reads and writes the log
		assert.NotEqual(t, before, one(t, other, count))
	}
	assert.Equal(t, fmt.Sprint(40*105), one(t, connect(t, path), count))
	assert.Equal(t, "ok", one(t, other, "pragma integrity_check"))
}

// TestWAL_NotSynchronous: a commit that is not made durable is seen by others all
// the same.
func TestWAL_NotSynchronous(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	db, other := connect(t, path), connect(t, path)
	exec(t, db, "create table t (id integer primary key, text text not null)")
	for _, mode := range []string{"normal", "off"} {
		exec(t, db, "pragma synchronous = "+mode)
		before := one(t, other, count)
		require.NoError(t, fill(t, db, 3).Commit())
		assert.NotEqual(t, before, one(t, other, count))
		assert.Equal(t, "ok", one(t, other, "pragma integrity_check"))
	}
}

// TestWAL_Fails fails what is written to the log: the transaction fails, and the
// next one does not.
func TestWAL_Fails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	db := connect(t, path)
	exec(t, db, "create table t (id integer primary key, text text not null)")
	require.Len(t, openLogs(), 2)
	l := openLogs()[0]
	write := l.write
	l.write = func(*libc.TLS, uintptr, uintptr, int32, int64) int32 { return sqlite3.SQLITE_FULL }
	_, err := db.Exec("insert into t (text) values ('lost')")
	require.ErrorContains(t, err, "full")
	l.write = write
	exec(t, db, "insert into t (text) values ('kept')")
	other := connect(t, path)
	assert.Equal(t, "kept", one(t, other, "select group_concat(text) from t"))
	assert.Equal(t, "ok", one(t, other, "pragma integrity_check"))
}

// TestWAL_FailsWhileReading: what a transaction spilled can't be written when a
// statement of it reads from the log. SQLite was told that it had been written, so it
// must not go on with the transaction, also if the disk has room again.
func TestWAL_FailsWhileReading(t *testing.T) {
	for _, code := range []int32{sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_CANTOPEN} {
		t.Run(fmt.Sprint(code), func(t *testing.T) { failWhileReading(t, code) })
	}
}

func failWhileReading(t *testing.T, code int32) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.db")
	db := connect(t, path)
	exec(t, db, "create table t (id integer primary key, k text unique, text text not null)")
	exec(t, db, "insert into t (k, text) with recursive n(i) as (select 1 union all select i + 1 from n where i < 200) select hex(randomblob(12)), hex(randomblob(500)) from n")
	l := openLogs()[0]
	write, failed := l.write, false
	exec(t, db, "begin immediate")
	exec(t, db, "savepoint w")
	for n := 0; len(l.waiting) == 0 && n < 100; n++ { // until something is spilled that waits
		exec(t, db, "insert into t (k, text) values ('lost' || ?, hex(randomblob(30000)))", n)
	}
	require.NotEmpty(t, l.waiting)
	exec(t, db, "release w")
	exec(t, db, "savepoint w")
	l.write = func(*libc.TLS, uintptr, uintptr, int32, int64) int32 { failed = true; return code }
	_, err := db.Exec("insert into t (k, text) select hex(randomblob(12)), text from t where id > 50 limit 20")
	require.Error(t, err)
	require.True(t, failed)
	l.write = write
	for _, end := range []string{"rollback to w", "release w", "commit"} {
		_, err := db.Exec(end)
		require.Error(t, err, end)
	}
	_, _ = db.Exec("rollback") // there may be nothing left of it
	exec(t, db, "insert into t (k, text) values ('kept', 'x')")
	other := connect(t, path)
	for _, c := range []*sql.DB{db, other} {
		assert.Equal(t, "201", one(t, c, count))
		assert.Equal(t, "1", one(t, c, "select count(*) || '' from t where k = 'kept' or k like 'lost%'"))
		assert.Equal(t, "ok", one(t, c, "pragma integrity_check"))
	}
}

// TestWAL_Concurrent has several connections write and read at once.
func TestWAL_Concurrent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	exec(t, connect(t, path), "create table t (id integer primary key, text text not null)")
	const connections, rows = 4, 50
	var wg sync.WaitGroup
	for range connections {
		db := connect(t, path)
		wg.Go(func() {
			for range rows {
				_, err := db.Exec("insert into t (text) values (randomblob(3000))")
				assert.NoError(t, err)
				var n int
				assert.NoError(t, db.QueryRow("select count(*) from t").Scan(&n))
				assert.Positive(t, n)
			}
		})
	}
	wg.Wait()
	db := connect(t, path)
	assert.Equal(t, fmt.Sprint(connections*rows), one(t, db, count))
	assert.Equal(t, "ok", one(t, db, "pragma integrity_check"))
}

// TestWAL_Closed keeps nothing of files that are closed.
func TestWAL_Closed(t *testing.T) {
	before := len(openLogs())
	t.Run("Open", func(t *testing.T) {
		exec(t, connect(t, filepath.Join(t.TempDir(), "a.db")), "create table t (id integer)")
		assert.Len(t, openLogs(), before+2, "by file and database")
	})
	assert.Len(t, openLogs(), before)
}

func openLogs() (all []*log) {
	logs.RLock()
	defer logs.RUnlock()
	for _, l := range logs.of {
		all = append(all, l)
	}
	return all
}
