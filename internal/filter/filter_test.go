package filter_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/freehold-platform/freehold/internal/filter"
)

func TestParse_Structure(t *testing.T) {
	a, b, c := compare("name", filter.EQ, "a"), compare("name", filter.EQ, "b"), compare("name", filter.EQ, "c")
	tests := map[string]filter.Expr{
		`name eq "a"`:     a,
		`((name eq "a"))`: a,
		`name eq "a" or name eq "b" and name eq "c"`:         or(a, and(b, c)),
		`name eq "a" and name eq "b" or name eq "c"`:         or(and(a, b), c),
		`(name eq "a" or name eq "b") and name eq "c"`:       and(or(a, b), c),
		`name eq "a" and (name eq "b" and name eq "c")`:      and(a, b, c),
		`(name eq "a" or (name eq "b")) or name eq "c"`:      or(a, b, c),
		`not (name eq "a") and name eq "b"`:                  and(not(a), b),
		`not name eq "a" and name eq "b"`:                    and(not(a), b),
		`not (name eq "a" and name eq "b")`:                  not(and(a, b)),
		`not not name eq "a"`:                                not(not(a)),
		`not(name eq "a")or(name eq "b")`:                    or(not(a), b),
		"\t name\teq\n\"a\" \r\n AND\tNAME EQ \"b\" ":        and(a, b),
		`nAmE eQ "a" oR nOt name eq "b"`:                     or(a, not(b)),
		`name eq "a"and name eq"b"`:                          and(a, b),
		`regioncode ne "EU" and REGIONCODE eq "eu-1"`:        and(compare("regionCode", filter.NE, "eu"), compare("regionCode", filter.EQ, "eu-1")),
		`id eq "aB_-" and id eq ""`:                          and(compare("id", filter.EQ, "aB_-"), compare("id", filter.EQ, "")),
		`urn:x:2.0:Tenant:label co "X" and groups.id eq "1"`: and(compare("urn:x:2.0:Tenant:label", filter.CO, "x"), compare("groups.id", filter.EQ, "1")),
	}
	for input, want := range tests {
		t.Run(input, func(t *testing.T) {
			if diff := cmp.Diff(want, parse(t, input), ignorePositions); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestParse_EveryOperator(t *testing.T) {
	for _, op := range []filter.Op{filter.EQ, filter.NE, filter.GT, filter.GE, filter.LT, filter.LE, filter.CO} {
		want := compare("countryCode", op, "de")
		if diff := cmp.Diff(filter.Expr(want), parse(t, "countryCode "+op.String()+` "DE"`)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", op, diff)
		}
	}
}

func TestParse_Strings(t *testing.T) {
	tests := map[string]string{ // as written between the quotes: as read
		`plain`:                       "plain",
		`\"\\\/\b\f\n\r\t`:            "\"\\/\b\f\n\r\t",
		`\u0041\u00e9\u00E9\uFFFD`:    "Aéé\uFFFD",
		`\ud83d\ude00`:                "😀",
		"😀 é \uFFFD \x7f":             "😀 é \uFFFD \x7f",
		`' ( ) and not eq, %s`:        "' ( ) and not eq, %s",
		`\uD800\uDC00\udbff\udfff`:    "\U00010000\U0010FFFF",
		strings.Repeat("x", 10_000):   strings.Repeat("x", 10_000),
		`\\u0041`:                     `\u0041`,
		`2026-01-02T03:04:05.678 GMT`: "2026-01-02T03:04:05.678 GMT",
	}
	for written, want := range tests {
		got := parse(t, `id eq "`+written+`"`).(*filter.Compare).Text
		if got != want {
			t.Errorf("%s: got %q, want %q", written, got, want)
		}
	}
}

func TestParse_Times(t *testing.T) {
	tests := map[string]string{
		"2026-01-02":                      "2026-01-02T00:00:00Z",
		"2026-01-02T15:04:05Z":            "2026-01-02T15:04:05Z",
		"2026-01-02t15:04:05z":            "2026-01-02T15:04:05Z",
		"2026-01-02T15:04:05.5+02:00":     "2026-01-02T13:04:05.5Z",
		"2026-01-02T00:00:00.1234567891Z": "2026-01-02T00:00:00.123456789Z",
		"2024-02-29":                      "2024-02-29T00:00:00Z",
		"0001-01-01":                      "0001-01-01T00:00:00Z",
		"9999-12-31T23:59:59.999999999Z":  "9999-12-31T23:59:59.999999999Z",
	}
	for written, want := range tests {
		at, err := time.Parse(time.RFC3339Nano, want)
		if err != nil {
			t.Fatal(err)
		}
		got := parse(t, `createdAt ge "`+written+`"`)
		if diff := cmp.Diff(filter.Expr(&filter.Compare{Attribute: "createdAt", Op: filter.GE, Text: want, Time: at}), got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", written, diff)
		}
		if zone := got.(*filter.Compare).Time.Location(); zone != time.UTC {
			t.Errorf("%s: in %v", written, zone)
		}
	}
}

func TestParse_Positions(t *testing.T) {
	var got []int
	for _, term := range parse(t, ` name eq "é" and (not status ne "x" and  id eq "y")`).(*filter.And).Exprs {
		if negated, ok := term.(*filter.Not); ok {
			term = negated.Expr
		}
		got = append(got, term.(*filter.Compare).Position)
	}
	if diff := cmp.Diff([]int{1, 23, 42}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestParse_Errors(t *testing.T) {
	const (
		known    = "known are id, name, status, regionCode, countryCode, createdAt, urn:x:2.0:Tenant:label, groups.id"
		noEscape = `invalid escape in a value; valid are \" \\ \/ \b \f \n \r \t and \u with four hexadecimal digits`
		noTime   = `expected a time of RFC 3339, such as "2026-01-02T15:04:05Z" or "2026-01-02", found `
	)
	tests := []struct {
		input    string
		position int
		detail   string
	}{
		{"", 0, "the filter is empty"},
		{" \t\r\n", 0, "the filter is empty"},

		{`foo eq "x"`, 0, `unknown attribute "foo"; ` + known},
		{`name eq "x" and ſtatus eq "x"`, 16, `expected an attribute, "not" or "(", found "ſ"`},
		{`name eq "x" or names eq "x"`, 15, `unknown attribute "names"; ` + known},
		{strings.Repeat("x", 100), 0, `unknown attribute "` + strings.Repeat("x", 40) + `…"; ` + known},
		{`and name eq "x"`, 0, `expected an attribute, "not" or "(", found "and"`},
		{`name eq "x" and or name eq "y"`, 16, `expected an attribute, "not" or "(", found "or"`},
		{`"name" eq "x"`, 0, `expected an attribute, "not" or "(", found a double quote`},
		{`not`, 3, `expected an attribute, "not" or "(", found the end of the filter`},
		{`name eq "x" and `, 16, `expected an attribute, "not" or "(", found the end of the filter`},
		{`()`, 1, `expected an attribute, "not" or "(", found ")"`},
		{`%d`, 0, `expected an attribute, "not" or "(", found "%"`},
		{"\x80", 0, `expected an attribute, "not" or "(", found a byte that is not UTF-8`},
		{"\x00", 0, `expected an attribute, "not" or "(", found "\x00"`},
		{"\u200b", 0, `expected an attribute, "not" or "(", found "\u200b"`},

		{`name`, 4, `expected an operator after the attribute "name", which supports eq, found the end of the filter`},
		{`NAME = "x"`, 5, `expected an operator after the attribute "name", which supports eq, found "="`},
		{`name "x"`, 5, `expected an operator after the attribute "name", which supports eq, found a double quote`},
		{`name is "x"`, 5, `unknown operator "is"; attribute "name" supports eq`},
		{`name gt "x"`, 5, `attribute "name" does not support "gt"; it supports eq`},
		{`status PR`, 7, `attribute "status" does not support "pr"; it supports eq, ne`},
		{`status sw "x"`, 7, `attribute "status" does not support "sw"; it supports eq, ne`},
		{`status ew "x"`, 7, `attribute "status" does not support "ew"; it supports eq, ne`},
		{`groups[id eq "x"]`, 0, `unknown attribute "groups"; ` + known},

		{`name eq`, 7, `expected a value in double quotes, found the end of the filter`},
		{`name eq 42`, 8, `expected a value in double quotes, found "42"`},
		{`name eq -1.5e3`, 8, `expected a value in double quotes, found "-1.5e3"`},
		{`name eq true`, 8, `expected a value in double quotes, found "true"`},
		{`name eq false`, 8, `expected a value in double quotes, found "false"`},
		{`name eq null`, 8, `expected a value in double quotes, found "null"`},
		{`name eq 'x'`, 8, `expected a value in double quotes, found "'"`},
		{`name eq “x”`, 8, `expected a value in double quotes, found "“"`},
		{`name eq "x`, 8, `the value that begins here has no closing double quote`},
		{`name eq "x\"`, 8, `the value that begins here has no closing double quote`},
		{`name eq "`, 8, `the value that begins here has no closing double quote`},
		{"name eq \"x\ny\"", 10, `a control character in a value must be escaped, as \u000a`},
		{"name eq \"é\xff\"", 11, `the value is not valid UTF-8`},
		{"name eq \"\xed\xa0\x80\"", 9, `the value is not valid UTF-8`},
		{`name eq "a\x41"`, 10, noEscape},
		{`name eq "\'"`, 9, noEscape},
		{`name eq "\`, 9, noEscape},
		{`name eq "\u00"`, 9, noEscape},
		{`name eq "\u+041"`, 9, noEscape},
		{`name eq "\U0041"`, 9, noEscape},
		{`name eq "a\u0000"`, 10, `the character U+0000 can't be part of a value`},
		{`name eq "\ud83d"`, 9, `the escape is half of a surrogate pair without the other half`},
		{`name eq "\ud83d\u0041"`, 9, `the escape is half of a surrogate pair without the other half`},
		{`name eq "\ude00\ud83d"`, 9, `the escape is half of a surrogate pair without the other half`},

		{`createdAt gt "yesterday"`, 13, noTime + `"yesterday"`},
		{`createdAt gt ""`, 13, noTime + `""`},
		{`createdAt gt  "2026-02-30"`, 14, noTime + `"2026-02-30"`},
		{`createdAt gt "2026-1-2"`, 13, noTime + `"2026-1-2"`},
		{`createdAt gt "2026-01-02T15:04:05"`, 13, noTime + `"2026-01-02T15:04:05"`},
		{`createdAt gt "2026-01-02T15:04:05,5Z"`, 13, noTime + `"2026-01-02T15:04:05,5Z"`},
		{`createdAt gt "2026-01-02T5:04:05Z"`, 13, noTime + `"2026-01-02T5:04:05Z"`},
		{`createdAt gt "2026-01-02T15:04:60Z"`, 13, noTime + `"2026-01-02T15:04:60Z"`},
		{`createdAt gt "2026-01-02T15:04:05+24:00"`, 13, noTime + `"2026-01-02T15:04:05+24:00"`},
		{`createdAt gt "2026-01-02T15:04:05+0200"`, 13, noTime + `"2026-01-02T15:04:05+0200"`},
		{`createdAt gt "2026-01-02T15:04:05 02:00"`, 13, noTime + `"2026-01-02T15:04:05 02:00" (in a URL, "+" is written "%2B")`},
		{`createdAt gt "0000-01-01T00:00:00+01:00"`, 13, noTime + `"0000-01-01T00:00:00+01:00"`},
		{`createdAt gt "9999-12-31T23:59:59-01:00"`, 13, noTime + `"9999-12-31T23:59:59-01:00"`},

		{`name eq "x" name eq "y"`, 12, `expected "and", "or" or the end of the filter, found "name"`},
		{`name eq "x" && name eq "y"`, 12, `expected "and", "or" or the end of the filter, found "&"`},
		{`name eq "x")`, 11, `expected "and", "or" or the end of the filter, found ")"`},
		{` (name eq "x"`, 13, `expected "and", "or" or the ")" for the "(" at byte 1, found the end of the filter`},
		{`not (name eq "x" xor`, 17, `expected "and", "or" or the ")" for the "(" at byte 4, found "xor"`},
	}
	for _, test := range tests {
		t.Run(test.input, func(t *testing.T) {
			e, err := filter.Parse(test.input, schema)
			want := &filter.Error{Position: test.position, Detail: test.detail}
			if diff := cmp.Diff(error(want), err); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if e != nil {
				t.Errorf("got %v beside the error", e)
			}
		})
	}
}

func TestParse_Limits(t *testing.T) {
	const one = `name eq "x"`
	nested := func(prefix, suffix string, n int) string {
		return strings.Repeat(prefix, n) + one + strings.Repeat(suffix, n)
	}
	tests := []struct {
		name     string
		input    string
		position int // of the error, or -1
	}{
		{"length reached", one + strings.Repeat(" ", filter.MaxLength-len(one)), -1},
		{"length exceeded", one + strings.Repeat(" ", filter.MaxLength-len(one)+1), filter.MaxLength},
		{"comparisons reached", strings.Repeat(one+" or ", filter.MaxComparisons-1) + one, -1},
		{"comparisons exceeded", strings.Repeat(one+" or ", filter.MaxComparisons) + one, filter.MaxComparisons * len(one+" or ")},
		{"parentheses reached", nested("(", ")", filter.MaxNesting), -1},
		{"parentheses exceeded", nested("(", ")", filter.MaxNesting+1), filter.MaxNesting},
		{"negations reached", nested("not ", "", filter.MaxNesting), -1},
		{"negations exceeded", nested("not ", "", filter.MaxNesting+1), filter.MaxNesting * len("not ")},
		{"negated groups reached", nested("not (", ")", filter.MaxNesting), -1},
		{"negated groups exceeded", nested("not (", ")", filter.MaxNesting+1), filter.MaxNesting * len("not (")},
		{"nesting is depth, not count", strings.Repeat("("+one+") and ", 100) + one, -1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e, err := filter.Parse(test.input, schema)
			if test.position < 0 {
				if err != nil {
					t.Fatal(err)
				}
				checkReadsBack(t, e)
				return
			}
			if got := position(t, err, test.input); got != test.position {
				t.Errorf("error at %d, want %d: %v", got, test.position, err)
			}
		})
	}
}

func TestExpr_String(t *testing.T) {
	a, b, c := compare("name", filter.EQ, "a"), compare("name", filter.EQ, "b"), compare("id", filter.NE, "\x01\"\\é<")
	tests := []struct {
		e    filter.Expr
		want string
	}{
		{c, `id ne "\u0001\"\\é<"`},
		{or(and(a, b), a), `name eq "a" and name eq "b" or name eq "a"`},
		{and(or(a, b), not(a)), `(name eq "a" or name eq "b") and not (name eq "a")`},
		{and(and(a, b), a), `(name eq "a" and name eq "b") and name eq "a"`},
		{or(or(a, b), a), `(name eq "a" or name eq "b") or name eq "a"`},
	}
	for _, test := range tests {
		if got := test.e.String(); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

func TestOp_String(t *testing.T) {
	if got, want := fmt.Sprint(filter.EQ, filter.CO, filter.Op(99)), "eq co Op(99)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestValues(t *testing.T) {
	e := parse(t, `id eq "B" and (status eq "X" or not (ID eq "a" or not id eq "B")) and createdAt gt "2026-01-02"`)
	tests := map[string][]string{
		"id":        {"B", "a", "B"},
		"status":    {"x"},
		"createdAt": {"2026-01-02T00:00:00Z"},
		"name":      nil,
		"ID":        nil,
	}
	for attribute, want := range tests {
		if diff := cmp.Diff(want, filter.Values(e, attribute)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", attribute, diff)
		}
		if got := filter.Mentions(e, attribute); got != (want != nil) {
			t.Errorf("Mentions %s: %v", attribute, got)
		}
	}
	if filter.Mentions(nil, "id") {
		t.Error("no filter mentions id")
	}
}

func TestFold(t *testing.T) {
	for in, want := range map[string]string{"": "", "ÀÉ-Acme 1": "àé-acme 1", "ß": "ß", "ς": "ς", "Σ": "σ", "İ": "i"} {
		if got := filter.Fold(in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
	for r := range rune(unicode.MaxRune + 1) {
		if !utf8.ValidRune(r) {
			continue
		}
		if once := filter.Fold(string(r)); filter.Fold(once) != once {
			t.Errorf("%U: folding %s again changes it", r, once)
		}
	}
}

func TestParseSort(t *testing.T) {
	tests := map[string][]filter.SortKey{
		"":                       nil,
		"name":                   {{Attribute: "name"}},
		"+name":                  {{Attribute: "name"}},
		" name":                  {{Attribute: "name"}},
		"-NAME":                  {{Attribute: "name", Descending: true}},
		"-createdat,REGIONcode":  {{Attribute: "createdAt", Descending: true}, {Attribute: "regionCode"}},
		" name , -createdAt\t":   {{Attribute: "name"}, {Attribute: "createdAt", Descending: true}},
		"name, regionCode,-_id":  {{Attribute: "name"}, {Attribute: "regionCode"}, {Attribute: "_id", Descending: true}},
		"-name,+createdAt,  _id": {{Attribute: "name", Descending: true}, {Attribute: "createdAt"}, {Attribute: "_id"}},
	}
	for input, want := range tests {
		got, err := filter.ParseSort(input, sortable)
		if err != nil {
			t.Errorf("%q: %v", input, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got)\n%s", input, diff)
		}
	}
}

func TestParseSort_Errors(t *testing.T) {
	const known = "known are name, regionCode, createdAt, _id"
	tests := []struct {
		input    string
		position int
		detail   string
	}{
		{" ", 1, "expected an attribute; " + known},
		{"-", 1, "expected an attribute; " + known},
		{",", 0, "expected an attribute; " + known},
		{",name", 0, "expected an attribute; " + known},
		{"name,", 5, "expected an attribute; " + known},
		{"name, ,_id", 6, "expected an attribute; " + known},
		{"foo", 0, `unknown attribute "foo"; ` + known},
		{"name, -foo ", 7, `unknown attribute "foo"; ` + known},
		{"--name", 1, `unknown attribute "-name"; ` + known},
		{"name desc", 0, `unknown attribute "name desc"; ` + known},
		{"name;_id", 0, `unknown attribute "name;_id"; ` + known},
		{"é,\xff", 0, `unknown attribute "é"; ` + known},
		{"name,\xff", 5, `unknown attribute "\xff"; ` + known},
		{strings.Repeat("é", 30), 0, `unknown attribute "` + strings.Repeat("é", 20) + `…"; ` + known},
		{"name,-Name", 6, `attribute "name" is given twice`},
	}
	for _, test := range tests {
		t.Run(test.input, func(t *testing.T) {
			_, err := filter.ParseSort(test.input, sortable)
			want := &filter.Error{Position: test.position, Detail: test.detail}
			if diff := cmp.Diff(error(want), err); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func ExampleParse() {
	schema := filter.Schema{
		{Name: "name", Type: filter.String, Ops: []filter.Op{filter.EQ}},
		{Name: "createdAt", Type: filter.Time, Ops: []filter.Op{filter.GE, filter.LT}},
	}
	e, _ := filter.Parse(`createdAt ge "2026-01-02" and not (Name eq "Acme")`, schema)
	fmt.Println(e)
	_, err := filter.Parse(`createdAt ge "2026-01-02" and name co "Acme"`, schema)
	fmt.Println(err)
	// Output:
	// createdAt ge "2026-01-02T00:00:00Z" and not (name eq "acme")
	// at byte 35: attribute "name" does not support "co"; it supports eq
}
