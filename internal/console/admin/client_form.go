package admin

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/console/frame"
	"github.com/freehold-platform/freehold/internal/console/ui"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
)

// wideScopes stand for whole sets of scopes, and are what most clients have.
var wideScopes = []ui.Option{
	{Value: api.ScopeUserDefault, Label: api.ScopeUserDefault, Hint: "What any user may do."},
	{Value: api.ScopeAdminClassic, Label: api.ScopeAdminClassic, Hint: "What an administrator may do, as far as the one who acts is one."},
	{Value: api.ScopeOfflineAccess, Label: api.ScopeOfflineAccess, Hint: "Go on acting for a person who has left, by refresh tokens."},
}

var grantOptions = []ui.Option{
	{Value: api.GrantClientCredentials, Label: "by itself", Hint: "Machine-to-machine, as a bot of its own (client credentials)."},
	{Value: api.GrantUserImpersonation, Label: "as any user", Hint: "Machine-to-machine impersonation of users who aren't there."},
}

// The ways for a client to show who it is.
const (
	bySecret     = "client_secret"
	byKey        = "private_key_jwt"
	byFederation = "federation"
)

var authOptions = []ui.Option{
	{Value: bySecret, Label: "A secret", Hint: "Made here, and shown once."},
	{Value: byKey, Label: "A private key", Hint: "Stays with the program; its public key is below."},
	{Value: byFederation, Label: "Tokens of an outside issuer", Hint: "Such as a CI system's or a cluster's: no secret anywhere."},
}

// clientFields leads from what is wrong with a client to the form's fields.
var clientFields = map[string]string{
	"/appType": "type", "/clientName": "name", "/description": "description", "/clientUri": "uri", "/logoUri": "logo", "/redirectUris": "redirects",
	"/allowedOrigins": "origins", "/allowedScopes": "scopes", "/allowedGrantTypes": "grants", "/allowedAuthMethods": "auth",
	"/connectionConfig/consentMethod": "trusted", "/tokenBinding": "binding", "/publicKeys": "keys", "/jwksUri": "jwks",
	"/federatedCredentials": "issuer", "/federatedCredentials/0/name": "issuerName", "/federatedCredentials/0/issuer": "issuer",
	"/federatedCredentials/0/audience": "audience", "/federatedCredentials/0/subject": "subject", "/federatedCredentials/0/condition": "condition",
}

// federationFields is clientFields for one more issuer.
var federationFields = map[string]string{"/name": "issuerName", "/issuer": "issuer", "/audience": "audience", "/subject": "subject", "/condition": "condition"}

// commonFields are those of new clients and of those that are edited.
func commonFields(c estate.Client) []field {
	var wide, further []string
	for _, name := range c.Permissions {
		if slices.ContainsFunc(wideScopes, func(o ui.Option) bool { return o.Value == name }) {
			wide = append(wide, name)
		} else {
			further = append(further, name)
		}
	}
	return []field{
		{ui.Field{Name: "name", Label: "Name", Value: c.Name, Required: true}, line},
		{ui.Field{Name: "description", Label: "Description", Value: c.Description, Rows: 2}, text},
		{ui.Field{Name: "scope", Label: "Scopes", Options: wideScopes, Checked: wide}, checks},
		{ui.Field{Name: "scopes", Label: "Further scopes", Value: strings.Join(further, "\n"), Mono: true, Rows: 3, Hint: "One a line, such as users:read."}, text},
		{ui.Field{Name: "redirects", Label: "Redirect URLs", Value: strings.Join(c.RedirectURIs, "\n"), Mono: true, Rows: 2, Hint: "Where people come back to who sign in; one a line. Needed if the client acts for people."}, text},
		{ui.Field{Name: "origins", Label: "Allowed origins", Value: strings.Join(c.AllowedOrigins, "\n"), Mono: true, Rows: 2, Hint: "Whose pages may call this tenant, such as https://app.example.com; one a line."}, text},
		{ui.Field{Name: "uri", Label: "Home page", Value: c.URI, Type: "url"}, line},
		{ui.Field{Name: "logo", Label: "Logo", Value: c.LogoURI, Type: "url", Hint: "The URL of a picture."}, line},
	}
}

// webFields are those for clients on servers only.
func webFields(c estate.Client) []field {
	keys := ""
	if len(c.PublicKeys) > 0 {
		var set struct {
			Keys []json.RawMessage `json:"keys"`
		}
		for _, k := range c.PublicKeys {
			set.Keys = append(set.Keys, k.JWK)
		}
		encoded, _ := json.MarshalIndent(set, "", "  ") // which were JSON before
		keys = string(encoded)
	}
	return []field{
		{ui.Field{Name: "grants", Label: "May work without a person (web or machine only)", Options: grantOptions, Checked: c.GrantTypes}, checks},
		{ui.Field{Name: "auth", Label: "Shows who it is by (web or machine only)", Options: authOptions, Value: authOf(c)}, radios},
		{ui.Field{Name: "keys", Label: "Public keys", Value: keys, Mono: true, Rows: 5, Hint: "A JWK or a JWK set, in JSON. For a private key."}, text},
		{ui.Field{Name: "jwks", Label: "URL of the public keys", Value: c.JWKSURI, Type: "url", Hint: "A JWK set, instead of the keys themselves."}, line},
	}
}

func authOf(c estate.Client) string {
	switch {
	case slices.Contains(c.AuthMethods, byKey):
		return byKey
	case len(c.AuthMethods) == 0 && len(c.Federated) > 0:
		return byFederation
	}
	return bySecret
}

func issuerFields() []field {
	return []field{
		{ui.Field{Name: "issuerName", Label: "Name of the issuer (web or machine only)", Hint: "For tokens of an outside issuer: what it is called here, such as ci."}, line},
		{ui.Field{Name: "issuer", Label: "Issuer", Type: "url", Hint: "As in the claim iss of its tokens."}, line},
		{ui.Field{Name: "audience", Label: "Audience", Mono: true, Hint: "As in aud."}, line},
		{ui.Field{Name: "subject", Label: "Subject", Mono: true, Hint: "As in sub. Empty: by the condition alone."}, line},
		{ui.Field{Name: "condition", Label: "Condition", Mono: true, Hint: `CEL over the claims, such as claims.ref == "refs/heads/main".`}, line},
	}
}

func clientForm(c estate.Client) form {
	f := form{Title: "New client", Crumbs: crumb("OAuth clients", oauthPath), Action: oauthPath + "/new", Cancel: oauthPath, Do: "Create client"}
	f.Fields = append(f.Fields, field{ui.Field{Name: "type", Label: "Type", Options: appTypes, Value: c.AppType}, radios})
	f.Fields = append(f.Fields, commonFields(c)...)
	f.Fields = append(f.Fields, field{ui.Field{Name: "trusted", Label: "Trusted: users aren't asked whether it may act for them"}, check})
	f.Fields = append(f.Fields, webFields(c)...)
	f.Fields = append(f.Fields, issuerFields()...)
	f.Fields = append(f.Fields, field{ui.Field{Name: "binding", Label: "Bind tokens, so that stolen ones are worth nothing", Options: []ui.Option{{Label: "no"}, {Value: "dpop", Label: "by DPoP"}, {Value: "mtls", Label: "by client certificate (mTLS)"}}}, choice})
	return f
}

func (c *Console) askClient(q *frame.Request) error {
	f := clientForm(estate.Client{AppType: api.AppTypeWeb, Permissions: estate.Permissions{api.ScopeUserDefault}, GrantTypes: []string{api.GrantClientCredentials}})
	return q.Render(f.Title, formPage(f))
}

// typedScopes are the scopes that the form says.
func typedScopes(q *frame.Request) []string {
	return slices.Concat(q.Values("scope"), strings.Fields(q.Value("scopes")))
}

// typedKeys reads a JWK, a list of them or a set.
func typedKeys(text string) (keys []json.RawMessage, problem string) {
	if text == "" {
		return nil, ""
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	var one map[string]json.RawMessage
	switch {
	case json.Unmarshal([]byte(text), &keys) == nil:
		return keys, ""
	case json.Unmarshal([]byte(text), &set) == nil && set.Keys != nil:
		return set.Keys, ""
	case json.Unmarshal([]byte(text), &one) == nil:
		return []json.RawMessage{json.RawMessage(text)}, ""
	}
	return nil, "This is not JSON of a JWK or a JWK set."
}

func (c *Console) createClient(q *frame.Request) error {
	f := clientForm(estate.Client{})
	n := credential.NewClient{
		Level: estate.LevelTenant, Scope: q.Actor.Scope, Name: q.Value("name"), Description: q.Value("description"), AppType: q.Value("type"),
		URI: q.Value("uri"), LogoURI: q.Value("logo"), RedirectURIs: lines(q.FormValue("redirects")), AllowedOrigins: lines(q.FormValue("origins")),
		Permissions: typedScopes(q), TokenBinding: estate.TokenBinding(q.Value("binding")),
	}
	if q.Value("trusted") == "yes" {
		n.Consent = estate.ConsentTrusted
	}
	problems := frame.FieldErrors{}
	if len(n.Permissions) == 0 {
		problems["scope"] = "Choose at least one scope."
	}
	if n.AppType == api.AppTypeWeb { // the form has these fields, with defaults, for the other types too
		var problem string
		if n.PublicKeys, problem = typedKeys(q.Value("keys")); problem != "" {
			problems["keys"] = problem
		}
		n.JWKSURI, n.GrantTypes, n.AuthMethods = q.Value("jwks"), q.Values("grants"), authMethods(q.Value("auth"))
		if given := typedFederation(q); given != (estate.FederatedCredential{}) {
			n.Federated = []estate.FederatedCredential{given}
		} else if q.Value("auth") == byFederation {
			problems["issuer"] = "Say whose tokens are accepted."
		}
	}
	if len(problems) > 0 {
		return f.again(q, problems)
	}
	made, secret, err := c.Credential.CreateClient(q.Context(), q.Actor, n)
	if err != nil {
		return f.refused(q, err, clientFields)
	}
	if secret.Reveal() != "" {
		q.Pass("secret", madeSecret{Client: made.ID, Secret: secret.Reveal()})
	} else {
		q.Say("success", "The client is made. It has no secret.")
	}
	return q.Redirect(clientPath(made.ID, ""))
}

// authMethods are what a choice stands for; none for tokens of outside issuers.
func authMethods(choice string) []string {
	if choice == byFederation || choice == "" {
		return nil
	}
	return []string{choice}
}

func editForm(v clientView) form {
	f := form{
		Title: "Edit " + clientName(v.Client), Crumbs: append(crumb("OAuth clients", oauthPath), ui.NavItem{Label: clientName(v.Client), Href: v.path("")}),
		Action: v.path("/edit"), Cancel: v.path(""), Do: "Save", Fields: commonFields(v.Client),
	}
	if v.AppType == api.AppTypeWeb {
		f.Fields = append(f.Fields, webFields(v.Client)...)
	}
	return f.editing()
}

func (c *Console) askEditClient(q *frame.Request) error {
	v, err := c.ownClient(q)
	if err != nil {
		return err
	}
	f := editForm(v)
	return q.Render(f.Title, formPage(f))
}

func (c *Console) editClient(q *frame.Request) error {
	v, err := c.ownClient(q)
	if err != nil {
		return err
	}
	f := editForm(v)
	if q.Overtaken(f.Shown) {
		return q.Redirect(v.path("/edit"))
	}
	var patch []credential.PatchOperation
	var of []string
	replace := func(field, path string, value any) {
		patch, of = append(patch, credential.PatchOperation{Op: "replace", Path: path, Value: value}), append(of, field)
	}
	for _, member := range []struct{ field, path string }{{"name", "/clientName"}, {"description", "/description"}, {"uri", "/clientUri"}, {"logo", "/logoUri"}} {
		replace(member.field, member.path, q.Value(member.field))
	}
	replace("scopes", "/allowedScopes", typedScopes(q))
	replace("redirects", "/redirectUris", lines(q.FormValue("redirects")))
	replace("origins", "/allowedOrigins", lines(q.FormValue("origins")))
	if v.AppType == api.AppTypeWeb {
		keys, problem := typedKeys(q.Value("keys"))
		if problem != "" {
			return f.again(q, frame.FieldErrors{"keys": problem})
		}
		replace("keys", "/publicKeys", patchedKeys(keys))
		replace("jwks", "/jwksUri", q.Value("jwks"))
		replace("grants", "/allowedGrantTypes", slices.Concat([]string{}, q.Values("grants")))
		replace("auth", "/allowedAuthMethods", slices.Concat([]string{}, authMethods(q.Value("auth"))))
	}
	secret, err := c.Credential.UpdateClient(q.Context(), q.Actor, realm(q), v.ID, patch)
	if err != nil {
		return f.refused(q, err, clientFields, of...)
	}
	if secret.Reveal() != "" {
		q.Pass("secret", madeSecret{Client: v.ID, Secret: secret.Reveal()})
	}
	q.Say("success", "Saved.")
	return q.Redirect(v.path(""))
}

// patchedKeys are keys as a patch has them, which knows no empty list of objects.
func patchedKeys(keys []json.RawMessage) any {
	if len(keys) == 0 {
		return []string{}
	}
	return keys
}

func typedFederation(q *frame.Request) estate.FederatedCredential {
	return estate.FederatedCredential{
		Name: q.Value("issuerName"), Issuer: q.Value("issuer"), Audience: q.Value("audience"), Subject: q.Value("subject"), Condition: q.Value("condition"),
	}
}

func federationForm(v clientView) form {
	return form{
		Title: "Accept another issuer's tokens", Crumbs: append(crumb("OAuth clients", oauthPath), ui.NavItem{Label: clientName(v.Client), Href: v.path("")}),
		Note:   "Whoever has a token of the issuer that fits gets tokens of this client for it.",
		Action: v.path("/federation/new"), Cancel: v.path(""), Do: "Accept", Fields: issuerFields(),
	}
}

func (c *Console) askFederation(q *frame.Request) error {
	v, err := c.ownClient(q)
	if err != nil {
		return err
	}
	f := federationForm(v)
	return q.Render(f.Title, formPage(f))
}

func (c *Console) createFederation(q *frame.Request) error {
	v, err := c.ownClient(q)
	if err != nil {
		return err
	}
	if err := c.Credential.AddFederatedCredential(q.Context(), q.Actor, realm(q), v.ID, typedFederation(q)); err != nil {
		return federationForm(v).refused(q, err, federationFields)
	}
	q.Say("success", "Tokens of the issuer are accepted from now on.")
	return q.Redirect(v.path(""))
}

func (c *Console) deleteFederation(q *frame.Request) error {
	v, err := c.ownClient(q)
	if err != nil {
		return err
	}
	return said(q, c.Credential.RemoveFederatedCredential(q.Context(), q.Actor, realm(q), v.ID, q.Value("name")), "Tokens of the issuer are no longer accepted.", v.path(""))
}
