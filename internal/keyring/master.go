package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/freehold-platform/freehold/internal/estate"
)

// masterKey seals the other keys. It never touches the database.
type masterKey struct{ aead cipher.AEAD }

// loadMasterKey reads the key file: 32 bytes in hexadecimal. It creates the
// file only if mayCreate, that is, when no key was ever sealed: a lost key file
// must be an error, not a silent new beginning.
func loadMasterKey(path string, mayCreate bool) (masterKey, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if !mayCreate {
			return masterKey{}, fmt.Errorf("key file %s is missing, and the database's keys can't be opened without it: restore it from your backup", path)
		}
		text, err = createKeyFile(path)
	}
	if err != nil {
		return masterKey{}, fmt.Errorf("key file: %w", err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != 32 {
		return masterKey{}, fmt.Errorf("key file %s does not hold 64 hexadecimal digits", path)
	}
	derived, err := hkdf.Key(sha256.New, key, nil, "freehold key sealing v1", 32)
	if err != nil {
		return masterKey{}, err
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return masterKey{}, err
	}
	aead, err := cipher.NewGCM(block)
	return masterKey{aead}, err
}

// createKeyFile writes a new key file, complete or not at all: a crash must not
// leave half a key behind. If another process is faster, its file wins.
func createKeyFile(path string) ([]byte, error) {
	key := make([]byte, 32)
	_, _ = rand.Read(key)                                 // never fails, by its documentation
	f, err := os.CreateTemp(filepath.Dir(path), ".key-*") // mode 0600
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(hex.EncodeToString(key) + "\n")
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return nil, err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	// The name must survive a power loss as well: without the file, the keys that
	// are sealed next could never be opened again.
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// seal encrypts plain so that it opens only as the key that it is.
func (m masterKey) seal(k estate.Key, plain []byte) []byte {
	nonce := make([]byte, m.aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails, by its documentation
	return m.aead.Seal(nonce, nonce, plain, sealedAs(k))
}

func (m masterKey) open(k estate.Key) ([]byte, error) {
	n := m.aead.NonceSize()
	if len(k.Sealed) < n {
		return nil, errors.New("sealed key is too short")
	}
	return m.aead.Open(nil, k.Sealed[:n], k.Sealed[n:], sealedAs(k))
}

func sealedAs(k estate.Key) []byte {
	return []byte(string(k.ID) + " " + string(k.Purpose) + " " + k.Algorithm)
}
