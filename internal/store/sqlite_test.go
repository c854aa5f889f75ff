package store

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSQLite_Durable: all connections make their commits durable.
func TestSQLite_Durable(t *testing.T) {
	e, err := openSQLite(t.Context(), filepath.Join(t.TempDir(), "test.db"))
	require.NoError(t, err)
	defer func() { assert.NoError(t, e.close()) }()
	for name, row := range map[string]rowScanner{
		"writer": e.writer.row(t.Context(), "pragma synchronous"),
		"reader": e.db.QueryRowContext(t.Context(), "pragma synchronous"),
		"jobs":   e.handle.QueryRowContext(t.Context(), "pragma synchronous"),
	} {
		var level int
		require.NoError(t, row.Scan(&level), name)
		assert.Equal(t, 2, level, name) // full
	}
}

func TestNamelessParameters(t *testing.T) {
	for query, want := range map[string]string{
		"select 1": "select 1",
		"insert into t values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)": "insert into t values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		"select 'it''s' where a = $1 and b = 'x' and c = $2":                  "select 'it''s' where a = ? and b = 'x' and c = ?",
		"select $1":                "select ?",
		"select $2, $1":            "select $2, $1",
		"select $1, $1":            "select $1, $1",
		"select $1 where a = '$2'": "select $1 where a = '$2'",
		"select $1 where a = 'it''s $2' or b = ''": "select $1 where a = 'it''s $2' or b = ''",
		"select a -> '$.b' from t where c = $1":    "select a -> '$.b' from t where c = $1",
		"select $12":                               "select $12",
	} {
		assert.Equal(t, want, namelessParameters(query), query)
	}
}
