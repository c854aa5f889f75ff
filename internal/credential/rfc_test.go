package credential

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"testing"

	"github.com/freehold-platform/freehold/internal/assertion"
)

// The keys of RFC 7515, appendices A.2 and A.3, and of RFC 8037, appendix A.1, as
// a client would register them: without kid.
const (
	rfcRSAKey = `{"kty":"RSA","alg":"RS256","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}`
	rfcECKey  = `{"kty":"EC","alg":"ES256","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
	rfcEdKey  = `{"kty":"OKP","alg":"EdDSA","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`

	rfcClaims = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
	rfcRS256  = "eyJhbGciOiJSUzI1NiJ9." + rfcClaims +
		".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
	rfcES256 = "eyJhbGciOiJFUzI1NiJ9." + rfcClaims + ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
	rfcEdDSA = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
)

// rfcKeys are the three keys, registered.
func rfcKeys(t *testing.T) []verificationKey {
	t.Helper()
	stored, err := validatePublicKeys([]json.RawMessage{json.RawMessage(rfcRSAKey), json.RawMessage(rfcECKey), json.RawMessage(rfcEdKey)})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := registeredKeys(stored)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// TestSignedToken_RFC7515 verifies the JWTs of appendices A.2.1 and A.3.1, and
// refuses those of A.1.1 and A.5, as RFC 8725 sections 3.1 and 3.2 want.
func TestSignedToken_RFC7515(t *testing.T) {
	keys := rfcKeys(t)
	for name, text := range map[string]string{"RS256": rfcRS256, "ES256": rfcES256} {
		token, err := parseSignedToken(text, outsideAlgorithms)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := token.verify(keys); err != nil || token.claims.Issuer != "joe" || token.claims.ExpiresAt == nil || *token.claims.ExpiresAt != 1300819380 {
			t.Errorf("%s: %v, %+v", name, err, token.claims)
		}
		if err := token.verify(keys[2:]); err == nil {
			t.Errorf("%s: verified by the key of another algorithm", name)
		}
	}
	for name, text := range map[string]string{
		"HS256": "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + rfcClaims + ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
		"none":  "eyJhbGciOiJub25lIn0." + rfcClaims + ".",
		"crit":  "eyJhbGciOiJub25lIiwNCiAiY3JpdCI6WyJodHRwOi8vZXhhbXBsZS5jb20vVU5ERUZJTkVEIl0sDQogImh0dHA6Ly9leGFtcGxlLmNvbS9VTkRFRklORUQiOnRydWUNCn0.RkFJTA.", // appendix E
	} {
		if _, err := parseSignedToken(text, outsideAlgorithms); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

// TestSignedToken_RFC8037 verifies the signature of appendix A.4, whose payload is
// no JWT's.
func TestSignedToken_RFC8037(t *testing.T) {
	parsed, err := assertion.Parse(rfcEdDSA, maxJWT, outsideAlgorithms)
	if err != nil {
		t.Fatal(err)
	}
	keys := rfcKeys(t)
	token := &signedToken{Token: parsed, algorithm: canonical(parsed.Algorithm)}
	if err := token.verify(keys); err != nil {
		t.Error(err)
	}
	// A.3 has the key's thumbprint, which is the name that it got.
	if keys[2].id != "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" {
		t.Errorf("the key is called %s", keys[2].id)
	}
}

// TestCertificateThumbprint_RFC8705 holds x5t#S256 against appendix A.
func TestCertificateThumbprint_RFC8705(t *testing.T) {
	const text = `-----BEGIN CERTIFICATE-----
MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAx
ODEyMzcwOVoXDTIyMDUwMjEyMzcwOVowDzENMAsGA1UEAwwEbXRsczBZMBMGByqG
SM49AgEGCCqGSM49AwEHA0IABNcnyxwqV6hY8QnhxxzFQ03C7HKW9OylMbnQZjjJ
/Au08/coZwxS7LfA4vOLS9WuneIXhbGGWvsDSb0tH6IxLm8wCgYIKoZIzj0EAwID
SQAwRgIhAP0RC1E+vwJD/D1AGHGzuri+hlV/PpQEKTWUVeORWz83AiEA5x2eXZOV
bUlJSGQgjwD5vaUaKlLR50Q2DmFfQj1L+SY=
-----END CERTIFICATE-----`
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		t.Fatal("no PEM")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if got := certificateThumbprint(certificate); got != "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0" {
		t.Errorf("thumbprint %s", got)
	}
	if got := certificateThumbprint(nil); got != "" {
		t.Errorf("thumbprint %s of nothing", got)
	}
}

// TestTokenHash_RFC9449 holds ath against section 7.1.
func TestTokenHash_RFC9449(t *testing.T) {
	if got := tokenHash(rfcToken); got != "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo" {
		t.Errorf("ath %s of %s", got, base64.RawURLEncoding.EncodeToString([]byte(rfcToken)))
	}
}
