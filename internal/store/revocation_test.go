package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

func FuzzParseRevocation(f *testing.F) {
	f.Add(store.RevokedTokenKey(estate.RevokedToken{ID: "a", Client: "b", ExpiresAt: time.UnixMicro(5)}))
	f.Add(store.RevokedGrantKey(estate.RevokedGrant{Tenant: "a", Client: "b", User: "c", IssuedUntil: time.UnixMicro(5), ExpiresAt: time.UnixMicro(6)}))
	f.Add("token/a/b/x")
	f.Fuzz(func(t *testing.T, key string) {
		token, grant := store.ParseRevocation(key)
		if token != nil {
			if again, _ := store.ParseRevocation(store.RevokedTokenKey(*token)); again == nil || !cmp.Equal(*again, *token) {
				t.Errorf("%q: %+v is read back as %+v", key, token, again)
			}
		}
		if grant != nil {
			if _, again := store.ParseRevocation(store.RevokedGrantKey(*grant)); again == nil || !cmp.Equal(*again, *grant) {
				t.Errorf("%q: %+v is read back as %+v", key, grant, again)
			}
		}
	})
}
