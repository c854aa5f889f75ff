package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freehold-platform/freehold/internal/store"
)

// testPeers has two servers tell one another something.
func testPeers(t *testing.T, db Database) {
	handles := map[string]*store.Store{"a": db.Store, "b": db.Again(t)}
	seen := map[string]int64{}
	tell := func(node string, at time.Time, bodies ...string) {
		t.Helper()
		var notes []store.PeerNote
		for _, body := range bodies {
			notes = append(notes, store.PeerNote{Kind: "test", Body: body})
		}
		if err := handles[node].Write(t.Context(), func(tx *store.Tx) error { return tx.InsertPeerNotes(t.Context(), node, notes, at) }); err != nil {
			t.Fatal(err)
		}
	}
	hear := func(node string) (heard []string) {
		t.Helper()
		err := handles[node].Read(t.Context(), func(tx *store.Tx) error {
			notes, last, err := tx.PeerNotes(t.Context(), node, seen[node])
			seen[node] = last
			for _, n := range notes {
				heard = append(heard, fmt.Sprintf("%s %s %s", n.Node, n.Kind, n.Body))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return heard
	}
	want := func(what string, have []string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, have); diff != "" && !(len(have) == 0 && len(want) == 0) {
			t.Errorf("%s (-want +have)\n%s", what, diff)
		}
	}
	now := moment(0)
	want("nothing was told", hear("b"))
	tell("a", now, "one", "two")
	tell("b", now, "three")
	want("b hears", hear("b"), "a test one", "a test two")
	want("b hears it once", hear("b"))
	want("a hears", hear("a"), "b test three")
	tell("a", now.Add(store.PeerRetention+time.Second), "four") // and one and two are gone
	want("b hears more", hear("b"), "a test four")
	seen["b"] = 0
	want("what is left for a server that starts", hear("b"), "a test four")
	if err := db.Store.Write(t.Context(), func(tx *store.Tx) error { return tx.Trim(t.Context(), now.Add(store.PeerRetention+2*time.Second)) }); err != nil {
		t.Fatal(err)
	}
	seen["a"], seen["b"] = 0, 0
	want("of a server that runs no more", hear("a"))
	want("of one that runs", hear("b"), "a test four")
}

// testProof uses proofs with two handles, as two servers would.
func testProof(t *testing.T, db Database) {
	handles := []*store.Store{db.Store, db.Again(t)}
	expires := moment(0).Add(time.Minute)
	use := func(handle int, id string) (fresh bool) {
		t.Helper()
		err := handles[handle].Write(t.Context(), func(tx *store.Tx) (err error) {
			fresh, err = tx.UseProof(t.Context(), []byte(id), expires)
			return err
		})
		if err != nil {
			t.Error(err)
		}
		return fresh
	}
	have := []bool{use(0, "one"), use(1, "one"), use(0, "one"), use(1, "two"), use(0, "two"), use(0, "\x00")}
	if want := []bool{true, false, false, true, false, true}; !slices.Equal(have, want) {
		t.Errorf("used: %v, want %v", have, want)
	}
	trim := func(now time.Time) {
		t.Helper()
		if err := db.Store.Write(t.Context(), func(tx *store.Tx) error { return tx.Trim(t.Context(), now) }); err != nil {
			t.Fatal(err)
		}
	}
	trim(expires.Add(time.Second))
	if use(0, "one") {
		t.Error("forgotten while a slow clock would accept it")
	}
	trim(expires.Add(24 * time.Hour))
	if !use(0, "one") {
		t.Error("kept for ever")
	}
}
