package keyring

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/sqlitetest"
	"github.com/freehold-platform/freehold/internal/store"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func keyFile(dir string) MasterSource { return MasterSource{File: filepath.Join(dir, "key")} }

func loadMaster(t *testing.T, s MasterSource, mayCreate bool) masterKey {
	t.Helper()
	master, err := s.load(t.Context(), mayCreate)
	if err != nil {
		t.Fatal(err)
	}
	return master
}

// prepare makes the tables in a new file.
func prepare(path string) error {
	s, err := store.Open(context.Background(), store.Options{Path: path})
	if err != nil {
		return err
	}
	return s.Close()
}

func openTest(t *testing.T, dir string) (*Keyring, *store.Store) {
	t.Helper()
	path := filepath.Join(dir, "test.db")
	sqlitetest.New(t, path, prepare)
	db, err := store.Open(t.Context(), store.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	k, err := Open(t.Context(), db, Options{Master: keyFile(dir), Algorithm: "ES256", Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	return k, db
}

// TestOpen_DatabaseHoldsNoSecret looks for the keys in the bytes of the
// database's files, in every form that they might have there.
func TestOpen_DatabaseHoldsNoSecret(t *testing.T) {
	dir := t.TempDir()
	k, db := openTest(t, dir)
	text, err := os.ReadFile(keyFile(dir).File)
	if err != nil {
		t.Fatal(err)
	}
	master, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	secrets := map[string][]byte{"master key": master}
	for id, key := range k.state().hashes {
		secrets["hash key "+string(id)] = key
	}
	for purpose, all := range k.state().signers {
		if len(all) != 1 {
			t.Fatalf("%d keys for %s", len(all), purpose)
		}
		s := all[0]
		scalar, err := s.private.(*ecdsa.PrivateKey).Bytes()
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(s.private)
		if err != nil {
			t.Fatal(err)
		}
		secrets[string(purpose)], secrets[string(purpose)+" as PKCS #8"] = scalar, der
	}
	if len(secrets) != 6 {
		t.Fatalf("%d secrets to look for", len(secrets))
	}
	secrets["secret of a client"] = []byte("the secret of a client, in plain")
	client := estate.Client{ID: "c", Level: estate.LevelOrganization, Scope: estate.Scope{Organization: "o"}}
	keyID, hash := k.HashSecret(client.ID, estate.Secret(secrets["secret of a client"]))
	client.Secrets = []estate.ClientSecret{{Hint: "h", KeyID: keyID, Hash: hash}}
	err = db.Write(t.Context(), func(tx *store.Tx) error {
		if err := tx.InsertOrganization(t.Context(), estate.Organization{ID: "o"}); err != nil {
			return err
		}
		return tx.InsertClient(t.Context(), client)
	})
	if err != nil {
		t.Fatal(err)
	}

	search := func(files int) {
		t.Helper()
		paths, err := filepath.Glob(filepath.Join(dir, "test.db*"))
		if err != nil || len(paths) != files {
			t.Fatalf("database files %v, %v", paths, err)
		}
		var all []byte
		for _, path := range paths {
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, content...)
		}
		if !bytes.Contains(all, hash) {
			t.Fatal("not even the hash of a secret is found")
		}
		for name, secret := range secrets {
			for form, text := range map[string]string{
				"bytes": string(secret), "hexadecimal": hex.EncodeToString(secret), "HEXADECIMAL": strings.ToUpper(hex.EncodeToString(secret)),
				"base64": base64.RawStdEncoding.EncodeToString(secret), "base64url": base64.RawURLEncoding.EncodeToString(secret),
			} {
				if bytes.Contains(all, []byte(text)) {
					t.Errorf("%s is in the database as %s", name, form)
				}
			}
		}
	}
	search(3) // with the write-ahead log
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	search(1)
}

// TestSeal: a sealed key opens only as what it is, and unchanged.
func TestSeal(t *testing.T) {
	dir := t.TempDir()
	master := loadMaster(t, keyFile(dir), true)
	other := loadMaster(t, MasterSource{File: filepath.Join(dir, "other")}, true)
	k := estate.Key{ID: "id", Purpose: estate.KeyLicense, Algorithm: "ES256"}
	plain := []byte("plain")
	k.Sealed = master.seal(k, plain)
	if got, err := master.open(k); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("opened %q, %v", got, err)
	}
	if bytes.Equal(k.Sealed, master.seal(k, plain)) {
		t.Error("sealing twice gives the same")
	}
	if _, err := other.open(k); err == nil {
		t.Error("another master key opens it")
	}
	for what, change := range map[string]func(*estate.Key){
		"id":        func(k *estate.Key) { k.ID = "another" },
		"purpose":   func(k *estate.Key) { k.Purpose = estate.KeyAccessToken },
		"algorithm": func(k *estate.Key) { k.Algorithm = "HS256" },
		"nothing":   func(k *estate.Key) { k.Sealed = nil },
		"short":     func(k *estate.Key) { k.Sealed = k.Sealed[:11] },
		"cut":       func(k *estate.Key) { k.Sealed = k.Sealed[:len(k.Sealed)-1] },
	} {
		changed := k
		change(&changed)
		if _, err := master.open(changed); err == nil {
			t.Errorf("with another %s, it opens", what)
		}
	}
	for i := range k.Sealed {
		changed := k
		changed.Sealed = bytes.Clone(k.Sealed)
		changed.Sealed[i] ^= 1
		if _, err := master.open(changed); err == nil {
			t.Errorf("with byte %d changed, it opens", i)
		}
	}
}

// TestOpen_SeveralKeys: the newest key of a purpose signs and hashes; what
// older ones made stays good, and their public parts stay published.
func TestOpen_SeveralKeys(t *testing.T) {
	dir := t.TempDir()
	old, db := openTest(t, dir)
	oldToken, err := old.Sign(estate.KeyAccessToken, []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	oldID, oldHash := old.HashSecret("c", "secret")

	master := loadMaster(t, keyFile(dir), false)
	err = db.Write(t.Context(), func(tx *store.Tx) error {
		for purpose, algorithm := range map[estate.KeyPurpose]string{estate.KeyAccessToken: "ES256", estate.KeyClientSecret: "HS256"} {
			key, err := generate(master, estate.Key{Purpose: purpose, Algorithm: algorithm, CreatedAt: now, ActiveAt: now, Generation: 2})
			if err != nil {
				return err
			}
			if err := tx.InsertKey(t.Context(), key); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	k, _ := openTest(t, dir)
	if _, err := k.Verify(estate.KeyAccessToken, oldToken); err != nil {
		t.Errorf("a token of the old key: %v", err)
	}
	token, err := k.Sign(estate.KeyAccessToken, []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if header, _, _ := strings.Cut(oldToken, "."); strings.HasPrefix(token, header+".") {
		t.Error("the old key still signs")
	}
	if _, err := old.Verify(estate.KeyAccessToken, token); err != nil {
		t.Errorf("a keyring that was open before meets a token of the new key: %v", err)
	}
	newID, newHash := k.HashSecret("c", "secret")
	if newID == oldID || bytes.Equal(newHash, oldHash) {
		t.Error("the old key still hashes")
	}
	for id, hash := range map[estate.KeyID][]byte{oldID: oldHash, newID: newHash} {
		if !k.SecretMatches(estate.ClientSecret{KeyID: id, Hash: hash}, "c", "secret") {
			t.Errorf("a secret hashed with key %s does not match", id)
		}
	}
	if k.SecretMatches(estate.ClientSecret{KeyID: newID, Hash: oldHash}, "c", "secret") {
		t.Error("a hash matches under another key")
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(k.JWKS(), &set); err != nil || len(set.Keys) != 2 {
		t.Errorf("%d keys are published, %v", len(set.Keys), err)
	}
}

// TestOpen_MissingPurpose: a database of before there was a purpose gets a key
// for it, and keeps the others.
func TestOpen_MissingPurpose(t *testing.T) {
	dir := t.TempDir()
	db, err := store.Open(t.Context(), store.Options{Path: filepath.Join(dir, "test.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	master := loadMaster(t, keyFile(dir), true)
	key, err := generate(master, estate.Key{Purpose: estate.KeyAccessToken, Algorithm: "ES256", CreatedAt: now, ActiveAt: now, Generation: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Write(t.Context(), func(tx *store.Tx) error { return tx.InsertKey(t.Context(), key) }); err != nil {
		t.Fatal(err)
	}
	k, _ := openTest(t, dir)
	if !bytes.Contains(k.JWKS(), []byte(key.ID)) {
		t.Errorf("key %s is not among %s", key.ID, k.JWKS())
	}
	if _, err := k.Sign(estate.KeyLicense, []byte("{}")); err != nil {
		t.Error(err)
	}
	if id, _ := k.HashSecret("c", "s"); id == "" {
		t.Error("there is no key to hash with")
	}
	if _, err := generate(master, estate.Key{Purpose: estate.KeyLicense, Algorithm: "RS256"}); err == nil {
		t.Error("made a key of an unknown algorithm")
	}
}
