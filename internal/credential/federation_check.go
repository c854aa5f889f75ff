package credential

import (
	"context"
	"errors"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
)

// OutsideToken is what a client makes of the token of an outside issuer.
type OutsideToken struct {
	Accepted   bool
	Credential string // name of the federated credential that accepts it
	Issuer     string
	Subject    string
	Reason     string // why it is not accepted
}

// CheckOutsideToken tells the operator whether client would get a token for
// that of an outside issuer, and why not. Nothing is issued.
func (s *Service) CheckOutsideToken(ctx context.Context, actor estate.Actor, client estate.ClientID, token string) (OutsideToken, error) {
	if !actor.IsOperator() {
		return OutsideToken{}, estate.E(estate.Forbidden, api.CodeForbidden, "Forbidden", "This is for the operator.")
	}
	c, err := s.clients.Get(ctx, client)
	if err != nil {
		return OutsideToken{}, err
	}
	var by workload
	parsed, err := parseSignedToken(token, outsideAlgorithms)
	if err == nil {
		by, err = s.acceptOutsideToken(ctx, c, parsed)
	}
	var refused refusal
	switch {
	case errors.As(err, &refused):
		checked := OutsideToken{Reason: string(refused)}
		if parsed != nil {
			checked.Issuer, checked.Subject = short(parsed.claims.Issuer), short(parsed.claims.Subject)
		}
		return checked, nil
	case err != nil:
		return OutsideToken{}, err
	}
	return OutsideToken{Accepted: true, Credential: by.credential, Issuer: by.issuer, Subject: by.subject}, nil
}
