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

// Seal encrypts what the server has to know again, such as the secret of a
// webhook, so that the database alone does not tell it. It opens only with the
// same context, which says what it belongs to.
func (k *Keyring) Seal(plain []byte, context string) ([]byte, error) {
	s := k.state()
	aead, err := sealingKey(s.hashes[s.hash])
	if err != nil {
		return nil, err
	}
	sealed := append([]byte(s.hash), make([]byte, aead.NonceSize())...)
	nonce := sealed[len(s.hash):]
	_, _ = rand.Read(nonce) // never fails, by its documentation
	return aead.Seal(sealed, nonce, plain, []byte(context)), nil
}

// Unseal opens what Seal has made.
func (k *Keyring) Unseal(sealed []byte, context string) ([]byte, error) {
	const idLength = 32
	if len(sealed) < idLength {
		return nil, errSealed
	}
	key, ok := k.state().hashes[estate.KeyID(sealed[:idLength])]
	if !ok {
		return nil, errSealed
	}
	aead, err := sealingKey(key)
	if err != nil {
		return nil, err
	}
	rest := sealed[idLength:]
	if len(rest) < aead.NonceSize() {
		return nil, errSealed
	}
	return aead.Open(nil, rest[:aead.NonceSize()], rest[aead.NonceSize():], []byte(context))
}

var errSealed = errors.New("not sealed by this server")

// sealingKey derives a key for AES-GCM.
func sealingKey(key []byte) (cipher.AEAD, error) {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte{2}) // see Derive, whose texts begin with another byte
	mac.Write([]byte("seal"))
	block, err := aes.NewCipher(mac.Sum(nil))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
