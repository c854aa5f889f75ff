package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
)

const tokenLife = 6 * time.Hour

// issuer is everything that a token needs, ready before the first request.
type issuer struct {
	clientID string
	hashKey  []byte
	hash     []byte // of the client's secret
	key      *ecdsa.PrivateKey
	head     string // encoded header of every token, with its dot
}

// token serves POST /oauth/token: it parses the form, compares the secret,
// signs a token with ES256 and writes the answer.
func token(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("token", flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:0", "address")
	clientID := flags.String("client-id", "", "the one client")
	secret := flags.String("client-secret", "", "its secret")
	if err := flags.Parse(args); err != nil {
		return err
	}
	iss, err := newIssuer(*clientID, *secret)
	if err != nil {
		return err
	}
	return serve(ctx, *listen, iss.mux())
}

// mux serves tokens by secret, and says that it is ready.
func (iss *issuer) mux() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /oauth/token", iss.serve)
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	return mux
}

// serve serves until ctx ends.
func serve(ctx context.Context, address string, handler http.Handler) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func newIssuer(clientID, secret string) (*issuer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	iss := &issuer{clientID: clientID, hashKey: make([]byte, 32), key: key}
	_, _ = rand.Read(iss.hashKey) // never fails
	iss.hash = iss.sum(secret)
	keyID := make([]byte, 16)
	_, _ = rand.Read(keyID)
	header := `{"alg":"ES256","typ":"at+jwt","kid":"` + hex.EncodeToString(keyID) + `"}`
	iss.head = base64.RawURLEncoding.EncodeToString([]byte(header)) + "."
	return iss, nil
}

func (iss *issuer) sum(secret string) []byte {
	mac := hmac.New(sha256.New, iss.hashKey)
	mac.Write([]byte(secret))
	return mac.Sum(nil)
}

func (iss *issuer) serve(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.PostForm.Get("grant_type") != "client_credentials" {
		http.Error(w, `{"error":"invalid_request"}`, http.StatusBadRequest)
		return
	}
	same := hmac.Equal(iss.sum(r.PostForm.Get("client_secret")), iss.hash)
	if !same || r.PostForm.Get("client_id") != iss.clientID {
		http.Error(w, `{"error":"invalid_client"}`, http.StatusUnauthorized)
		return
	}
	iss.answer(w, r, "", "bearer")
}

// answer signs a token, which is bound to the key with the thumbprint if there is
// one, and writes the answer.
func (iss *issuer) answer(w http.ResponseWriter, r *http.Request, thumbprint, kind string) {
	now := time.Now()
	token, err := iss.sign(r.Host, thumbprint, now)
	if err != nil {
		http.Error(w, `{"error":"server_error"}`, http.StatusInternalServerError)
		return
	}
	body := make([]byte, 0, len(token)+160)
	body = append(body, `{"access_token":"`...)
	body = append(body, token...)
	body = append(body, `","token_type":"`+kind+`","expires_at":"`...)
	body = now.Add(tokenLife).UTC().AppendFormat(body, "2006-01-02T15:04:05.000Z")
	body = append(body, `","expires_in":`...)
	body = strconv.AppendInt(body, int64(tokenLife/time.Second), 10)
	body = append(body, '}')
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(body)
}

// sign makes a token of twelve claims, as long as those of the server.
func (iss *issuer) sign(host, thumbprint string, now time.Time) ([]byte, error) {
	var id [16]byte
	_, _ = rand.Read(id[:])
	origin := "http://" + host
	claims := make([]byte, 0, 512)
	claims = append(claims, `{"iss":"`+origin+`","aud":"`+origin+`","sub":"`+iss.clientID+`","client_id":"`+iss.clientID+`","jti":"`...)
	claims = hex.AppendEncode(claims, id[:])
	claims = append(claims, `","iat":`...)
	claims = strconv.AppendInt(claims, now.Unix(), 10)
	claims = append(claims, `,"exp":`...)
	claims = strconv.AppendInt(claims, now.Add(tokenLife).Unix(), 10)
	claims = append(claims, `,"scope":"admin_classic tenants:create tenants:deactivate tenants:reactivate","level":"region",`+
		`"organization":"org_abcdefghijklmnopqrstuvwxyz","subscription":"1234567890123456","region":"us"`...)
	if thumbprint != "" {
		claims = append(claims, `,"cnf":{"jkt":"`+thumbprint+`"}`...)
	}
	claims = append(claims, '}')

	token := make([]byte, 0, 900)
	token = append(token, iss.head...)
	token = base64.RawURLEncoding.AppendEncode(token, claims)
	digest := sha256.Sum256(token)
	der, err := ecdsa.SignASN1(rand.Reader, iss.key, digest[:])
	if err != nil {
		return nil, err
	}
	signature, err := rawSignature(der)
	if err != nil {
		return nil, err
	}
	token = append(token, '.')
	return base64.RawURLEncoding.AppendEncode(token, signature[:]), nil
}

// rawSignature turns SEQUENCE { INTEGER r, INTEGER s } into r and s of 32
// bytes each, as RFC 7518 section 3.4 wants them. Doing it by hand avoids the
// big integers that ecdsa.Sign would make.
func rawSignature(der []byte) (raw [64]byte, err error) {
	if len(der) < 2 || der[0] != 0x30 || int(der[1]) != len(der)-2 {
		return raw, errors.New("signature is not a sequence")
	}
	rest := der[2:]
	for half := range 2 {
		if len(rest) < 2 || rest[0] != 0x02 || int(rest[1]) > len(rest)-2 {
			return raw, errors.New("signature has no integer where one belongs")
		}
		integer := rest[2 : 2+int(rest[1])]
		rest = rest[2+len(integer):]
		for len(integer) > 32 && integer[0] == 0 {
			integer = integer[1:] // DER adds a zero byte to keep the number positive
		}
		if len(integer) > 32 {
			return raw, fmt.Errorf("signature integer has %d bytes", len(integer))
		}
		copy(raw[32*(half+1)-len(integer):], integer)
	}
	return raw, nil
}
