package credential

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejson "github.com/go-jose/go-jose/v4/json"
)

// proofAlgorithms are what a DPoP proof may be signed with: asymmetric ones
// only, and no alg: none.
var proofAlgorithms = []jose.SignatureAlgorithm{jose.ES256, jose.ES384, jose.RS256, jose.PS256, jose.EdDSA}

// ProofAlgorithms lists the algorithms of DPoP proofs, for metadata and
// challenges.
func ProofAlgorithms() []string {
	names := make([]string, len(proofAlgorithms))
	for i, a := range proofAlgorithms {
		names[i] = string(a)
	}
	return names
}

// Limits of proofs: what costs memory or time grows with them.
const (
	maxProof        = 8 << 10
	maxProofID      = 256
	maxProofRSABits = 4096 // a stranger makes us verify it

	// proofSkew is how far a sender's clock may be off. Freshness does not come
	// from that clock but from the server's nonce, so the window can be wide.
	proofSkew = 5 * time.Minute
)

// proof is a DPoP proof whose signature holds (RFC 9449 section 4.2).
type proof struct {
	thumbprint string // of its key (RFC 7638), as in cnf.jkt
	proofClaims
}

// proofClaims are decoded case-sensitively and without duplicates.
type proofClaims struct {
	ID        string  `json:"jti"`
	Method    string  `json:"htm"`
	URL       string  `json:"htu"`
	IssuedAt  float64 `json:"iat"`
	TokenHash string  `json:"ath"`
	Nonce     string  `json:"nonce"`
}

var errMalformedProof = errors.New("malformed DPoP proof")

// parseProof checks everything about a proof that can be checked without
// knowing the request: its form, its type, its algorithm, its key and its
// signature.
func parseProof(text string) (proof, error) {
	if len(text) > maxProof {
		return proof{}, errMalformedProof
	}
	signed, err := jose.ParseSignedCompact(text, proofAlgorithms)
	if err != nil {
		return proof{}, errMalformedProof
	}
	header := signed.Signatures[0].Protected
	_, critical := header.ExtraHeaders["crit"]
	if kind, _ := header.ExtraHeaders[jose.HeaderType].(string); !strings.EqualFold(kind, "dpop+jwt") || critical {
		return proof{}, errMalformedProof
	}
	key := header.JSONWebKey
	if key == nil || !key.Valid() || !key.IsPublic() {
		return proof{}, errMalformedProof
	}
	if r, ok := key.Key.(*rsa.PublicKey); ok && (r.N.BitLen() < minRSABits || r.N.BitLen() > maxProofRSABits) {
		return proof{}, errMalformedProof
	}
	payload, err := signed.Verify(key)
	if err != nil {
		return proof{}, errMalformedProof
	}
	var p proof
	if err := josejson.Unmarshal(payload, &p.proofClaims); err != nil {
		return proof{}, errMalformedProof
	}
	if p.ID == "" || len(p.ID) > maxProofID || p.Method == "" || p.URL == "" || p.IssuedAt <= 0 || p.IssuedAt > math.MaxInt32*2 {
		return proof{}, errMalformedProof
	}
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return proof{}, errMalformedProof
	}
	p.thumbprint = base64.RawURLEncoding.EncodeToString(sum)
	return p, nil
}

// covers tells whether the proof was made for the request: its method and its
// URL, in the form that RFC 3986 normalises to and without query.
func (p proof) covers(method, requestURL string) bool {
	claimed, ok := normalURL(p.URL)
	actual, known := normalURL(requestURL)
	return ok && known && p.Method == method && claimed == actual
}

// freshAt tells whether the proof's own time is acceptable at now.
func (p proof) freshAt(now time.Time) bool {
	off := float64(now.UnixMilli())/1000 - p.IssuedAt
	return math.Abs(off) <= proofSkew.Seconds()
}

// tokenHash is the ath claim that goes with an access token.
func tokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// normalURL brings an http URL into the form that URLs are compared in (RFC
// 3986 section 6.2.2 and 6.2.3), and drops query and fragment. Percent-encoded
// characters that mean something stay encoded: /a%2Fb is not /a/b.
func normalURL(text string) (string, bool) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Opaque != "" {
		return "", false
	}
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	defaults := map[string]string{"http": ":80", "https": ":443"}
	port, known := defaults[scheme]
	if !known {
		return "", false
	}
	host = strings.TrimSuffix(strings.TrimSuffix(host, port), ":")
	path := normalEscapes(u.EscapedPath())
	if path == "" {
		path = "/"
	}
	return scheme + "://" + host + path, true
}

// normalEscapes decodes what needs no encoding, and writes the rest in upper
// case.
func normalEscapes(path string) string {
	if !strings.Contains(path, "%") {
		return path
	}
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] != '%' || i+2 >= len(path) {
			b.WriteByte(path[i])
			continue
		}
		decoded, err := url.PathUnescape(path[i : i+3])
		if err == nil && isUnreserved(decoded[0]) {
			b.WriteString(decoded)
		} else {
			b.WriteString(strings.ToUpper(path[i : i+3]))
		}
		i += 2
	}
	return b.String()
}

func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || slices.Contains([]byte("-._~"), c)
}
