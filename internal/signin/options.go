package signin

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
)

const maxIssuer = 512

// keyIDPattern keeps key ids to what can be shown anywhere.
var keyIDPattern = regexp.MustCompile(`^[\x21-\x7e]{1,256}$`)

// jwtOptions checks the options of an issuer of tokens. Its keys are kept as they
// came, when they are public ones.
func jwtOptions(in api.IdentityProviderOptions) (o estate.IdentityProviderOptions, err error) {
	switch {
	case strings.TrimSpace(in.Issuer) == "" || len(in.Issuer) > maxIssuer:
		return o, invalid("/options/issuer", "must have 1 to 512 characters")
	case len(in.StaticKeys) != 1:
		return o, invalid("/options/staticKeys", "must hold one key")
	}
	key := in.StaticKeys[0]
	if !keyIDPattern.MatchString(key.KeyID) {
		return o, invalid("/options/staticKeys/0/kid", "must have 1 to 256 printable ASCII characters without spaces")
	}
	if _, detail := publicKey(key.PEM); detail != "" {
		return o, invalid("/options/staticKeys/0/pem", detail)
	}
	return estate.IdentityProviderOptions{Issuer: in.Issuer, Keys: []estate.StaticKey{{ID: key.KeyID, PEM: key.PEM}}}, nil
}

// Bounds of keys. RSA keys beyond the upper one only make verifying expensive.
const (
	maxPEM     = 32 << 10
	minRSABits = 2048
	maxRSABits = 8192
)

// pemPattern takes a PEM block apart whose line breaks may be missing: many
// programs strip them to fit a key into JSON.
var pemPattern = regexp.MustCompile(`^\s*-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]+)-----END ([A-Z0-9 ]+)-----\s*$`)

// publicKey reads a public key, or the one of a certificate, out of PEM. Where it
// can't, detail says why; it repeats nothing of the text. The dates of a
// certificate are not looked at: who registered it trusts the key.
func publicKey(text string) (key any, detail string) {
	if len(text) > maxPEM {
		return nil, "must have at most 32768 bytes"
	}
	if strings.Contains(text, "PRIVATE KEY") {
		return nil, "must be a public key or a certificate: this is a private key; it has been shown, so replace it"
	}
	parts := pemPattern.FindStringSubmatch(text)
	if parts == nil || parts[1] != parts[3] {
		return nil, "must be one PEM block with a public key or a certificate"
	}
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(parts[2]), ""))
	if err != nil {
		return nil, "is not valid PEM"
	}
	switch parts[1] {
	case "CERTIFICATE":
		certificate, parseErr := x509.ParseCertificate(der)
		if err = parseErr; err == nil {
			key = certificate.PublicKey
		}
	case "PUBLIC KEY":
		key, err = x509.ParsePKIXPublicKey(der)
	case "RSA PUBLIC KEY":
		key, err = x509.ParsePKCS1PublicKey(der)
	default:
		return nil, "must be a PUBLIC KEY, an RSA PUBLIC KEY or a CERTIFICATE"
	}
	if err != nil {
		return nil, "is not a valid public key or certificate"
	}
	if len(algorithmsOf(key)) == 0 {
		return nil, "must be an RSA key of 2048 to 8192 bits, a key on P-256, P-384 or P-521, or an Ed25519 key"
	}
	return key, ""
}

// algorithmsOf lists the algorithms that go with the type and size of a key: no
// token chooses another. None if the key is not one to rely on.
func algorithmsOf(key any) []string {
	switch k := key.(type) {
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits < minRSABits || bits > maxRSABits || k.E < 3 || k.E%2 == 0 {
			return nil
		}
		return []string{"RS256", "RS384", "RS512"}
	case *ecdsa.PublicKey:
		switch k.Curve.Params().BitSize {
		case 256:
			return []string{"ES256"}
		case 384:
			return []string{"ES384"}
		case 521:
			return []string{"ES512"}
		}
	case ed25519.PublicKey:
		return []string{"EdDSA"}
	}
	return nil
}

// claimNames are the claims that can be mapped.
var claimNames = []string{"sub", "name", "email", "email_verified", "groups", "client_id", "picture", "locale", "zoneinfo"}

const (
	defaultScope = "openid profile email"
	maxText      = 1024
)

// oidcOptions checks the options of an OpenID Connect provider p, at pointer in
// the request. Where in has no secret, that of before is kept, if it is for the
// same client and endpoints: else a changed URL would lure it away. Options
// without any are refused by checkSecrets.
func (s *Service) oidcOptions(p estate.IdentityProvider, pointer string, in api.IdentityProviderOptions, before estate.IdentityProviderOptions) (o estate.IdentityProviderOptions, err error) {
	o = estate.IdentityProviderOptions{
		DiscoveryURL: in.DiscoveryURL, ClientID: in.ClientID, Realm: in.Realm, Scope: in.Scope, ClaimsMapping: in.ClaimsMapping,
		SignatureAlgorithm: in.IDTokenSignatureAlg, ClaimsFromIDToken: in.UseClaimsFromIDToken, EmailVerified: in.EmailVerifiedAlwaysTrue,
		BlockOfflineAccess: in.BlockOfflineAccessScope,
	}
	if c := in.OpenIDConfiguration; c != nil {
		o.Configuration = &estate.OpenIDEndpoints{
			Issuer: c.Issuer, Authorization: c.AuthorizationEndpoint, Token: c.TokenEndpoint, JWKS: c.JWKSURI,
			UserInfo: c.UserinfoEndpoint, EndSession: c.EndSessionEndpoint, Introspection: c.IntrospectionEndpoint,
		}
	}
	if in.DecryptingKey != nil {
		return o, unsupported(pointer+"/decryptingKey", "encrypted ID tokens are not supported")
	}
	if err := s.checkOIDC(p, pointer, o); err != nil {
		return o, err
	}
	switch {
	case len(in.ClientSecret) > maxText:
		return o, invalid(pointer+"/clientSecret", "must have 1 to 1024 characters")
	case in.ClientSecret != "":
		o.SealedSecret, err = s.keys.Seal(sealClientSecret, sealedAs(p), []byte(in.ClientSecret))
	case sameClient(o, before):
		o.SealedSecret = before.SealedSecret
	}
	return o, err
}

// checkSecrets refuses OpenID Connect options without a client secret.
func checkSecrets(p estate.IdentityProvider) error {
	const detail = "must have 1 to 1024 characters, and be given again after a change of where it is sent to"
	switch {
	case p.Options.ClientID != "" && p.Options.SealedSecret == nil:
		return invalid("/options/clientSecret", detail)
	case p.Pending != nil && p.Pending.SealedSecret == nil:
		return invalid("/pendingOptions/clientSecret", detail)
	}
	return nil
}

// sameClient tells whether a secret for the client of b goes to the same place
// with a.
func sameClient(a, b estate.IdentityProviderOptions) bool {
	sameEndpoints := a.Configuration == b.Configuration || a.Configuration != nil && b.Configuration != nil && *a.Configuration == *b.Configuration
	return a.ClientID == b.ClientID && a.DiscoveryURL == b.DiscoveryURL && sameEndpoints
}

// checkOIDC checks all of o but its secret.
func (s *Service) checkOIDC(p estate.IdentityProvider, pointer string, o estate.IdentityProviderOptions) error {
	switch {
	case o.ClientID == "" || len(o.ClientID) > maxText:
		return invalid(pointer+"/clientId", "must have 1 to 1024 characters")
	case (o.DiscoveryURL == "") == (o.Configuration == nil):
		return invalid(pointer+"/discoveryUrl", "must be given, or openid_configuration instead of it")
	case len(o.Realm) > 255 || strings.ContainsAny(o.Realm, "\\/") || hasControl(o.Realm):
		return invalid(pointer+"/realm", "must have at most 255 characters, without slashes")
	case len(o.Scope) > maxText || o.Scope != "" && !slices.Contains(strings.Fields(o.Scope), "openid"):
		return invalid(pointer+"/scope", "must hold openid, and at most 1024 characters")
	case o.SignatureAlgorithm != "" && o.SignatureAlgorithm != "RS256" && o.SignatureAlgorithm != "RS512":
		return invalid(pointer+"/idTokenSignatureAlg", "must be RS256 or RS512")
	case o.EmailVerified != nil && !isMicrosoft(p.Provider):
		return invalid(pointer+"/emailVerifiedAlwaysTrue", "can be set with the providers adfs and azureAD only")
	}
	if err := s.checkEndpoints(pointer, o); err != nil {
		return err
	}
	return checkMapping(pointer+"/claimsMapping", o.ClaimsMapping)
}

// checkEndpoints checks the URLs that the server calls, and those that people are
// sent to.
func (s *Service) checkEndpoints(pointer string, o estate.IdentityProviderOptions) error {
	check := func(name, address string, required bool) error {
		if address == "" && !required {
			return nil
		}
		if err := s.fetch.CheckURL(address); err != nil {
			return invalid(pointer+"/"+name, err.Error())
		}
		return nil
	}
	if o.Configuration == nil {
		return check("discoveryUrl", o.DiscoveryURL, true)
	}
	c := o.Configuration
	if c.Issuer == "" || len(c.Issuer) > maxIssuer {
		return invalid(pointer+"/openid_configuration/issuer", "must have 1 to 512 characters")
	}
	for _, endpoint := range []struct {
		name, address string
		required      bool
	}{
		{"authorization_endpoint", c.Authorization, true},
		{"token_endpoint", c.Token, true},
		{"jwks_uri", c.JWKS, true},
		{"userinfo_endpoint", c.UserInfo, false},
		{"end_session_endpoint", c.EndSession, false},
		{"introspection_endpoint", c.Introspection, false},
	} {
		if err := check("openid_configuration/"+endpoint.name, endpoint.address, endpoint.required); err != nil {
			return err
		}
	}
	return nil
}

// checkMapping checks where the claims of a person are to be found.
func checkMapping(pointer string, mapping map[string][]string) error {
	const most = 10
	if mapping == nil {
		return invalid(pointer, "is missing")
	}
	for name, pointers := range mapping {
		if !slices.Contains(claimNames, name) {
			return invalid(pointer, "can hold "+strings.Join(claimNames, ", ")+" only")
		}
		if len(pointers) == 0 || len(pointers) > most {
			return invalid(pointer+"/"+name, "must hold 1 to "+strconv.Itoa(most)+" JSON Pointers")
		}
		for _, p := range pointers {
			if !strings.HasPrefix(p, "/") || len(p) > 255 {
				return invalid(pointer+"/"+name, "must hold JSON Pointers, such as /"+name)
			}
		}
	}
	return nil
}

// isMicrosoft tells whether a provider is one of those for which the contract has
// other defaults.
func isMicrosoft(provider string) bool { return provider == "adfs" || provider == "azureAD" }

// isWebPage tells whether people can be sent to address.
func isWebPage(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || len(address) > 2048 || hasControl(address) {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || strings.HasSuffix(u.Hostname(), ".localhost"))
}
