package credential

import (
	"context"

	"github.com/freehold-platform/freehold/api"
)

// exchanges maps types of subject tokens to what exchanging one does.
var exchanges = map[string]func(*Service, context.Context, *issue) error{
	api.TokenTypeJWT:     (*Service).exchangeOutsideToken,
	api.TokenTypeIDToken: (*Service).exchangeOutsideToken,
}

// grantTokenExchange is RFC 8693: a token for another one.
func (s *Service) grantTokenExchange(ctx context.Context, i *issue) error {
	e := i.request.Exchange
	exchange, ok := exchanges[e.SubjectTokenType]
	switch {
	case e.SubjectToken == "":
		return errInvalidRequest.InParameter("subject_token", "subject_token is missing")
	case !ok:
		return errInvalidRequest.InParameter("subject_token_type", "tokens of this type can't be exchanged")
	case e.RequestedTokenType != "" && e.RequestedTokenType != api.TokenTypeAccessToken:
		return errInvalidRequest.InParameter("requested_token_type", "requested_token_type must be "+api.TokenTypeAccessToken)
	}
	if err := exchange(s, ctx, i); err != nil {
		return err
	}
	i.issuedType = api.TokenTypeAccessToken
	return nil
}
