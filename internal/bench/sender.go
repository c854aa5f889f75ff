package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/bench/load"
)

// sender is a client with a key: it signs an assertion or a proof for each
// request, because each is good for one only.
type sender struct {
	key  *ecdsa.PrivateKey
	x, y string // of the public key, encoded
}

func newSender() (*sender, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	point, err := key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		return nil, err
	}
	encode := base64.RawURLEncoding.EncodeToString
	return &sender{key: key, x: encode(point[1:33]), y: encode(point[33:])}, nil
}

// jwk is the public key.
func (s *sender) jwk() string {
	return `{"kty":"EC","crv":"P-256","x":"` + s.x + `","y":"` + s.y + `"}`
}

// sign makes a JWT of header and claims, which are JSON. What can't fail with a
// good key isn't checked: an empty signature is refused by both servers.
func (s *sender) sign(header, claims string) string {
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(header)) + "." + encode([]byte(claims))
	digest := sha256.Sum256([]byte(text))
	r, t, err := ecdsa.Sign(rand.Reader, s.key, digest[:])
	if err != nil {
		return text + "."
	}
	var signature [64]byte
	r.FillBytes(signature[:32])
	t.FillBytes(signature[32:])
	return text + "." + encode(signature[:])
}

// assertions makes token requests by private_key_jwt.
func (s *sender) assertions(clientID, host, path string) func() []byte {
	return func() []byte {
		now := time.Now().Unix()
		form := url.Values{
			"grant_type": {api.GrantClientCredentials}, "client_id": {clientID}, "client_assertion_type": {api.AssertionTypeJWT},
			"client_assertion": {s.sign(`{"alg":"ES256","typ":"JWT","kid":"bench"}`, fmt.Sprintf(
				`{"iss":%q,"sub":%q,"aud":"http://%s","jti":%q,"iat":%d,"exp":%d}`, clientID, clientID, host, rand.Text(), now, now+60))},
		}
		return load.NewRequest(http.MethodPost, host, path, form.Encode(), "Content-Type: application/x-www-form-urlencoded", "Accept: application/json")
	}
}

// proofs makes token requests by secret, each with a DPoP proof. nonce is what the
// server wants to see in it; "" for one that wants nothing.
func (s *sender) proofs(c credentials, host, path, nonce string) func() []byte {
	form := url.Values{"grant_type": {api.GrantClientCredentials}, "client_id": {c.ClientID}, "client_secret": {c.ClientSecret}}.Encode()
	header := `{"alg":"ES256","typ":"dpop+jwt","jwk":` + s.jwk() + `}`
	return func() []byte {
		proof := s.sign(header, fmt.Sprintf(`{"jti":%q,"htm":"POST","htu":"http://%s/oauth/token","iat":%d,"nonce":%q}`, rand.Text(), host, time.Now().Unix(), nonce))
		return load.NewRequest(http.MethodPost, host, path, form, "Content-Type: application/x-www-form-urlencoded", "Accept: application/json", "DPoP: "+proof)
	}
}

// nonce asks the server at addr for one, with a proof that has none.
func (s *sender) nonce(ctx context.Context, addr, host string, c credentials) (string, error) {
	request := string(s.proofs(c, host, api.TokenPath, "")())
	_, body, _ := strings.Cut(request, "\r\n\r\n")
	_, proof, _ := strings.Cut(request, "DPoP: ")
	proof, _, _ = strings.Cut(proof, "\r\n")
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+api.TokenPath, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Host = host
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("DPoP", proof)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	_ = resp.Body.Close()
	nonce := resp.Header.Get("DPoP-Nonce")
	if nonce == "" {
		return "", fmt.Errorf("no nonce for proofs came with %s", resp.Status)
	}
	return nonce, nil
}

// registered makes a client of the region that authenticates by the sender's key.
func (s *sender) registered(ctx context.Context, console *caller) (id string, err error) {
	var subscriptions api.SubscriptionList
	if err := console.call(ctx, http.MethodGet, "/api/core/subscriptions", nil, &subscriptions); err != nil {
		return "", err
	}
	if len(subscriptions.Data) == 0 {
		return "", errors.New("quickstart made no subscription")
	}
	var made api.OAuthClient
	err = console.call(ctx, http.MethodPost, "/api/core/subscriptions/"+subscriptions.Data[0].ID+"/oauth-clients", api.CreateRegionOAuthClientRequest{
		RegionCode: region, ClientName: "bench",
		PublicKeys: []json.RawMessage{json.RawMessage(strings.TrimSuffix(s.jwk(), "}") + `,"kid":"bench","alg":"ES256"}`)},
	}, &made)
	return made.ClientID, err
}
