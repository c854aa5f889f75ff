package client

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	headerProof = "Dpop"
	headerNonce = "Dpop-Nonce"
	tokenPath   = "/oauth/token"

	errorUseNonce = "use_dpop_nonce"
)

// WithDPoP binds every token to a key that is made here and never leaves the
// program (RFC 9449): whoever steals a token from a log or a proxy can't use
// it. The nonces that servers ask for are handled. It is an error if a server
// answers with a token that is not bound.
func WithDPoP() Option {
	return func(o *options) error {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return fmt.Errorf("make DPoP key: %w", err)
		}
		point, err := key.PublicKey.Bytes() // 4, x, y
		if err != nil {
			return fmt.Errorf("make DPoP key: %w", err)
		}
		encode := base64.RawURLEncoding.EncodeToString
		header, err := json.Marshal(map[string]any{
			"typ": "dpop+jwt", "alg": "ES256",
			"jwk": map[string]string{"kty": "EC", "crv": "P-256", "x": encode(point[1:33]), "y": encode(point[33:])},
		})
		if err != nil {
			return err
		}
		o.shared.prover = &prover{key: key, header: encode(header), now: o.shared.now, nonces: make(map[string]string)}
		return nil
	}
}

// prover makes DPoP proofs. As a transport it gives one to every request that
// needs one, redirected ones included: a proof is good for one request only.
type prover struct {
	next   http.RoundTripper
	key    *ecdsa.PrivateKey
	header string // of the proofs, encoded
	now    func() time.Time

	mu     sync.Mutex
	nonces map[string]string // by origin
}

// RoundTrip sends the request, and once more when the server asks for a nonce:
// it has done nothing then.
func (p *prover) RoundTrip(r *http.Request) (*http.Response, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	isToken := r.Method == http.MethodPost && r.URL.Path == tokenPath
	if scheme != schemeDPoP && !isToken {
		return p.next.RoundTrip(r)
	}
	if isToken {
		token = ""
	}
	host := origin(r.URL).String()
	for again := false; ; again = true {
		p.mu.Lock()
		nonce := p.nonces[host]
		p.mu.Unlock()
		proof, err := p.prove(r, nonce, token)
		if err != nil {
			if r.Body != nil {
				_ = r.Body.Close()
			}
			return nil, err
		}
		try := r.Clone(r.Context())
		try.Header.Set(headerProof, proof)
		if again && r.Body != nil {
			if try.Body, err = r.GetBody(); err != nil {
				return nil, err
			}
		}
		answer, err := p.next.RoundTrip(try)
		if err != nil {
			return nil, err
		}
		next := answer.Header.Get(headerNonce)
		if next != "" {
			p.mu.Lock()
			p.nonces[host] = next
			p.mu.Unlock()
		}
		if again || next == "" || r.Body != nil && r.GetBody == nil || !asksForNonce(answer) {
			return answer, nil
		}
		_ = answer.Body.Close()
	}
}

// CloseIdleConnections is what http.Client looks for in its transport.
func (p *prover) CloseIdleConnections() {
	if c, ok := p.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// asksForNonce tells whether answer is the refusal of RFC 9449 section 8 or 9.
// It leaves the body as it was.
func asksForNonce(answer *http.Response) bool {
	switch answer.StatusCode {
	case http.StatusUnauthorized:
		return strings.Contains(answer.Header.Get("WWW-Authenticate"), `"`+errorUseNonce+`"`)
	case http.StatusBadRequest:
		begin, err := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
		rest := answer.Body
		answer.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(begin), rest), rest}
		var refusal struct {
			Error string `json:"error"`
		}
		return err == nil && json.Unmarshal(begin, &refusal) == nil && refusal.Error == errorUseNonce
	}
	return false
}

// prove makes the proof that goes with a request, and with a token if there is
// one.
func (p *prover) prove(r *http.Request, nonce, token string) (string, error) {
	encode := base64.RawURLEncoding.EncodeToString
	target := *r.URL
	target.RawQuery, target.Fragment, target.User = "", "", nil
	claims := map[string]any{"jti": rand.Text(), "htm": r.Method, "htu": target.String(), "iat": p.now().Unix()}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	if token != "" {
		sum := sha256.Sum256([]byte(token))
		claims["ath"] = encode(sum[:])
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	input := p.header + "." + encode(payload)
	digest := sha256.Sum256([]byte(input))
	x, y, err := ecdsa.Sign(rand.Reader, p.key, digest[:])
	if err != nil {
		return "", fmt.Errorf("sign DPoP proof: %w", err)
	}
	var signature [64]byte
	x.FillBytes(signature[:32])
	y.FillBytes(signature[32:])
	return input + "." + encode(signature[:]), nil
}
