package credential

import (
	"context"
	"errors"

	"github.com/freehold-platform/freehold/internal/assertion"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// OutsideToken is what a client makes of the token of an outside issuer.
type OutsideToken struct {
	Accepted   bool
	Credential string // name of the federated credential that accepts it
	Issuer     string
	Subject    string
	Reason     string // why it is not accepted
}

// CheckOutsideToken tells whether a client of realm would get a token for that of
// an outside issuer, and why not. Nothing is issued. Those may ask who manage the
// client: to others the token endpoint doesn't say why it refuses.
func (s *Service) CheckOutsideToken(ctx context.Context, actor estate.Actor, realm Realm, client estate.ClientID, token string) (OutsideToken, error) {
	c, err := s.clientToCheck(ctx, actor, realm, client)
	if err != nil {
		return OutsideToken{}, err
	}
	if !c.DisabledAt.IsZero() {
		return OutsideToken{Reason: "the client is disabled"}, nil
	}
	var by workload
	parsed, err := parseSignedToken(token, outsideAlgorithms)
	if err == nil {
		by, err = s.acceptOutsideToken(ctx, c, parsed)
	}
	var refused assertion.Refusal
	switch {
	case errors.As(err, &refused):
		checked := OutsideToken{Reason: string(refused)}
		if parsed != nil {
			checked.Issuer, checked.Subject = assertion.Short(parsed.claims.Issuer), assertion.Short(parsed.claims.Subject)
		}
		return checked, nil
	case err != nil:
		return OutsideToken{}, err
	}
	return OutsideToken{Accepted: true, Credential: by.credential, Issuer: by.issuer, Subject: by.subject}, nil
}

func (s *Service) clientToCheck(ctx context.Context, actor estate.Actor, realm Realm, id estate.ClientID) (c estate.Client, err error) {
	if err := mayManage(actor, realm); err != nil {
		return c, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		c, err = findToChange(ctx, tx, realm, id)
		return err
	})
	return c, err
}
