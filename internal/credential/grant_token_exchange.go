package credential

import (
	"context"

	"github.com/freehold-platform/freehold/api"
)

// exchanges maps the types of subject tokens (RFC 8693 section 3) to what makes
// a token of ours of them.
var exchanges = map[string]func(*Service, context.Context, *issue) error{
	api.TokenTypeAccessToken: (*Service).exchangeAccessToken,
	api.TokenTypeJWT:         (*Service).exchangeOutsideToken,
	api.TokenTypeIDToken:     (*Service).exchangeOutsideToken,
}

// grantTokenExchange is RFC 8693. Only access tokens come out of it.
func (s *Service) grantTokenExchange(ctx context.Context, i *issue) error {
	in := i.request.Exchange
	switch {
	case in.SubjectToken == "":
		return errInvalidRequest.InParameter("subject_token", "subject_token is missing")
	case in.RequestedTokenType != "" && in.RequestedTokenType != api.TokenTypeAccessToken:
		return errInvalidRequest.InParameter("requested_token_type", "only access tokens can be requested")
	}
	exchange, ok := exchanges[in.SubjectTokenType]
	if !ok {
		return errInvalidRequest.InParameter("subject_token_type", "not a type of token that is exchanged here")
	}
	i.issuedType = api.TokenTypeAccessToken
	return exchange(s, ctx, i)
}
