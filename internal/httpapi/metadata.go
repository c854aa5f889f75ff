package httpapi

import (
	"errors"
	"net/http"
	"slices"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
)

// Degraded is the error of a check that leaves the server of use: it is reported,
// and load balancers go on sending requests.
type Degraded struct{ error }

// Degrade makes a Degraded of err, and nil of nil.
func Degrade(err error) error {
	if err == nil {
		return nil
	}
	return Degraded{err}
}

// Unwrap returns what is wrong.
func (d Degraded) Unwrap() error { return d.error }

type status struct {
	Status string            `json:"status"`
	Checks map[string]string `json:"checks,omitempty"`
}

func getLiveness(*exchange) (status, error) { return status{Status: "ok"}, nil }

func getReadiness(x *exchange) error {
	answer, code := status{Status: "ok", Checks: map[string]string{}}, http.StatusOK
	for name, err := range x.server.Ready(x.r.Context()) {
		answer.Checks[name] = "ok"
		if err != nil {
			answer.Checks[name] = "unavailable"
			x.err = err
			if degraded := (Degraded{}); !errors.As(err, &degraded) {
				answer.Status, code = "unavailable", http.StatusServiceUnavailable
			} else if code == http.StatusOK {
				answer.Status = "degraded"
			}
		}
	}
	x.writeJSON(code, answer)
	return nil
}

func getOpenAPI(x *exchange) error {
	x.public()
	x.writeBody(http.StatusOK, api.OpenAPI(string(x.surface.Kind)))
	return nil
}

// getProductInfo answers the question by which some clients decide what kind of
// platform they talk to; without an answer they ask before every call.
func getProductInfo(x *exchange) (api.ProductInfo, error) {
	x.public()
	kind := "qlikcloudservices"
	if x.surface.Kind == estate.SurfaceConsole {
		kind = "cloud-console"
	}
	return api.ProductInfo{Composition: api.Composition{DeploymentType: kind}}, nil
}

func getMetadata(x *exchange) (api.AuthorizationServerMetadata, error) {
	x.public()
	origin := x.surface.Origin
	methods := []string{"client_secret_basic", "client_secret_post", "private_key_jwt"}
	metadata := api.AuthorizationServerMetadata{
		Issuer:                            origin,
		TokenEndpoint:                     origin + tokenPath,
		JWKSURI:                           origin + "/.well-known/jwks.json",
		GrantTypesSupported:               credential.GrantTypes(x.surface.Kind),
		ResponseTypesSupported:            []string{},
		TokenEndpointAuthMethodsSupported: methods,
		TokenEndpointAuthSigningAlgs:      credential.AssertionAlgorithms(),
		ScopesSupported:                   surfaceScopes(x.surface.Kind),

		DPoPSigningAlgValuesSupported:         credential.ProofAlgorithms(),
		TLSClientCertificateBoundAccessTokens: x.server.ClientCertificates,

		RevocationEndpoint:                        origin + revokePath,
		RevocationEndpointAuthMethodsSupported:    methods,
		IntrospectionEndpoint:                     origin + inspectPath,
		IntrospectionEndpointAuthMethodsSupported: append(methods[:len(methods):len(methods)], "Bearer"),
		IntrospectionSigningAlgorithmsSupported:   x.server.Credential.SigningAlgorithms(),
	}
	if x.surface.Kind == estate.SurfaceRegister {
		return metadata, nil
	}
	public := append(methods[:len(methods):len(methods)], "none")
	metadata.TokenEndpointAuthMethodsSupported, metadata.RevocationEndpointAuthMethodsSupported = public, public
	metadata.DeviceAuthorizationEndpoint = origin + api.DeviceAuthorizationPath
	if x.surface.Kind == estate.SurfaceConsole {
		return metadata, nil
	}
	metadata.AuthorizationEndpoint, metadata.ResponseTypesSupported = origin+api.AuthorizePath, []string{"code"}
	metadata.CodeChallengeMethods, metadata.ResponseModes, metadata.IssuerInAnswer = []string{"S256"}, []string{"query"}, true
	metadata.PromptValues = []string{"none", "login", "consent"}
	registers, err := x.server.SignIn.Registers(x.r.Context(), x.surface)
	if registers {
		metadata.RegistrationEndpoint = origin + api.RegisterPath
	}
	return metadata, err
}

// surfaceScopes are the scopes that mean something at a surface.
func surfaceScopes(kind estate.SurfaceKind) []string {
	switch kind {
	case estate.SurfaceConsole:
		return api.OrganizationClientScopes()
	case estate.SurfaceRegister:
		return api.RegionScopes()
	}
	return slices.Concat(api.TenantScopes(api.ScopeClassUser), api.TenantScopes(api.ScopeClassAdmin))
}

func getResourceMetadata(x *exchange) (api.ProtectedResourceMetadata, error) {
	x.public()
	origin := x.surface.Origin
	return api.ProtectedResourceMetadata{
		Resource:               origin,
		AuthorizationServers:   []string{origin},
		ScopesSupported:        surfaceScopes(x.surface.Kind),
		BearerMethodsSupported: []string{"header"},
	}, nil
}

func getJWKS(x *exchange) error {
	x.public()
	x.w.Header().Set("Cache-Control", "public, max-age=300")
	x.writeBody(http.StatusOK, x.server.Credential.JWKS())
	return nil
}

// public lets pages of any origin read the answer: it is the same for all.
func (x *exchange) public() { x.w.Header().Set("Access-Control-Allow-Origin", "*") }
