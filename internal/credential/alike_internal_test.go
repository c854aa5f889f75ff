package credential

import (
	"fmt"
	"reflect"
	"testing"
	"unsafe"

	"github.com/freehold-platform/freehold/internal/estate"
)

// loaded is a client as the database gives it: with a memory of its own.
func loaded(organization, name string) estate.Client {
	text := func(s string) string { return string([]byte(s)) }
	return estate.Client{
		ID: estate.ClientID(text(name)), Name: text("The " + name), Description: text("of " + organization), Level: estate.Level(text("region")),
		Scope:       estate.Scope{Organization: estate.OrganizationID(text(organization))},
		Permissions: estate.Permissions{text("admin"), text("apps")}, GrantTypes: []string{text("client_credentials")},
		Secrets: []estate.ClientSecret{{Hint: text(name), KeyID: estate.KeyID(text("k"))}},
	}
}

func TestAlike(t *testing.T) {
	var a alike
	one, two, other := loaded("o", "one"), loaded("o", "two"), loaded("p", "one")
	for _, c := range []*estate.Client{&one, &two, &other} {
		want := *c
		a.share(c)
		if !reflect.DeepEqual(*c, want) {
			t.Fatalf("shared %+v, want %+v", *c, want)
		}
	}
	if unsafe.StringData(string(one.Scope.Organization)) != unsafe.StringData(string(two.Scope.Organization)) {
		t.Error("the organization of two clients is in memory twice")
	}
	if &one.Permissions[0] != &other.Permissions[0] {
		t.Error("the permissions of two clients are in memory twice")
	}
	if from := uintptr(unsafe.Pointer(unsafe.StringData(string(one.ID)))); uintptr(unsafe.Pointer(unsafe.StringData(one.Secrets[0].Hint))) != from+uintptr(len("oneThe oneof o")) {
		t.Error("texts of a client are in different places")
	}
	if _ = append(one.Permissions, "more"); len(two.Permissions) != 2 || cap(two.Permissions) != 2 {
		t.Error("there is room behind a list that is shared")
	}

	for _, list := range [][]string{{"a\nb", "c"}, {"a", "b\nc"}, {"a", "b", "c"}} {
		c := loaded("o", "one")
		c.GrantTypes = list
		if a.share(&c); !reflect.DeepEqual(c.GrantTypes, list) {
			t.Errorf("%q became %q", list, c.GrantTypes)
		}
	}

	for i := range 3 * maxAlike {
		c := loaded(fmt.Sprint(i), "one")
		a.share(&c)
	}
	if len(a.texts) > maxAlike+20 {
		t.Errorf("%d texts are known", len(a.texts))
	}
}

func TestShardOf(t *testing.T) {
	for id, want := range map[estate.ClientID]int{
		"0000": 0, "003f": 0, "0040": 1, "7fff": 511, "8000": 512, "ffff": 1023, "": 0, "x": 0, "é": 0,
	} {
		if got := shardOf(id); got != want {
			t.Errorf("shard of %q: %d, want %d", id, got, want)
		}
	}
}
