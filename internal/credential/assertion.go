package credential

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/assertion"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// authPrivateKeyJWT is the authentication method of clients that sign an
// assertion (RFC 7523, OpenID Connect Core section 9).
const authPrivateKeyJWT = "private_key_jwt"

// workload is who, outside, got a token through a federated credential.
type workload struct {
	credential string // its name
	issuer     string
	subject    string
}

// identify proves who asks for a token: by secret, by an assertion, or in a
// token exchange by the outside token that is to be exchanged.
func (s *Service) identify(ctx context.Context, surface estate.Surface, r TokenRequest) (estate.Client, workload, error) {
	c := r.Credentials
	switch {
	case c.Assertion != "" || c.AssertionType != "":
		return s.authenticateAssertion(ctx, surface, c)
	case r.GrantType == api.GrantTokenExchange && isOutsideToken(r.Exchange.SubjectTokenType) && c.Secret == "":
		return s.authenticateWorkload(ctx, c.ClientID, r.Exchange.SubjectToken)
	}
	client, err := s.authenticateClient(ctx, c)
	return client, workload{}, err
}

// authenticateAssertion is RFC 7521 section 4.2: a JWT says who the client is.
// The client made it itself and signed it with a registered key, or an outside
// issuer that it trusts made it. Whatever is wrong, the answer is the same; the
// audit trail has the reason.
func (s *Service) authenticateAssertion(ctx context.Context, surface estate.Surface, c Credentials) (estate.Client, workload, error) {
	switch {
	case c.AssertionType != api.AssertionTypeJWT:
		return estate.Client{}, workload{}, errInvalidRequest.InParameter("client_assertion_type", "client_assertion_type must be "+api.AssertionTypeJWT)
	case c.Assertion == "":
		return estate.Client{}, workload{}, errInvalidRequest.InParameter("client_assertion", "client_assertion is missing")
	case c.Secret != "":
		return estate.Client{}, workload{}, errInvalidRequest.InParameter("client_secret", "a client authenticates by a secret or by an assertion, not by both")
	}
	token, refused := parseSignedToken(c.Assertion, outsideAlgorithms)
	id := c.ClientID
	if id == "" && token != nil {
		id = token.claims.Subject
	}
	client, err := s.knownClient(ctx, id)
	if err != nil {
		return estate.Client{}, workload{}, err
	}
	var by workload
	switch {
	case refused != nil:
	case token.claims.Issuer == string(client.ID):
		refused = s.acceptAssertion(ctx, surface, client, token)
	default:
		by, refused = s.acceptOutsideToken(ctx, client, token)
	}
	return s.accepted(client, by, "client_assertion", refused)
}

// authenticateWorkload lets the subject token of an exchange say who the client
// is. A workload that has only its own token needs nothing else.
func (s *Service) authenticateWorkload(ctx context.Context, clientID, subjectToken string) (estate.Client, workload, error) {
	switch {
	case clientID == "":
		return estate.Client{}, workload{}, errInvalidRequest.InParameter("client_id", "client_id is missing")
	case subjectToken == "":
		return estate.Client{}, workload{}, errInvalidRequest.InParameter("subject_token", "subject_token is missing")
	}
	client, err := s.knownClient(ctx, clientID)
	if err != nil {
		return estate.Client{}, workload{}, err
	}
	by, refused := workload{}, error(nil)
	token, refused := parseSignedToken(subjectToken, outsideAlgorithms)
	if refused == nil {
		by, refused = s.acceptOutsideToken(ctx, client, token)
	}
	return s.accepted(client, by, "subject_token", refused)
}

// knownClient finds a client that may authenticate. Client ids are no secret,
// so it makes no effort to take as long for those that don't exist.
func (s *Service) knownClient(ctx context.Context, id string) (estate.Client, error) {
	if !estate.ClientID(id).Valid() {
		return estate.Client{}, errInvalidClient
	}
	client, err := s.clients.Get(ctx, estate.ClientID(id))
	switch {
	case estate.HasCode(err, api.CodeClientNotFound):
		return client, errInvalidClient
	case err != nil:
		return client, err
	case !client.DisabledAt.IsZero():
		return client, errInvalidClient
	}
	return client, nil
}

// accepted turns the outcome of an authentication into its answer: a refusal
// is recorded and answered like any other.
func (s *Service) accepted(client estate.Client, by workload, parameter string, err error) (estate.Client, workload, error) {
	var refused assertion.Refusal
	switch {
	case errors.As(err, &refused):
		s.refusals.add(client, parameter, string(refused), s.now())
		return estate.Client{}, workload{}, errInvalidClient
	case err != nil:
		return estate.Client{}, workload{}, err
	}
	return client, by, nil
}

// acceptAssertion checks what a client says of itself. It returns a refusal
// where it is not believed.
func (s *Service) acceptAssertion(ctx context.Context, surface estate.Surface, client estate.Client, token *signedToken) error {
	now, c := s.now(), token.claims
	switch {
	case !slices.Contains(client.AuthMethods, authPrivateKeyJWT):
		return assertion.Refuse("the client is not registered for %s", authPrivateKeyJWT)
	case !slices.Contains(AssertionAlgorithms(), token.algorithm):
		return assertion.Refuse("algorithm %q is not accepted", token.algorithm)
	case c.Subject != string(client.ID):
		return assertion.Refuse("sub is not the client id")
	case !slices.ContainsFunc(assertionAudiences(surface), func(own string) bool { return slices.Contains(c.Audience, own) }):
		return assertion.Refuse("aud %q is not this host", assertion.Short(strings.Join(c.Audience, " ")))
	case c.IssuedAt == nil:
		return assertion.Refuse("iat is missing")
	case c.ID == "":
		return assertion.Refuse("jti is missing")
	case len(c.ID) > maxAssertionID:
		return assertion.Refuse("jti is longer than %d bytes", maxAssertionID)
	}
	if err := token.claims.InForce(now, clockSkew); err != nil {
		return err
	}
	expires := assertion.Moment(*c.ExpiresAt)
	if expires.Sub(assertion.Moment(*c.IssuedAt)) > maxAssertionAge {
		return assertion.Refuse("exp is more than %v after iat", maxAssertionAge)
	}
	if err := s.verifyByClient(ctx, client, token); err != nil {
		return err
	}
	return s.useAssertion(ctx, client, c.ID, now, expires.Add(clockSkew))
}

// verifyByClient checks the signature of a client's own assertion.
func (s *Service) verifyByClient(ctx context.Context, client estate.Client, token *signedToken) error {
	if client.JWKSURI != "" {
		return s.verifyByURL(ctx, client.JWKSURI, token)
	}
	trust, err := s.trusts.Get(ctx, client.ID)
	if err != nil {
		return err
	}
	return token.verify(trust.keys)
}

// verifyByURL checks a signature with published keys. Keys are rotated by
// publishing new ones, so a key that is not there may be there now.
func (s *Service) verifyByURL(ctx context.Context, url string, token *signedToken) error {
	keys, err := s.keySets.Get(ctx, url)
	if err != nil {
		return unfetched(ctx, err)
	}
	if err = token.verify(keys); err == nil {
		return nil
	}
	if keys, err = s.keySets.Refresh(ctx, url); err != nil {
		return unfetched(ctx, err)
	}
	return token.verify(keys)
}

// unfetched is the refusal of a token whose keys can't be had. A caller that
// has gone is not refused anything.
func unfetched(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err
	}
	return assertion.Refuse("no keys: %s", assertion.Short(err.Error()))
}

// useAssertion makes sure that an assertion is used once, on any node.
func (s *Service) useAssertion(ctx context.Context, client estate.Client, id string, now, expires time.Time) error {
	fresh := false
	err := s.store.Write(ctx, func(tx *store.Tx) (err error) {
		fresh, err = tx.UseAssertion(ctx, client.Scope, client.ID, id, now, expires)
		return err
	})
	if err == nil && !fresh {
		return assertion.Refuse("jti %q was used before", assertion.Short(id))
	}
	return err
}

// assertionAudiences are the values of aud that mean surface: its token
// endpoint, as the contract has it, and its issuer, as most libraries have it
// by now; for a tenant under each of its names.
func assertionAudiences(surface estate.Surface) []string {
	origins := []string{surface.Origin}
	if surface.Kind == estate.SurfaceTenant {
		scheme, rest, _ := strings.Cut(surface.Origin, "://")
		names := []estate.Hostname{surface.Tenant.Hostname, surface.Tenant.Alias}
		for i, name := range names {
			other := names[1-i]
			if domain, ok := strings.CutPrefix(rest, string(name)+"."); ok && name != "" && other != "" {
				origins = append(origins, scheme+"://"+string(other)+"."+domain)
			}
		}
	}
	var all []string
	for _, origin := range origins {
		all = append(all, origin+api.TokenPath, origin)
	}
	return all
}
