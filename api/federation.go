package api

// CheckFederatedTokenRequest is the body of POST
// …/federated-credentials/actions/check.
type CheckFederatedTokenRequest struct {
	Token string `json:"token"` // of an outside issuer
}

// CheckedFederatedToken is whether a client would get a token for that of an
// outside issuer, and why not.
type CheckedFederatedToken struct {
	Accepted            bool   `json:"accepted"`
	FederatedCredential string `json:"federatedCredential,omitempty"` // the name of the one that accepts it
	Issuer              string `json:"issuer,omitempty"`
	Subject             string `json:"subject,omitempty"`
	Reason              string `json:"reason,omitempty"` // why it is not accepted
}
