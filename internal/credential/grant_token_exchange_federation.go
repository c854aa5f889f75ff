package credential

import (
	"context"
	"errors"
	"slices"

	"github.com/freehold-platform/freehold/api"
)

// isOutsideToken tells whether a subject token is one that somebody else than
// Freehold made.
func isOutsideToken(subjectTokenType string) bool {
	return subjectTokenType == api.TokenTypeJWT || subjectTokenType == api.TokenTypeIDToken
}

// exchangeOutsideToken gives a workload, for a token of an outside issuer that
// the client trusts, what the client gets by client credentials.
func (s *Service) exchangeOutsideToken(ctx context.Context, i *issue) error {
	audience := i.request.Exchange.Audience
	if audience != "" && !slices.Contains(assertionAudiences(i.surface), audience) {
		return errInvalidRequest.InParameter("audience", "audience must be this host: tokens are for the host that issues them")
	}
	if i.workload == (workload{}) { // the client has shown who it is by other means
		_, by, err := s.authenticateWorkload(ctx, string(i.client.ID), i.request.Exchange.SubjectToken)
		switch {
		case errors.Is(err, errInvalidClient):
			return errInvalidRequest.InParameter("subject_token", "the client does not trust this token")
		case err != nil:
			return err
		}
		i.workload = by
	}
	return s.grantClientCredentials(ctx, i)
}
