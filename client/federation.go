package client

import (
	"context"
	"net/http"

	"github.com/freehold-platform/freehold/api"
)

const federatedCredentials = "/federated-credentials"

// AddFederatedCredential lets a client authenticate by the tokens of one more
// outside issuer. Those that it has already are in [api.OAuthClient].
func (o OAuthClients) AddFederatedCredential(ctx context.Context, id string, f api.FederatedCredential) error {
	return o.do(ctx, http.MethodPost, id, federatedCredentials, nil, f, nil)
}

// RemoveFederatedCredential ends a client's trust in an outside issuer.
func (o OAuthClients) RemoveFederatedCredential(ctx context.Context, id, name string) error {
	segment, err := pathSegment(name)
	if err != nil {
		return err
	}
	return o.do(ctx, http.MethodDelete, id, federatedCredentials+"/"+segment, nil, nil, nil)
}

// CheckFederatedToken tells whether a client would get a token for that of an
// outside issuer, and why not. Nothing is issued.
func (o OAuthClients) CheckFederatedToken(ctx context.Context, id, token string) (*api.CheckedFederatedToken, error) {
	checked := new(api.CheckedFederatedToken)
	return checked, o.do(ctx, http.MethodPost, id, federatedCredentials+"/actions/check", nil, api.CheckFederatedTokenRequest{Token: token}, checked)
}
