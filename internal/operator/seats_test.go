package operator_test

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// TestSubscriptionUpdate_Seats: seats are set by type, and stay when they are not
// named.
func TestSubscriptionUpdate_Seats(t *testing.T) {
	dir := t.TempDir()
	const number = "1234567890123456"
	for _, args := range [][]string{
		{"organization", "create", "Acme"},
		{"region", "create", "eu"},
		{"subscription", "create", "--number", number, "--tenants", "5", "--region", "eu"},
		{"subscription", "update", number, "--professional-seats", "7", "--analyzer-seats", "9"},
		{"subscription", "update", number, "--professional-seats", "5"},
	} {
		if out, err := runSubscription(t, dir, args...); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	if out, err := runSubscription(t, dir, "subscription", "update", number, "--analyzer-seats", "-1"); err == nil {
		t.Errorf("fewer seats than none are accepted: %s", out)
	}
	out, err := runSubscription(t, dir, "subscription", "get", number)
	var shown struct {
		Seats []struct {
			Type        string
			Units, Used int64
		}
	}
	if err := errors.Join(err, json.Unmarshal(out, &shown)); err != nil || len(shown.Seats) != 2 || shown.Seats[1].Type != "professional" || shown.Seats[1].Units != 5 {
		t.Errorf("get: %v\n%s", err, out)
	}
	s, err := store.Open(t.Context(), store.Options{Path: filepath.Join(dir, "freehold.db")})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Read(t.Context(), func(tx *store.Tx) error {
		owner, err := tx.SubscriptionOwner(t.Context(), number)
		if err != nil {
			return err
		}
		seats, err := tx.Seats(t.Context(), estate.Scope{Organization: owner, Subscription: number})
		if want := []estate.Seats{{Type: estate.SeatAnalyzer, Units: 9}, {Type: estate.SeatProfessional, Units: 5}}; !slices.Equal(seats, want) {
			t.Errorf("%+v, want %+v", seats, want)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
