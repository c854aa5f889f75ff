package keyring

import (
	"bytes"
	"context"
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
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
)

// masterKey seals the other keys. It never touches the database.
type masterKey struct{ aead cipher.AEAD }

// MasterSource says where the master key is: in a file, or in the output of a
// command, which is how key management services, age and the like come in.
type MasterSource struct {
	File    string
	Command []string // program and arguments; no shell is involved
}

// commandTimeout bounds how long a command may take to tell the key.
const commandTimeout = 30 * time.Second

// load reads the master key: 32 bytes in hexadecimal. It creates the file only
// if mayCreate, that is, when nothing was ever sealed: a lost key file must be an
// error, not a silent new beginning.
func (s MasterSource) load(ctx context.Context, mayCreate bool) (masterKey, error) {
	text, err := s.read(ctx, mayCreate)
	if err != nil {
		return masterKey{}, err
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != 32 {
		return masterKey{}, fmt.Errorf("%s does not hold 64 hexadecimal digits", s) // the text itself may be secret
	}
	return newMasterKey(key)
}

// Check tells why the master key does not open keys, if it does not. It makes
// nothing.
func (s MasterSource) Check(ctx context.Context, keys []estate.Key) error {
	master, err := s.load(ctx, false)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if _, err := master.open(key); err != nil {
			return fmt.Errorf("%s does not open key %s", s, key.ID)
		}
	}
	return nil
}

// String names the source in errors.
func (s MasterSource) String() string {
	if len(s.Command) > 0 {
		return "the output of the key command " + s.Command[0]
	}
	return "key file " + s.File
}

func (s MasterSource) read(ctx context.Context, mayCreate bool) ([]byte, error) {
	if len(s.Command) > 0 {
		return s.run(ctx)
	}
	text, err := os.ReadFile(s.File)
	if errors.Is(err, fs.ErrNotExist) {
		if !mayCreate {
			return nil, fmt.Errorf("key file %s is missing, and the database's keys can't be opened without it: restore it from your backup", s.File)
		}
		text, err = createKeyFile(s.File)
	}
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	return text, nil
}

func (s MasterSource) run(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	command := exec.CommandContext(ctx, s.Command[0], s.Command[1:]...) //nolint:gosec // the operator names the command
	command.WaitDelay = time.Second                                     // a child that keeps the pipe open must not hold us
	var complaint bytes.Buffer
	command.Stderr = &complaint
	text, err := command.Output()
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, fmt.Errorf("key command %s: %w: %s", s.Command[0], err, strings.TrimSpace(complaint.String()))
	}
	return text, nil
}

func newMasterKey(key []byte) (masterKey, error) {
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

// opens tells whether m opens the newest of keys, oldest first: all are sealed
// under one master key.
func (m masterKey) opens(keys []estate.Key) bool {
	if len(keys) == 0 {
		return true
	}
	_, err := m.open(keys[len(keys)-1])
	return err == nil
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
