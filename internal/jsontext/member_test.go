package jsontext_test

import (
	"testing"

	"github.com/freehold-platform/freehold/internal/jsontext"
)

func TestRepeatsMember(t *testing.T) {
	for object, want := range map[string]bool{
		`{}`:                             false,
		`{"a":"1","b":{"a":"2"}}`:        false,
		`{"a":"1","b":[],"a":null}`:      true,
		`{"scope":"a","Scope":"b"}`:      true,
		"{\"scope\":1,\"\u017fcope\":2}": true,
		`{"\u0061":1,"a":2}`:             true,
		`null`:                           false,
		`{"a":{"b":1,"c":{},"b":2}}`:     true,
		`[{"a":1},{"a":1}]`:              false,
		`[[{"a":1,"a":1}]]`:              true,
		`{"labels":{"Env":"","env":""}}`: false, // which are two
		`{"a":1,"a":2`:                   false, // no JSON
		`{"a":1} {"a":1,"a":2}`:          false,
		``:                               false,
	} {
		if got := jsontext.RepeatsMember([]byte(object)); got != want {
			t.Errorf("%s: %t, want %t", object, got, want)
		}
	}
}
