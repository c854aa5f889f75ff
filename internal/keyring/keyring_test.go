package keyring_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"pgregory.net/rapid"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/keyring"
	"github.com/freehold-platform/freehold/internal/sqlitetest"
	"github.com/freehold-platform/freehold/internal/store"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// files are where an installation keeps its keys.
type files struct{ dir, database, key string }

func newFiles(t testing.TB) files {
	t.Helper()
	dir := t.TempDir()
	return files{dir: dir, database: filepath.Join(dir, "test.db"), key: filepath.Join(dir, "key")}
}

// prepare makes the tables in a new file.
func prepare(path string) error {
	s, err := store.Open(context.Background(), store.Options{Path: path})
	if err != nil {
		return err
	}
	return s.Close()
}

// db opens the database until the test ends.
func (f files) db(t testing.TB) *store.Store {
	t.Helper()
	sqlitetest.New(t, f.database, prepare)
	db, err := store.Open(t.Context(), store.Options{Path: f.database})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func (f files) options() keyring.Options {
	return keyring.Options{Master: keyring.MasterSource{File: f.key}, Algorithm: "ES256", Now: func() time.Time { return now }}
}

func (f files) open(t testing.TB) *keyring.Keyring {
	t.Helper()
	k, err := keyring.Open(t.Context(), f.db(t), f.options())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// refused checks that the keyring does not open, and returns why.
func (f files) refused(t *testing.T) string {
	t.Helper()
	db := f.db(t)
	before := keysOf(t, db)
	k, err := keyring.Open(t.Context(), db, f.options())
	if err == nil || k != nil {
		t.Fatalf("opened %v, error %v", k, err)
	}
	if after := keysOf(t, db); !slices.EqualFunc(before, after, func(a, b estate.Key) bool { return a.ID == b.ID && bytes.Equal(a.Sealed, b.Sealed) }) {
		t.Error("the keys in the database were changed")
	}
	return err.Error()
}

func keysOf(t *testing.T, db *store.Store) (keys []estate.Key) {
	t.Helper()
	err := db.Read(t.Context(), func(tx *store.Tx) (err error) {
		keys, err = tx.Keys(t.Context())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func (f files) names(t *testing.T) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// published parses the key set as any client of it would.
func published(t testing.TB, k *keyring.Keyring) (set jose.JSONWebKeySet) {
	t.Helper()
	if err := json.Unmarshal(k.JWKS(), &set); err != nil {
		t.Fatal(err)
	}
	return set
}

func sign(t testing.TB, k *keyring.Keyring, purpose estate.KeyPurpose, claims string) string {
	t.Helper()
	token, err := k.Sign(purpose, []byte(claims))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// TestSign_VerifiesIndependently has somebody else's code verify a token with
// nothing but the published keys.
func TestSign_VerifiesIndependently(t *testing.T) {
	k := newFiles(t).open(t)
	set := published(t, k)
	for _, claims := range []string{`{}`, `{"sub":"ünï","exp":1}`, `{"x":"` + strings.Repeat("x", 100_000) + `"}`} {
		parsed, err := jose.ParseSignedCompact(sign(t, k, estate.KeyAccessToken, claims), []jose.SignatureAlgorithm{jose.ES256})
		if err != nil {
			t.Fatal(err)
		}
		header := parsed.Signatures[0].Protected
		if header.Algorithm != "ES256" || header.ExtraHeaders["typ"] != "at+jwt" {
			t.Errorf("header %+v", header)
		}
		keys := set.Key(header.KeyID)
		if len(keys) != 1 {
			t.Fatalf("%d keys are called %s", len(keys), header.KeyID)
		}
		if payload, err := parsed.Verify(keys[0]); err != nil || string(payload) != claims {
			t.Errorf("claims %.50s, %v", payload, err)
		}
	}
	for _, key := range set.Keys {
		if !key.Valid() || !key.IsPublic() || key.Use != "sig" || key.Algorithm != "ES256" {
			t.Errorf("published key %+v", key)
		}
	}
	if len(set.Keys) != 1 || bytes.Contains(k.JWKS(), []byte(`"d"`)) {
		t.Errorf("published %s, want the key of access tokens alone, without its private part", k.JWKS())
	}
}

func TestVerify_ReturnsTheClaims(t *testing.T) {
	f := newFiles(t)
	k, again := f.open(t), f.open(t)
	rapid.Check(t, func(t *rapid.T) {
		purpose := rapid.SampledFrom([]estate.KeyPurpose{estate.KeyAccessToken, estate.KeyLicense}).Draw(t, "purpose")
		claims := rapid.SliceOf(rapid.Byte()).Draw(t, "claims")
		token, err := k.Sign(purpose, claims)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range []*keyring.Keyring{k, again} {
			if got, err := k.Verify(purpose, token); err != nil || !bytes.Equal(got, claims) {
				t.Errorf("claims %q, %v, want %q", got, err, claims)
			}
		}
	})
}

// TestOpen_AtTheSameTime: processes that start at once on nothing agree on one
// key file and one set of keys.
func TestOpen_AtTheSameTime(t *testing.T) {
	for range 3 {
		f := newFiles(t)
		f.db(t) // the schema is there; store's own tests have that raced for
		keyrings := make([]*keyring.Keyring, 8)
		var starts sync.WaitGroup
		for i := range keyrings {
			db := f.db(t)
			starts.Go(func() {
				var err error
				if keyrings[i], err = keyring.Open(t.Context(), db, f.options()); err != nil {
					t.Error(err)
				}
			})
		}
		starts.Wait()
		if t.Failed() {
			return
		}
		for _, k := range keyrings {
			if !bytes.Equal(k.JWKS(), keyrings[0].JWKS()) {
				t.Errorf("published %s and %s", k.JWKS(), keyrings[0].JWKS())
			}
			for _, purpose := range []estate.KeyPurpose{estate.KeyAccessToken, estate.KeyLicense} {
				if _, err := keyrings[0].Verify(purpose, sign(t, k, purpose, "{}")); err != nil {
					t.Errorf("%s: %v", purpose, err)
				}
			}
			keyID, hash := k.HashSecret("client", "secret")
			if !keyrings[0].SecretMatches(estate.ClientSecret{KeyID: keyID, Hash: hash}, "client", "secret") {
				t.Error("a secret hashed by another does not match")
			}
		}
		if keys := keysOf(t, f.db(t)); len(keys) != 3 {
			t.Errorf("%d keys, want 3", len(keys))
		}
		f.checkKeyFile(t)
	}
}

// checkKeyFile checks that there is a key file, whole and only its owner's, and
// that nothing was left beside it.
func (f files) checkKeyFile(t *testing.T) {
	t.Helper()
	info, err := os.Stat(f.key)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 || info.Size() != 65 {
		t.Errorf("key file of mode %v and %d bytes", info.Mode(), info.Size())
	}
	for _, name := range f.names(t) {
		if name != "key" && !strings.HasPrefix(name, "test.db") {
			t.Errorf("%s was left behind", name)
		}
	}
}

func TestOpen_OtherKeyFile(t *testing.T) {
	f, other := newFiles(t), newFiles(t)
	f.open(t)
	other.open(t)
	f.key = other.key
	if err := f.refused(t); !strings.Contains(err, "is this the master key that the database was made with") {
		t.Errorf("unclear error: %s", err)
	}
}

func TestOpen_LostKeyFile(t *testing.T) {
	f := newFiles(t)
	k := f.open(t)
	token := sign(t, k, estate.KeyAccessToken, "{}")
	kept, err := os.ReadFile(f.key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(f.key); err != nil {
		t.Fatal(err)
	}
	before := f.names(t)
	if err := f.refused(t); !strings.Contains(err, "key file "+f.key+" is missing") || !strings.Contains(err, "restore it from your backup") {
		t.Errorf("unclear error: %s", err)
	}
	if after := f.names(t); !slices.Equal(before, after) {
		t.Errorf("files %v, and before %v", after, before)
	}
	if err := os.WriteFile(f.key, kept, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.open(t).Verify(estate.KeyAccessToken, token); err != nil {
		t.Errorf("with the key file restored: %v", err)
	}
}

func TestOpen_BadKeyFile(t *testing.T) {
	for what, text := range map[string]string{
		"empty": "", "short": strings.Repeat("ab", 31), "long": strings.Repeat("ab", 33), "not hexadecimal": strings.Repeat("xy", 32),
		"two": strings.Repeat("ab", 32) + "\n" + strings.Repeat("ab", 32),
	} {
		t.Run(what, func(t *testing.T) {
			f := newFiles(t)
			if err := os.WriteFile(f.key, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			err := f.refused(t)
			if !strings.Contains(err, "key file "+f.key+" does not hold 64 hexadecimal digits") {
				t.Errorf("unclear error: %s", err)
			}
			if text != "" && strings.Contains(err, text) {
				t.Errorf("the error shows the key: %s", err)
			}
		})
	}
	f := newFiles(t)
	f.key = filepath.Join(f.dir, "none", "key")
	if err := f.refused(t); !strings.Contains(err, "key file: ") {
		t.Errorf("unclear error: %s", err)
	}
	// An operator may bring the key, with white space around it or in capitals.
	f = newFiles(t)
	if err := os.WriteFile(f.key, []byte("  "+strings.Repeat("AB", 32)+"\r\n"), 0o400); err != nil {
		t.Fatal(err)
	}
	f.open(t)
}

func TestSecretMatches(t *testing.T) {
	f := newFiles(t)
	k, again := f.open(t), f.open(t)
	foreign := newFiles(t).open(t)
	clients := rapid.Map(rapid.StringMatching(`[0-9a-f]{32}`), func(s string) estate.ClientID { return estate.ClientID(s) })
	secrets := rapid.Map(rapid.String(), func(s string) estate.Secret { return estate.Secret(s) })
	rapid.Check(t, func(t *rapid.T) {
		client, secret := clients.Draw(t, "client"), secrets.Draw(t, "secret")
		keyID, hash := k.HashSecret(client, secret)
		stored := estate.ClientSecret{KeyID: keyID, Hash: hash}
		if !k.SecretMatches(stored, client, secret) || !again.SecretMatches(stored, client, secret) {
			t.Error("the secret does not match its hash")
		}
		if len(hash) != 32 {
			t.Errorf("a hash of %d bytes", len(hash))
		}
		if other := clients.Draw(t, "other client"); other != client && k.SecretMatches(stored, other, secret) {
			t.Error("the hash can be moved to another client")
		}
		if other := secrets.Draw(t, "other secret"); other != secret && k.SecretMatches(stored, client, other) {
			t.Error("another secret matches")
		}
		if _, other := foreign.HashSecret(client, secret); bytes.Equal(hash, other) || foreign.SecretMatches(stored, client, secret) {
			t.Error("another installation makes the same of it")
		}
		for _, bad := range [][]byte{nil, {}, hash[:31], append(slices.Clone(hash), 0), make([]byte, 32)} {
			if k.SecretMatches(estate.ClientSecret{KeyID: keyID, Hash: bad}, client, secret) {
				t.Errorf("a hash of %x matches", bad)
			}
		}
		if k.SecretMatches(estate.ClientSecret{KeyID: "unknown", Hash: hash}, client, secret) || k.SecretMatches(estate.ClientSecret{Hash: hash}, client, secret) {
			t.Error("a hash by an unknown key matches")
		}
	})
}
