package credential

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// The examples of RFC 9449, sections 4.1 and 7.1, and the thumbprint of their
// key in section 6.1.
const (
	rfcHeader     = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19"
	rfcTokenProof = rfcHeader + ".eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ" +
		".2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
	rfcResourceProof = rfcHeader + ".eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9" +
		".2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
	rfcToken      = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
	rfcThumbprint = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
)

func TestParseProof_RFC9449(t *testing.T) {
	p, err := parseProof(rfcTokenProof)
	if err != nil {
		t.Fatal(err)
	}
	if p.thumbprint != rfcThumbprint || p.ID != "-BwC3ESc6acc2lTc" || !p.covers("POST", "https://server.example.com/token") {
		t.Errorf("proof of the token request: %+v", p)
	}
	if !p.freshAt(time.Unix(1562262616, 0)) || p.freshAt(time.Unix(1562262616, 0).Add(proofSkew+time.Second)) {
		t.Error("the time of the proof is judged wrong")
	}
	p, err = parseProof(rfcResourceProof)
	if err != nil {
		t.Fatal(err)
	}
	if p.thumbprint != rfcThumbprint || p.TokenHash != tokenHash(rfcToken) || !p.covers("GET", "https://resource.example.org/protectedresource") {
		t.Errorf("proof of the resource request: %+v", p)
	}
}

// TestThumbprint_RFC7638 holds the thumbprints of keys against section 3.1.
func TestThumbprint_RFC7638(t *testing.T) {
	var key jose.JSONWebKey
	err := json.Unmarshal([]byte(`{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`), &key)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	if got := base64.RawURLEncoding.EncodeToString(sum); got != "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs" {
		t.Errorf("thumbprint %s", got)
	}
}

// handMade signs a proof with whatever header and claims the test wants.
func handMade(t testing.TB, alg jose.SignatureAlgorithm, key any, header, claims map[string]any) string {
	t.Helper()
	options := &jose.SignerOptions{}
	for name, value := range header {
		options.WithHeader(jose.HeaderKey(name), value)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestParseProof_Algorithms(t *testing.T) {
	p256 := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	p384 := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	p521 := must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader))
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsa2048 := must(rsa.GenerateKey(rand.Reader, 2048))
	claims := map[string]any{"jti": "one", "htm": "GET", "htu": "https://a.example/x", "iat": 1562262616}
	for _, c := range []struct {
		alg jose.SignatureAlgorithm
		key crypto.Signer
		ok  bool
	}{
		{jose.ES256, p256, true},
		{jose.ES384, p384, true},
		{jose.ES512, p521, false},
		{jose.EdDSA, ed, true},
		{jose.RS256, rsa2048, true},
		{jose.PS256, rsa2048, true},
		{jose.RS512, rsa2048, false},
	} {
		text := handMade(t, c.alg, c.key, map[string]any{"typ": "dpop+jwt", "jwk": jose.JSONWebKey{Key: c.key.Public()}}, claims)
		if _, err := parseProof(text); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.alg, err)
		}
	}
}

func TestParseProof_Refuses(t *testing.T) {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	other := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	public := jose.JSONWebKey{Key: key.Public()}
	good := func() map[string]any {
		return map[string]any{"jti": "one", "htm": "GET", "htu": "https://a.example/x", "iat": 1562262616}
	}
	with := func(name string, value any) map[string]any {
		c := good()
		c[name] = value
		if value == nil {
			delete(c, name)
		}
		return c
	}
	header := func(typ any, jwk any) map[string]any {
		h := map[string]any{}
		if typ != nil {
			h["typ"] = typ
		}
		if jwk != nil {
			h["jwk"] = jwk
		}
		return h
	}
	std := header("dpop+jwt", public)
	if _, err := parseProof(handMade(t, jose.ES256, key, std, good())); err != nil {
		t.Fatalf("the proof that the others differ from: %v", err)
	}
	weak := must(rsa.GenerateKey(rand.Reader, 1024))
	for name, text := range map[string]string{
		"empty":           "",
		"not a JWS":       "a.b",
		"too long":        rfcTokenProof + strings.Repeat("A", maxProof),
		"no type":         handMade(t, jose.ES256, key, header(nil, public), good()),
		"another type":    handMade(t, jose.ES256, key, header("JWT", public), good()),
		"no key":          handMade(t, jose.ES256, key, header("dpop+jwt", nil), good()),
		"another key":     handMade(t, jose.ES256, key, header("dpop+jwt", jose.JSONWebKey{Key: other.Public()}), good()),
		"a private key":   handMade(t, jose.ES256, key, header("dpop+jwt", jose.JSONWebKey{Key: key}), good()),
		"a symmetric key": handMade(t, jose.HS256, []byte(strings.Repeat("k", 32)), header("dpop+jwt", jose.JSONWebKey{Key: []byte(strings.Repeat("k", 32))}), good()),
		"a weak key":      handMade(t, jose.RS256, weak, header("dpop+jwt", jose.JSONWebKey{Key: weak.Public()}), good()),
		"alg none":        "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6Im5vbmUifQ.eyJqdGkiOiIxIn0.",
		"crit":            handMade(t, jose.ES256, key, map[string]any{"typ": "dpop+jwt", "jwk": public, "crit": []string{"x"}, "x": 1}, good()),
		"no jti":          handMade(t, jose.ES256, key, std, with("jti", nil)),
		"long jti":        handMade(t, jose.ES256, key, std, with("jti", strings.Repeat("j", maxProofID+1))),
		"number as jti":   handMade(t, jose.ES256, key, std, with("jti", 7)),
		"no htm":          handMade(t, jose.ES256, key, std, with("htm", nil)),
		"no htu":          handMade(t, jose.ES256, key, std, with("htu", nil)),
		"no iat":          handMade(t, jose.ES256, key, std, with("iat", nil)),
		"text as iat":     handMade(t, jose.ES256, key, std, with("iat", "now")),
		"changed":         strings.Replace(rfcTokenProof, ".2-Gx", ".3-Gx", 1),
	} {
		if p, err := parseProof(text); err == nil {
			t.Errorf("%s: accepted as %+v", name, p)
		}
	}
}

func TestProof_Covers(t *testing.T) {
	const request = "https://t.us.example.com/api/v1/users/me"
	for claimed, want := range map[string]bool{
		request:            true,
		request + "?a=b#c": true,
		"HTTPS://T.US.example.COM/api/v1/users/me":      true,
		"https://t.us.example.com:443/api/v1/users/me":  true,
		"https://t.us.example.com/api/v1/%75sers/me":    true,
		"https://t.us.example.com:8443/api/v1/users/me": false,
		"http://t.us.example.com/api/v1/users/me":       false,
		"https://u.us.example.com/api/v1/users/me":      false,
		"https://t.us.example.com/api/v1/users/me/":     false,
		"https://t.us.example.com/API/v1/users/me":      false,
		"https://t.us.example.com/api/v1%2Fusers/me":    false,
		"https://a@t.us.example.com/api/v1/users/me":    false,
		"/api/v1/users/me":                              false,
		"":                                              false,
	} {
		if got := (proof{proofClaims: proofClaims{Method: "GET", URL: claimed}}).covers("GET", request); got != want {
			t.Errorf("%q: %v", claimed, got)
		}
	}
	p := proof{proofClaims: proofClaims{Method: "get", URL: request}}
	if p.covers("GET", request) || p.covers("POST", request) {
		t.Error("the method does not count")
	}
}

func TestNonces(t *testing.T) {
	start := time.UnixMilli(1_800_000_000_000)
	n := nonces{key: []byte("key"), started: start}
	nonce := n.make("https://a", start)
	for name, got := range map[string]bool{
		"fresh":         n.accepts(nonce, "https://a", start),
		"at its end":    n.accepts(nonce, "https://a", start.Add(nonceLifetime-time.Millisecond)),
		"by a twin":     (&nonces{key: []byte("key"), started: start.Add(-time.Hour)}).accepts(nonce, "https://a", start),
		"clocks differ": n.accepts(n.make("https://a", start.Add(500*time.Millisecond)), "https://a", start),
	} {
		if !got {
			t.Errorf("%s: refused", name)
		}
	}
	for name, got := range map[string]bool{
		"stale":             n.accepts(nonce, "https://a", start.Add(nonceLifetime)),
		"of the future":     n.accepts(n.make("https://a", start.Add(time.Minute)), "https://a", start),
		"another origin":    n.accepts(nonce, "https://b", start),
		"another key":       (&nonces{key: []byte("yek"), started: start}).accepts(nonce, "https://a", start),
		"after a restart":   (&nonces{key: []byte("key"), started: start.Add(time.Second)}).accepts(nonce, "https://a", start.Add(2*time.Second)),
		"empty":             n.accepts("", "https://a", start),
		"a changed instant": n.accepts("A"+nonce[1:], "https://a", start) && nonce[0] != 'A',
	} {
		if got {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestSpent_RemembersAsLongAsNonces: whatever the rhythm of requests, a proof is
// known at least as long as its nonce is accepted, and not for ever.
func TestSpent_RemembersAsLongAsNonces(t *testing.T) {
	for _, step := range []time.Duration{time.Second, 29 * time.Second, nonceLifetime, 3 * nonceLifetime} {
		var s spent
		start := time.UnixMilli(1_800_000_000_000)
		used := map[proofID]time.Time{}
		for i := range 200 {
			now := start.Add(time.Duration(i) * step)
			id := proofID{byte(i), byte(i >> 8)}
			if !s.add(id, now) {
				t.Fatalf("step %v: %d was never used", step, i)
			}
			used[id] = now
			for old, at := range used {
				if now.Sub(at) <= nonceLifetime+time.Second {
					if s.add(old, now) {
						t.Fatalf("step %v: forgotten after %v", step, now.Sub(at))
					}
				}
			}
		}
		if n := len(s.now) + len(s.then); n > int(2*(nonceLifetime+time.Second)/step)+4 {
			t.Errorf("step %v: %d proofs are kept", step, n)
		}
	}
}

func FuzzDPoPProof(f *testing.F) {
	f.Add(rfcTokenProof, "https://server.example.com/token")
	f.Add(rfcResourceProof, "https://resource.example.org/protectedresource?x=%zz")
	f.Add("eyJhbGciOiJub25lIn0..", "http://[::1]:80/%2f")
	f.Fuzz(func(t *testing.T, text, url string) {
		p, err := parseProof(text)
		if err == nil {
			if p.thumbprint == "" || p.ID == "" || p.Method == "" || p.URL == "" {
				t.Errorf("accepted an incomplete proof: %+v", p)
			}
			p.covers("POST", url)
			p.freshAt(time.UnixMilli(0))
		}
		if normal, ok := normalURL(url); ok {
			again, ok := normalURL(normal)
			if !ok || again != normal {
				t.Errorf("%q normalises to %q, and that to %q", url, normal, again)
			}
		}
	})
}
