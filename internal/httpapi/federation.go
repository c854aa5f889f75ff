package httpapi

import (
	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
)

func domainFederated(wire []api.FederatedCredential) (all []estate.FederatedCredential) {
	for _, f := range wire {
		all = append(all, estate.FederatedCredential(f))
	}
	return all
}

func addFederatedCredential(x *exchange, in api.FederatedCredential) (api.FederatedCredential, error) {
	return in, x.server.Credential.AddFederatedCredential(x.r.Context(), x.actor, x.realm(), x.oauthClient(), estate.FederatedCredential(in))
}

func removeFederatedCredential(x *exchange) error {
	return x.server.Credential.RemoveFederatedCredential(x.r.Context(), x.actor, x.realm(), x.oauthClient(), x.r.PathValue("name"))
}

func checkFederatedToken(x *exchange, in api.CheckFederatedTokenRequest) (api.CheckedFederatedToken, error) {
	checked, err := x.server.Credential.CheckOutsideToken(x.r.Context(), x.actor, x.realm(), x.oauthClient(), in.Token)
	return api.CheckedFederatedToken{
		Accepted: checked.Accepted, FederatedCredential: checked.Credential, Issuer: checked.Issuer, Subject: checked.Subject, Reason: checked.Reason,
	}, err
}
