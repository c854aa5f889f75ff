package store

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

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
