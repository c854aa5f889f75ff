package credential

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"net/http"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/peer"
	"github.com/freehold-platform/freehold/internal/store"
)

// ProofNonce is a nonce for the next DPoP proof to surface.
func (s *Service) ProofNonce(surface estate.Surface) string {
	return s.nonces.make(surface.Origin, s.now())
}

// checkProof checks the DPoP proof of a request, if it shows one: nil means
// that it does not. token is the access token that the proof goes with, empty
// at the token endpoint. The proof is not spent by this.
//
// A nonce of the server is always required. It alone says when a proof was
// made, whatever the sender's clock shows, and it bounds how long used proofs
// must be remembered.
func (s *Service) checkProof(surface estate.Surface, shown Proof, token string) (*proof, error) {
	if len(shown.DPoP) == 0 {
		return nil, nil //nolint:nilnil // no proof is no error
	}
	invalid, useNonce := errInvalidProof, errUseNonce
	if token != "" {
		invalid, useNonce = errInvalidProofAtResource, errUseNonceAtResource
	}
	if len(shown.DPoP) > 1 {
		return nil, invalid
	}
	p, err := parseProof(shown.DPoP[0])
	now := s.now()
	switch {
	case err != nil, !p.covers(shown.Method, shown.URL), !p.freshAt(now):
		return nil, invalid
	case token != "" && subtle.ConstantTimeCompare([]byte(p.TokenHash), []byte(tokenHash(token))) != 1:
		return nil, invalid
	case !s.nonces.accepts(p.Nonce, surface.Origin, now):
		return nil, useNonce
	}
	return &p, nil
}

// bind ties the token that i has come to to the keys that its sender shows.
// What i.confirmation says already, from a token that is exchanged, must be
// shown again; and a client that is set to require a binding gets no token
// without.
func (s *Service) bind(i *issue, p *proof) error {
	required := api.Confirmation{}
	if i.confirmation != nil {
		required = *i.confirmation
	}
	var shown api.Confirmation
	if p != nil {
		shown.JWKThumbprint = p.thumbprint
	}
	if required.CertificateThumbprint != "" || i.client.TokenBinding == estate.BindingMTLS {
		shown.CertificateThumbprint = certificateThumbprint(i.request.Proof.Certificate)
	}
	switch {
	case i.client.TokenBinding == estate.BindingDPoP && p == nil,
		required.JWKThumbprint != "" && required.JWKThumbprint != shown.JWKThumbprint:
		return errProofRequired
	case i.client.TokenBinding == estate.BindingMTLS && shown.CertificateThumbprint == "",
		required.CertificateThumbprint != "" && required.CertificateThumbprint != shown.CertificateThumbprint:
		return errCertificateRequired
	case p != nil && !s.spent.add(idOf(*p), s.now()):
		return errInvalidProof
	}
	i.confirmation = nil
	if shown != (api.Confirmation{}) {
		i.confirmation = &shown
	}
	return nil
}

// confirm checks that whoever presents a token has the keys that it is bound to.
func (s *Service) confirm(ctx context.Context, surface estate.Surface, client estate.Client, bound *api.Confirmation, shown Presented) error {
	if bound == nil {
		bound = &api.Confirmation{}
	}
	switch {
	case bound.JWKThumbprint == "" && (client.TokenBinding == estate.BindingDPoP || shown.Scheme == schemeDPoP):
		return errUnboundToken
	case bound.CertificateThumbprint == "" && client.TokenBinding == estate.BindingMTLS:
		return errUnboundToken
	case bound.CertificateThumbprint != "" && bound.CertificateThumbprint != certificateThumbprint(shown.Proof.Certificate):
		return errCertificateMissing
	case bound.JWKThumbprint == "":
		return nil
	case shown.Scheme != schemeDPoP || len(shown.Proof.DPoP) == 0:
		return errBoundToken
	}
	p, err := s.checkProof(surface, shown.Proof, shown.Token)
	switch {
	case err != nil:
		return err
	case p.thumbprint != bound.JWKThumbprint:
		return errBoundToken
	}
	fresh, err := s.spend(ctx, p)
	if err == nil && !fresh {
		err = errInvalidProofAtResource
	}
	return err
}

// spend uses a proof up, and reports false if it was. Where there may be other
// servers, a proof of a request that changes something is looked for and noted in
// the database: it is good once, at all of them. Of the others, which are for
// reading, the servers tell one another, so that one may be good again at another
// server until that is told.
func (s *Service) spend(ctx context.Context, p *proof) (fresh bool, err error) {
	id, now := idOf(*p), s.now()
	if !s.spent.add(id, now) {
		return false, nil
	}
	if !s.spent.shared || p.Method == http.MethodGet || p.Method == http.MethodHead {
		return true, nil
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		fresh, err = tx.UseProof(ctx, id[:], now.Add(2*nonceLifetime))
		return err
	})
	return fresh, err
}

// Shared is what this service tells the other servers on the database and hears
// from them. It is called before the service is used, and the topics must then be
// exchanged.
func (s *Service) Shared() []peer.Topic {
	s.attempts.Share()
	s.userCodes.Share()
	s.devices.Share()
	s.spent.shared = true
	return []peer.Topic{
		peer.On("client-attempts", s.attempts.Untold, s.now, s.attempts.Learn),
		peer.On("client-attempts.addresses", s.attempts.Addresses.Untold, s.now, s.attempts.Addresses.Learn),
		peer.On("user-codes", s.userCodes.Untold, s.now, s.userCodes.Learn),
		peer.On("devices", s.devices.Untold, s.now, s.devices.Learn),
		peer.On("proofs", s.spent.take, s.now, s.spent.learn),
	}
}

const schemeDPoP = "dpop"

// certificateThumbprint is what x5t#S256 says of a certificate; empty without.
func certificateThumbprint(c *x509.Certificate) string {
	if c == nil {
		return ""
	}
	sum := sha256.Sum256(c.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

var (
	errInvalidProof        = estate.E(estate.Invalid, api.CodeOAuthInvalidProof, "Invalid DPoP proof", "The DPoP proof is malformed, was made for another request, is out of date, or was used before.")
	errProofRequired       = estate.E(estate.Invalid, api.CodeOAuthInvalidProof, "Invalid DPoP proof", "A DPoP proof of the right key is needed.")
	errUseNonce            = estate.E(estate.Invalid, api.CodeOAuthUseNonce, "DPoP nonce needed", "The DPoP proof must hold the nonce of the DPoP-Nonce header.")
	errCertificateRequired = estate.E(estate.Invalid, api.CodeOAuthInvalidRequest, "Invalid request", "The token is bound to a TLS client certificate, which this connection does not have.")

	errInvalidProofAtResource = estate.E(estate.Unauthenticated, api.CodeInvalidProof, "Unauthorized", "The DPoP proof is malformed, was made for another request or token, is out of date, or was used before.")
	errUseNonceAtResource     = estate.E(estate.Unauthenticated, api.CodeUseNonce, "Unauthorized", "The DPoP proof must hold the nonce of the DPoP-Nonce header.")
	errBoundToken             = estate.E(estate.Unauthenticated, api.CodeTokenBound, "Unauthorized", "The access token is bound to a key: it needs Authorization: DPoP, and a DPoP proof of that key.")
	errCertificateMissing     = estate.E(estate.Unauthenticated, api.CodeUnauthenticated, "Unauthorized", "The access token is bound to a TLS client certificate that this connection does not have.")
	errUnboundToken           = estate.E(estate.Unauthenticated, api.CodeUnauthenticated, "Unauthorized", "The access token is not bound to a key as it has to be.")
)
