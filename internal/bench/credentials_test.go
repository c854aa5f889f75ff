package main

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/bench/measure"
)

// verified checks the signature of a JWT of the sender's and returns its claims.
func verified(t *testing.T, s *sender, token string) (claims map[string]any) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is not a JWT", token)
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || len(signature) != 64 {
		t.Fatalf("signature of %d bytes: %v", len(signature), err)
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if !ecdsa.Verify(&s.key.PublicKey, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		t.Fatalf("%s is not signed by the sender", token)
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

func TestSender(t *testing.T) {
	s, err := newSender()
	if err != nil {
		t.Fatal(err)
	}
	c := credentials{ClientID: "c1", ClientSecret: "s1"}
	seen := map[any]bool{}
	assertions, proofs := s.assertions("c1", "a:1", "/t"), s.proofs(c, "a:1", "/t", "n1")
	for range 2 {
		_, body, _ := strings.Cut(string(assertions()), "\r\n\r\n")
		form, err := url.ParseQuery(body)
		if err != nil {
			t.Fatal(err)
		}
		claims := verified(t, s, form.Get("client_assertion"))
		if claims["aud"] != "http://a:1" || claims["iss"] != "c1" || form.Get("client_assertion_type") != api.AssertionTypeJWT {
			t.Errorf("%v", claims)
		}
		seen[claims["jti"]] = true
		_, proof, _ := strings.Cut(string(proofs()), "DPoP: ")
		proof, _, _ = strings.Cut(proof, "\r\n")
		claims = verified(t, s, proof)
		if claims["htu"] != "http://a:1/oauth/token" || claims["nonce"] != "n1" {
			t.Errorf("%v", claims)
		}
		seen[claims["jti"]] = true
	}
	if len(seen) != 4 {
		t.Errorf("ids come again: %v", seen)
	}

	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.FormValue("client_secret") != "s1":
			w.WriteHeader(http.StatusUnauthorized)
		case r.Header.Get("DPoP") != "":
			w.Header().Set("DPoP-Nonce", "n2")
			w.WriteHeader(http.StatusBadRequest)
		default:
			_ = json.NewEncoder(w).Encode(api.TokenResponse{AccessToken: "t1"})
		}
	}))
	defer server.Close()
	at := &measure.Server{Addr: server.Listener.Addr().String()}
	if nonce, err := s.nonce(t.Context(), at.Addr, "a:1", c); nonce != "n2" || err != nil {
		t.Errorf("%q, %v", nonce, err)
	}
	if _, err := s.nonce(t.Context(), at.Addr, "a:1", credentials{}); err == nil {
		t.Error("a nonce came from nowhere")
	}
	c.URL = "http://a:1"
	if k, err := holder(t.Context(), at, &installation{}, c); err != nil || k.token != "t1" || k.host != "a:1" {
		t.Errorf("%+v, %v", k, err)
	}
	c.ClientSecret = ""
	if _, err := holder(t.Context(), at, &installation{}, c); err == nil {
		t.Error("a token came from nowhere")
	}
	if checkActive([]byte(`{"active":true}`)) != nil || checkActive([]byte(`{"active":false}`)) == nil {
		t.Error("active is not what is checked")
	}
}
