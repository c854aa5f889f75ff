package keyring

import (
	"crypto/hmac"
	"crypto/sha256"
)

// Derive makes a secret key for one purpose out of the server's own keys. Every
// process on the same database derives the same one, and nothing is stored; it
// changes when the key that hashes client secrets does.
func (k *Keyring) Derive(purpose string) []byte {
	s := k.state()
	mac := hmac.New(sha256.New, s.hashes[s.hash])
	mac.Write([]byte{1}) // no client id begins with it: a derived key is no secret's hash
	mac.Write([]byte(purpose))
	return mac.Sum(nil)
}
