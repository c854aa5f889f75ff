package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"time"
)

// verifier is what a key and a memory of used ids are needed for.
type verifier struct {
	iss    *issuer
	client *ecdsa.PublicKey // that signs assertions
	used   sync.Map         // ids of assertions and proofs
}

// routes serves the operations of credentials beside the token by secret:
//
//   - POST /assertion: verify the client's ES256 assertion and that its id is new,
//     sign a token.
//   - POST /dpop: compare the secret, verify the ES256 proof by the key that it
//     holds and that its id is new, sign a token that names the key.
//   - POST /introspect: compare the secret, verify the token, write its claims.
//   - GET /verify: verify the token, answer.
func (v *verifier) routes(mux *http.ServeMux) {
	mux.HandleFunc("POST /assertion", v.assertion)
	mux.HandleFunc("POST /dpop", v.dpop)
	mux.HandleFunc("POST /introspect", v.introspect)
	mux.HandleFunc("GET /verify", v.verify)
}

// credential serves the routes of a verifier, and the tokens that they are about
// at /oauth/token.
func credential(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("credential", flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:0", "address")
	clientID := flags.String("client-id", "", "the one client")
	secret := flags.String("client-secret", "", "its secret")
	key := flags.String("client-key", "", "x and y of its public key on P-256, in base64url, with a dot between them")
	if err := flags.Parse(args); err != nil {
		return err
	}
	iss, err := newIssuer(*clientID, *secret)
	if err != nil {
		return err
	}
	x, y, _ := strings.Cut(*key, ".")
	public, err := publicKey(x, y)
	if err != nil {
		return err
	}
	mux := iss.mux()
	(&verifier{iss: iss, client: public}).routes(mux)
	return serve(ctx, *listen, mux)
}

// publicKey reads the coordinates of a JWK.
func publicKey(x, y string) (*ecdsa.PublicKey, error) {
	bx, err1 := base64.RawURLEncoding.DecodeString(x)
	by, err2 := base64.RawURLEncoding.DecodeString(y)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	if len(bx) != 32 || len(by) != 32 {
		return nil, errors.New("a coordinate has not 32 bytes")
	}
	return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, bx...), by...))
}

var errJWT = errors.New("not a JWT with a good ES256 signature")

// verifyJWT checks the signature of a JWT and decodes its claims.
func verifyJWT(key *ecdsa.PublicKey, token string, claims any) error {
	dot := strings.LastIndexByte(token, '.')
	first := strings.IndexByte(token, '.')
	if dot <= first {
		return errJWT
	}
	signature, err := base64.RawURLEncoding.DecodeString(token[dot+1:])
	if err != nil || len(signature) != 64 {
		return errJWT
	}
	digest := sha256.Sum256([]byte(token[:dot]))
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	if !ecdsa.Verify(key, digest[:], r, s) {
		return errJWT
	}
	payload, err := base64.RawURLEncoding.DecodeString(token[first+1 : dot])
	if err != nil {
		return errJWT
	}
	return json.Unmarshal(payload, claims)
}

// fresh tells whether an id is used for the first time.
func (v *verifier) fresh(id string) bool {
	_, seen := v.used.LoadOrStore(id, nil)
	return id != "" && !seen
}

func refuseLimit(w http.ResponseWriter) {
	http.Error(w, `{"error":"invalid_client"}`, http.StatusUnauthorized)
}

func (v *verifier) assertion(w http.ResponseWriter, r *http.Request) {
	var claims struct {
		Subject  string `json:"sub"`
		ID       string `json:"jti"`
		Expires  int64  `json:"exp"`
		Audience string `json:"aud"`
	}
	if r.ParseForm() != nil || verifyJWT(v.client, r.PostForm.Get("client_assertion"), &claims) != nil ||
		claims.Subject != v.iss.clientID || claims.Expires < time.Now().Unix() || claims.Audience == "" || !v.fresh(claims.ID) {
		refuseLimit(w)
		return
	}
	v.iss.answer(w, r, "", "bearer")
}

func (v *verifier) dpop(w http.ResponseWriter, r *http.Request) {
	proof := r.Header.Get("DPoP")
	var head struct {
		JWK struct{ X, Y string }
	}
	text, err := base64.RawURLEncoding.DecodeString(proof[:max(strings.IndexByte(proof, '.'), 0)])
	if err != nil || json.Unmarshal(text, &head) != nil || r.ParseForm() != nil || !v.authentic(r) {
		refuseLimit(w)
		return
	}
	var claims struct {
		ID     string `json:"jti"`
		Method string `json:"htm"`
		URL    string `json:"htu"`
	}
	key, err := publicKey(head.JWK.X, head.JWK.Y)
	if err != nil || verifyJWT(key, proof, &claims) != nil || claims.Method != r.Method || claims.URL == "" || !v.fresh(claims.ID) {
		refuseLimit(w)
		return
	}
	sum := sha256.Sum256([]byte(`{"crv":"P-256","kty":"EC","x":"` + head.JWK.X + `","y":"` + head.JWK.Y + `"}`))
	v.iss.answer(w, r, base64.RawURLEncoding.EncodeToString(sum[:]), "DPoP")
}

// authentic compares the secret of a form.
func (v *verifier) authentic(r *http.Request) bool {
	return hmac.Equal(v.iss.sum(r.PostForm.Get("client_secret")), v.iss.hash) && r.PostForm.Get("client_id") == v.iss.clientID
}

func (v *verifier) introspect(w http.ResponseWriter, r *http.Request) {
	if r.ParseForm() != nil || !v.authentic(r) {
		refuseLimit(w)
		return
	}
	var claims map[string]any
	if verifyJWT(&v.iss.key.PublicKey, r.PostForm.Get("token"), &claims) != nil {
		claims = nil
	}
	if claims == nil {
		claims = map[string]any{"active": false}
	} else {
		claims["active"] = true
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(claims)
}

func (v *verifier) verify(w http.ResponseWriter, r *http.Request) {
	var claims struct {
		Audience string `json:"aud"`
		Expires  int64  `json:"exp"`
		ClientID string `json:"client_id"`
	}
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if verifyJWT(&v.iss.key.PublicKey, token, &claims) != nil || claims.Expires < time.Now().Unix() || claims.Audience != "http://"+r.Host {
		refuseLimit(w)
		return
	}
	http.Redirect(w, r, "/api/v1/users/"+claims.ClientID[:24], http.StatusFound)
}
