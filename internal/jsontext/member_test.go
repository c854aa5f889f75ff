package jsontext_test

import (
	"bytes"
	"encoding/json"
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

// FuzzRepeatsMember compares with what a decoder keeps: where no object has a member
// twice, it keeps as many as the text has.
func FuzzRepeatsMember(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":{"b":[{"c":1}]}}`, `{"a":1,"a":2}`, `{"a":{"b":1,"b":2}}`, `{"a":1,"A":2}`, `[{"\u0061":1,"a":":"}]`, `"{\"a\":1}"`, `{"\ud800":1}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var value any
		if json.Unmarshal(text, &value) != nil {
			if jsontext.RepeatsMember(text) {
				t.Errorf("%q is no JSON", text)
			}
			return
		}
		written, quoted := 0, false
		for i := 0; i < len(text); i++ {
			switch {
			case quoted && text[i] == '\\':
				i++
			case text[i] == '"':
				quoted = !quoted
			case !quoted && text[i] == ':':
				written++
			}
		}
		repeats := jsontext.RepeatsMember(text)
		if kept := members(value); kept != written && !repeats {
			t.Errorf("%q has %d members, of which %d are kept", text, written, kept)
		} else if kept == written && repeats && !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) { // an outermost object may repeat one in another case
			t.Errorf("%q repeats nothing", text)
		}
	})
}

func members(value any) (n int) {
	switch v := value.(type) {
	case map[string]any:
		n = len(v)
		for _, below := range v {
			n += members(below)
		}
	case []any:
		for _, below := range v {
			n += members(below)
		}
	}
	return n
}
