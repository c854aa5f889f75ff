package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"

	"github.com/freehold-platform/freehold/internal/estate"
)

// ErrNotSealed is what Open answers for whatever was not sealed by this keyring
// for the same purpose and thing.
var ErrNotSealed = errors.New("not sealed by this keyring, or for something else")

// Seal encrypts plain, such that it opens only for the same purpose and for the
// thing with the same id. Every process on the same database can open it.
func (k *Keyring) Seal(purpose, id string, plain []byte) ([]byte, error) {
	s := k.state()
	aead, err := sealing(s.hashes[s.hash], purpose)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails, by its documentation
	sealed := append([]byte(s.hash), nonce...)
	return aead.Seal(sealed, nonce, plain, sealedFor(purpose, id)), nil
}

// Open decrypts what Seal made.
func (k *Keyring) Open(purpose, id string, sealed []byte) ([]byte, error) {
	if len(sealed) < keyIDLength {
		return nil, ErrNotSealed
	}
	key, ok := k.state().hashes[estate.KeyID(sealed[:keyIDLength])]
	if !ok {
		return nil, ErrNotSealed
	}
	aead, err := sealing(key, purpose)
	if err != nil {
		return nil, err
	}
	rest := sealed[keyIDLength:]
	if len(rest) < aead.NonceSize() {
		return nil, ErrNotSealed
	}
	plain, err := aead.Open(nil, rest[:aead.NonceSize()], rest[aead.NonceSize():], sealedFor(purpose, id))
	if err != nil {
		return nil, ErrNotSealed
	}
	return plain, nil
}

// keyIDLength is how long the id of the key is that stands before the nonce.
const keyIDLength = 32

// sealing is the cipher for a purpose, whose key is derived from key.
func sealing(key []byte, purpose string) (cipher.AEAD, error) {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte{2}) // neither a client id nor what Derive writes begins with it
	mac.Write([]byte(purpose))
	block, err := aes.NewCipher(mac.Sum(nil))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// sealedFor can't be read in two ways: purposes have no zero byte.
func sealedFor(purpose, id string) []byte { return []byte(purpose + "\x00" + id) }
