package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestCredential(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	x, y := encode(point[1:33]), encode(point[33:])
	public, err := publicKey(x, y)
	if err != nil || !public.Equal(&key.PublicKey) {
		t.Fatalf("%v, %v", public, err)
	}
	const id = "0123456789abcdef0123456789abcdef"
	iss, err := newIssuer(id, "s1")
	if err != nil {
		t.Fatal(err)
	}
	mux := iss.mux()
	(&verifier{iss: iss, client: public}).routes(mux)
	sign := func(header, claims string) string {
		t.Helper()
		text := encode([]byte(header)) + "." + encode([]byte(claims))
		digest := sha256.Sum256([]byte(text))
		der, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
		if err != nil {
			t.Fatal(err)
		}
		signature, err := rawSignature(der)
		if err != nil {
			t.Fatal(err)
		}
		return text + "." + encode(signature[:])
	}
	post := func(path, proof string, form url.Values) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("DPoP", proof)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w
	}
	want := func(what string, w *httptest.ResponseRecorder, status int, text string) {
		t.Helper()
		if w.Code != status || !strings.Contains(w.Body.String(), text) {
			t.Errorf("%s: %d %s", what, w.Code, w.Body)
		}
	}
	secret := url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {"s1"}}

	assertion := func(sub string) url.Values {
		return url.Values{"client_assertion": {sign(`{}`, fmt.Sprintf(`{"sub":%q,"jti":"a","aud":"b","exp":%d}`, sub, time.Now().Unix()+60))}}
	}
	good := assertion(id)
	want("assertion", post("/assertion", "", good), 200, `"access_token":"ey`)
	want("assertion, again", post("/assertion", "", good), 401, "invalid_client")
	want("assertion of another", post("/assertion", "", assertion("c2")), 401, "invalid_client")
	want("no assertion", post("/assertion", "", nil), 401, "invalid_client")

	proof := sign(`{"jwk":{"x":"`+x+`","y":"`+y+`"}}`, `{"jti":"p","htm":"POST","htu":"u"}`)
	bound := post("/dpop", proof, secret)
	want("proof", bound, 200, `"token_type":"DPoP"`)
	want("proof, again", post("/dpop", proof, secret), 401, "invalid_client")
	want("no proof", post("/dpop", "", secret), 401, "invalid_client")
	want("proof without the secret", post("/dpop", sign(`{"jwk":{"x":"`+x+`","y":"`+y+`"}}`, `{"jti":"q","htm":"POST","htu":"u"}`), url.Values{"client_id": {id}}), 401, "invalid_client")
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(bound.Body.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	if claims := verify(t, &iss.key.PublicKey, answer.AccessToken); claims["cnf"] == nil {
		t.Errorf("bound token: %v", claims)
	}

	secret.Set("token", answer.AccessToken)
	want("introspection", post("/introspect", "", secret), 200, `"active":true`)
	secret.Set("token", answer.AccessToken[:len(answer.AccessToken)-4]+"AAAA")
	want("introspection of a forged token", post("/introspect", "", secret), 200, `"active":false`)
	for token, status := range map[string]int{answer.AccessToken: http.StatusFound, secret.Get("token"): 401, "": 401} {
		r := httptest.NewRequest(http.MethodGet, "/verify", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		want("verification", w, status, "")
	}
}
