package signin

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/assertion"
	"github.com/freehold-platform/freehold/internal/estate"
)

var fuzzNow = time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC)

// FuzzPersonToken reads whatever comes for a JWT of POST /login/jwt-session. It is
// refused, or it is one that the key has signed, byte for byte, and about a person.
func FuzzPersonToken(f *testing.F) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		f.Fatal(err)
	}
	keys := []estate.StaticKey{{ID: "k", PEM: string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))}}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", "k"))
	if err != nil {
		f.Fatal(err)
	}
	signed := map[string]bool{}
	for _, claims := range []string{
		`{"iss":"i","aud":"qlik.api/login/jwt-session","sub":"ada","subType":"user","exp":1793612000,"groups":["a"],"email_verified":true}`,
		`{"iss":"i","aud":["x","qlik.api/login/jwt-session"],"sub":"ada","subType":"user","exp":1793611860.5,"iat":1793611800,"nbf":1793611800}`,
		`{"iss":"i","aud":"qlik.api/login/jwt-session","sub":"qlikbot\\x","subType":"user","exp":1793612000}`,
		`{"iss":"i","sub":"ada","exp":1e300}`, `{"groups":{}}`, `{"aud":"qlik.api/login/jwt-session","groups":"a"}`, `{"aud":null,"groups":null}`, `[]`, `null`, `{"sub":"\ud800"}`,
	} {
		object, err := signer.Sign([]byte(claims))
		if err != nil {
			f.Fatal(err)
		}
		token, err := object.CompactSerialize()
		if err != nil {
			f.Fatal(err)
		}
		signed[token[:strings.LastIndexByte(token, '.')]] = true
		f.Add(token)
		f.Add(strings.Replace(token, ".", "", 1))
		f.Add("eyJhbGciOiJub25lIiwia2lkIjoiayJ9" + token[strings.IndexByte(token, '.'):])
	}
	f.Add("")
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		var refused assertion.Refusal
		parsed, err := parsePersonToken(token)
		if err != nil {
			if !errors.As(err, &refused) {
				t.Fatalf("%v is no refusal", err)
			}
			return
		}
		if err := parsed.verifiedBy(keys); err != nil {
			if !errors.As(err, &refused) {
				t.Fatalf("%v is no refusal", err)
			}
			return
		}
		if !signed[token[:strings.LastIndexByte(token, '.')]] {
			t.Fatalf("%s was never signed", token)
		}
		c := parsed.claims
		if c.check(fuzzNow, 5*time.Second) == nil && (c.SubjectType != "user" || *c.ExpiresAt > float64(fuzzNow.Add(2*time.Hour).Unix())) {
			t.Fatalf("%+v is believed", c)
		}
		if login := (Login{Subject: c.Subject, Name: c.Name, Email: c.Email, Groups: c.Groups}); login.check() == nil &&
			(login.Subject == "" || strings.HasPrefix(login.Subject, `qlikbot\`)) {
			t.Fatalf("%+v is a person", login)
		}
	})
}

// FuzzPublicKey reads whatever comes for a key in PEM. It is refused with a reason,
// or it is a public key to verify with, which line breaks make no other.
func FuzzPublicKey(f *testing.F) {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		f.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		f.Fatal(err)
	}
	for kind, der := range map[string][]byte{"PUBLIC KEY": public, "PRIVATE KEY": private, "CERTIFICATE": public, "RSA PUBLIC KEY": public} {
		text := string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
		f.Add(text)
		f.Add(strings.ReplaceAll(text, "\n", ""))
		f.Add(text + text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		key, detail := publicKey(text)
		if detail != "" {
			if key != nil && !strings.HasPrefix(detail, "must be an RSA key") {
				t.Fatalf("%q is both %v and wrong: %s", text, key, detail)
			}
			return
		}
		if len(algorithmsOf(key)) == 0 || strings.Contains(text, "PRIVATE") {
			t.Fatalf("%q is taken as %T", text, key)
		}
		if again, detail := publicKey(strings.NewReplacer("\n", "", "\r", "").Replace(text)); detail != "" || len(algorithmsOf(again)) == 0 {
			t.Fatalf("%q in one line: %s", text, detail)
		}
	})
}

// FuzzReturnTo follows whatever link: it leads to this host.
func FuzzReturnTo(f *testing.F) {
	const origin = "https://acme.us.example.com"
	for _, seed := range []string{
		"", "/", "/a?b#c", origin + "/x", "//evil", `/\evil`, `\/evil`, "/%5cevil", "/%2fevil", "%2f", "%2f%2fevil", "https:evil", "https:///evil", origin + "//evil", origin + "@evil/",
		"/\tevil", "/..//evil", "http://acme.us.example.com/", "/a:b", "?x", "#x", "/;//evil", "javascript://acme.us.example.com/%0aalert(1)",
		"/login?link=yes", "/login/test", "/x/%2e%2e/login?link=yes", "/./login", "/loginx",
	} {
		f.Add(seed)
	}
	base, err := url.Parse(origin + CallbackPath)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, returnTo string) {
		path := localPath(estate.Surface{Origin: origin}, returnTo)
		to, err := base.Parse(path) // as a browser does, without dots
		if err != nil || to.Scheme+"://"+to.Host != origin || to.User != nil {
			t.Fatalf("%q leads to %q: %v (%v)", returnTo, path, to, err)
		}
		if to.Path == LoginPath || strings.HasPrefix(to.Path, LoginPath+"/") {
			t.Fatalf("%q leads to %q, which acts for whoever comes from this host", returnTo, path)
		}
		// Browsers read a backslash as a slash, and skip tabs and line breaks.
		if len(path) > 1 && (path[1] == '/' || path[1] == '\\') || path[0] != '/' || strings.ContainsAny(path, "\t\r\n") {
			t.Fatalf("%q leads to %q", returnTo, path)
		}
	})
}

// FuzzParsePatch reads whatever comes for a patch: it is refused with a reason, or
// it changes an identity provider to one that is in order, or is refused then.
func FuzzParsePatch(f *testing.F) {
	for _, seed := range []string{
		`[{"op":"replace","path":"/description","value":"x"}]`, `[{"op":"promote-options"}]`, `[null]`, `null`, `[]`, `[{"op":1}]`, `[{"op":"replace","path":"/meta","value":{}}]`,
		`[{"op":"replace","path":"/clockToleranceSec","value":1e9}]`, `[{"op":"replace","path":"/pendingOptions/realm","value":null}]`, `[{"op":"replace","path":"/options","value":[]}]`,
	} {
		f.Add(seed)
	}
	s := new(Service)
	f.Fuzz(func(t *testing.T, text string) {
		patch, err := ParsePatch([]byte(text))
		var known *estate.Error
		if err != nil {
			if !errors.As(err, &known) || known.Code != api.CodeIDPPatch || !json.Valid([]byte(text)) && len(known.Fields) > 0 {
				t.Fatalf("%s: %v", text, err)
			}
			return
		}
		p := estate.IdentityProvider{Protocol: api.ProtocolJWT, Provider: "external", Active: true}
		for _, op := range patch {
			if err := s.apply(&p, op); err != nil && !errors.As(err, &known) {
				t.Fatalf("%s: %v", text, err)
			}
		}
		if !p.Active || p.Options.Issuer != "" || p.Pending != nil {
			t.Fatalf("%s changes %+v", text, p)
		}
	})
}
