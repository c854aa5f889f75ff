package estate

import "encoding/json"

// PublicKey is a key with which a client signs assertions. Only its public
// part ever comes here.
type PublicKey struct {
	ID        string          `json:"kid"`
	Algorithm string          `json:"alg"`
	JWK       json.RawMessage `json:"jwk"` // public members only
}

// FederatedCredential says which tokens of an outside OpenID Connect issuer
// authenticate a client: those for Audience that have Subject, where it is set,
// and that fulfil Condition, where it is set. One of the two always is.
type FederatedCredential struct {
	Name      string `json:"name"` // unique in the client
	Issuer    string `json:"issuer"`
	Audience  string `json:"audience"`
	Subject   string `json:"subject,omitempty"`
	Condition string `json:"condition,omitempty"` // CEL over "claims", of type bool
}
