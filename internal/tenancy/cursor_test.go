package tenancy

import (
	"encoding/base64"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
	"github.com/freehold-platform/freehold/internal/paging"
	"github.com/freehold-platform/freehold/internal/store"
)

func mustSort(t testing.TB, text string) []filter.SortKey {
	t.Helper()
	sort, err := filter.ParseSort(text, store.TenantSortAttributes)
	if err != nil {
		t.Fatal(err)
	}
	return sort
}

func cursorSorts() []string {
	sorts := []string{"", "-name,createdAt", "status,-updatedAt,name", strings.Join(store.TenantSortAttributes, ",")}
	for _, attribute := range store.TenantSortAttributes {
		sorts = append(sorts, attribute, "-"+attribute)
	}
	return sorts
}

// FuzzCursor parses whatever comes for a cursor: it is refused, or it is a
// position in this order that another cursor can be made of.
func FuzzCursor(f *testing.F) {
	tenant := estate.Tenant{ID: estate.NewTenantID(time.Now()), Name: "Ärger <&>", Hostname: "acme.eu", CreatedAt: time.UnixMicro(1), UpdatedAt: time.Date(2999, 1, 1, 0, 0, 0, 0, time.UTC)}
	for i, text := range cursorSorts() {
		sort := mustSort(f, text)
		f.Add(formatCursor(store.PositionOf(tenant, sort), sort), i)
	}
	for i, text := range []string{
		"", "null", "{}", `{"l":"tenants:"}`, `{"l":"tenants:","p":{"v":[],"i":""}}`, `{"l":"tenants:","p":{"v":[1.5],"i":"x"}}`,
		`{"l":"tenants:name","p":{"v":["\ud800"],"i":"x"}}`, `{"l":"tenants:","p":{"v":[99999999999999999999]}}`,
		`{"l":"tenants:","p":{"v":[[]]}}`, `{"l":"tenants:","p":{"v":[null]}}`, `{"l":"tenants:","p":{"v":[1]}} {}`, `[1]`,
	} {
		f.Add(base64.RawURLEncoding.EncodeToString([]byte(text)), i)
	}
	f.Add("6305f0a2b1c4d5e6f7a8b9c0", 0)
	f.Fuzz(func(t *testing.T, text string, index int) {
		sorts := cursorSorts()
		sort := mustSort(t, sorts[(index%len(sorts)+len(sorts))%len(sorts)])
		position, err := parseCursor(text, sort)
		if err != nil {
			if position != nil || !errors.Is(err, paging.ErrCursor) {
				t.Fatalf("%v, %v", position, err)
			}
			return
		}
		if position == nil {
			return // where reading begins
		}
		if !position.Fits(sort) || !position.ID.Valid() || len(text) > paging.MaxCursor {
			t.Fatalf("accepted %+v", position)
		}
		again, err := parseCursor(formatCursor(*position, sort), sort)
		if err != nil || !reflect.DeepEqual(again, position) {
			t.Errorf("%+v becomes %+v (%v)", position, again, err)
		}
	})
}

// TestCursor_RoundTrip makes cursors of tenants with values that are hard to
// carry.
func TestCursor_RoundTrip(t *testing.T) {
	for _, name := range []string{"", "Ärger", "\u2028</script>", strings.Repeat("<", maxName), strings.Repeat("𝕏", maxName), `"\`, "\uFFFD"} {
		for _, at := range []time.Time{{}, time.UnixMicro(1), time.UnixMicro(1<<53 + 1), time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)} {
			tenant := estate.Tenant{ID: estate.NewTenantID(time.Now()), Name: name, Hostname: "a.eu", Datacenter: "eu-west-1", CountryCode: "IE", Status: "active", Subscription: "1048362759104836", CreatedAt: at, UpdatedAt: at}
			for _, text := range cursorSorts() {
				sort := mustSort(t, text)
				want := store.PositionOf(tenant, sort)
				cursor := formatCursor(want, sort)
				have, err := parseCursor(cursor, sort)
				if err != nil || !reflect.DeepEqual(*have, want) {
					t.Errorf("%s: %+v, want %+v (%v)", text, have, want, err)
				}
				if _, err := parseCursor(cursor, mustSort(t, "-hostnames,name")); !errors.Is(err, paging.ErrCursor) {
					t.Errorf("%s: accepted in another order (%v)", text, err)
				}
			}
		}
	}
}
