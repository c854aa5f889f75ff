package paging

import (
	"encoding/base64"
	"errors"
	"reflect"
	"testing"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
)

func TestParse(t *testing.T) {
	byName := Sorted("tenants", []filter.SortKey{{Attribute: "name"}})
	want := Place{Values: Values{"Ärger", int64(1<<53 + 1)}, ID: "x"}
	cursor := Format(byName, want)
	if have, err := Parse[Place](byName, cursor); err != nil || !reflect.DeepEqual(have, want) {
		t.Errorf("%+v, %v", have, err)
	}
	for _, list := range []string{"", "tenants", "clients:name", Sorted("tenants", []filter.SortKey{{Attribute: "name", Descending: true}}), Sorted("tenants", nil)} {
		if _, err := Parse[Place](list, cursor); !errors.Is(err, ErrCursor) {
			t.Errorf("taken as one of %q (%v)", list, err)
		}
	}
	for _, text := range []string{
		``, `null`, `{}`, `{"l":"tenants:name"}`, `{"l":"tenants:name","p":null}`, `{"l":"tenants:name","p":{}} {}`, `{"l":"tenants:name","p":{}}x`,
		`{"l":"tenants:name","p":{"v":[1.5]}}`, `{"l":"tenants:name","p":{"v":[null]}}`, `{"l":"tenants:name","p":{"v":[[]]}}`, `{"l":"tenants:name","p":{"x":1}}`,
	} {
		if p, err := Parse[Place](byName, base64.RawURLEncoding.EncodeToString([]byte(text))); !errors.Is(err, ErrCursor) {
			t.Errorf("%s is taken for %+v (%v)", text, p, err)
		}
	}
	for what, text := range map[string]string{"cut": cursor[:len(cursor)-3], "longer": cursor + "A", "padded": cursor + "=", "not base64": "{}", "too long": Format(byName, Place{ID: string(make([]byte, MaxCursor))})} {
		if _, err := Parse[Place](byName, text); !errors.Is(err, ErrCursor) {
			t.Errorf("one that is %s is taken (%v)", what, err)
		}
	}
}

func TestSent(t *testing.T) {
	for _, c := range []struct{ next, prev, parameter, text string }{{}, {next: "a", parameter: "next", text: "a"}, {prev: "b", parameter: "prev", text: "b"}} {
		if parameter, text, err := Sent(c.next, c.prev); parameter != c.parameter || text != c.text || err != nil {
			t.Errorf("%+v: %q, %q, %v", c, parameter, text, err)
		}
	}
	if _, _, err := Sent("a", "b"); !estate.HasKind(err, estate.Invalid) {
		t.Errorf("both: %v", err)
	}
}

func TestUnparsed(t *testing.T) {
	_, err := filter.Parse("name eq", filter.Schema{{Name: "name", Ops: []filter.Op{filter.EQ}}})
	var e *estate.Error
	if !errors.As(Unparsed("filter", err), &e) || len(e.Fields) != 1 || e.Fields[0].Parameter != "filter" || e.Fields[0].Meta == nil {
		t.Errorf("%+v", e)
	}
}

// FuzzParse reads whatever comes for a cursor. What is taken for one is written so
// that it reads the same.
func FuzzParse(f *testing.F) {
	f.Add(Format("list", Place{Values: Values{"x", int64(-1)}, ID: "y"}))
	f.Add(base64.RawURLEncoding.EncodeToString([]byte(`{"l":"list","p":{"v":["\ud800"]}} 1`)))
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse[Place]("list", text)
		if err != nil {
			return
		}
		if again, err := Parse[Place]("list", Format("list", p)); err != nil || !reflect.DeepEqual(again, p) {
			t.Errorf("%q is read as %+v, and then as %+v (%v)", text, p, again, err)
		}
	})
}
