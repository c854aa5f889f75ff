package admin

import (
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/console/frame"
	"github.com/freehold-platform/freehold/internal/console/ui"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/signin"
)

// OrganizationProviders is the path below which the pages about an organization's
// identity provider are.
const OrganizationProviders = "/identity-providers"

// Providers is the pages about identity providers: of a tenant, whose users sign in by
// them, or of an organization, whose accounts do.
type Providers struct {
	SignIn *signin.Service
	Base   string // path below which they are
}

// ofAccounts tells whether the providers are an organization's.
func (c Providers) ofAccounts() bool { return c.Base == OrganizationProviders }

// Pages is the table of the pages.
func (c Providers) Pages() []frame.Page {
	one := c.Base + "/{idp}"
	all := []frame.Page{
		{Method: "GET", Path: c.Base, ID: "admin.providers", Handle: c.providers},
		{Method: "GET", Path: c.Base + "/new-oidc", ID: "admin.provider.ask-oidc", Handle: c.askOIDC},
		{Method: "POST", Path: c.Base + "/new-oidc", ID: "admin.provider.create-oidc", Handle: c.createOIDC},
		{Method: "GET", Path: one, ID: "admin.provider", Handle: c.provider},
		{Method: "GET", Path: one + "/edit", ID: "admin.provider.ask-edit", Handle: c.askEditProvider},
		{Method: "POST", Path: one + "/edit", ID: "admin.provider.edit", Handle: c.editProvider},
		{Method: "POST", Path: one + "/promote", ID: "admin.provider.promote", Handle: c.promoteProvider},
		{Method: "POST", Path: one + "/active", ID: "admin.provider.activate", Handle: c.activateProvider},
		{Method: "GET", Path: one + "/delete", ID: "admin.provider.ask-delete", Handle: c.askDeleteProvider},
		{Method: "POST", Path: one + "/delete", ID: "admin.provider.delete", Handle: c.deleteProvider},
	}
	if c.ofAccounts() {
		return all
	}
	return append(all,
		frame.Page{Method: "GET", Path: c.Base + "/new-jwt", ID: "admin.provider.ask-jwt", Handle: c.askJWT},
		frame.Page{Method: "POST", Path: c.Base + "/new-jwt", ID: "admin.provider.create-jwt", Handle: c.createJWT})
}

func (c Providers) path(id estate.IdentityProviderID, rest string) string {
	return c.Base + "/" + string(id) + rest
}

// providerName is how a provider is called: what was written about it, or what it
// is.
func providerName(p estate.IdentityProvider) string {
	if name, _, _ := strings.Cut(strings.TrimSpace(p.Description), "\n"); name != "" {
		return name
	}
	if p.Protocol == api.ProtocolJWT {
		return "Tokens of " + p.Options.Issuer
	}
	return p.Provider
}

func providerState(p estate.IdentityProvider) cell {
	switch {
	case p.Active:
		return badge("success", "active")
	case p.PendingState == estate.PendingStateVerified:
		return badge("info", "tested")
	case p.PendingState == estate.PendingStateError:
		return badge("error", "test failed")
	case p.PendingState == estate.PendingStatePending:
		return badge("warning", "to be tested")
	}
	return badge("warning", "off")
}

func (c Providers) providers(q *frame.Request) error {
	page, err := c.SignIn.IdentityProviders(q.Context(), q.Actor, signin.ProviderQuery{Next: estate.IdentityProviderID(q.Value("next")), Limit: pageSize})
	if err != nil {
		return err
	}
	l := list{
		Title:   "Identity providers",
		Note:    "Who says who people are. People are sent to the active one of OpenID Connect; without one they sign in here, by passkey or password. Programs that know their users sign them in by JWT.",
		Actions: []action{{Label: "New for JWTs", Href: c.Base + "/new-jwt"}, {Label: "New for OpenID Connect", Href: c.Base + "/new-oidc", Primary: true}},
		Table:   table{Label: "Identity providers", Columns: columns("Name", "State", "Protocol", "Make", "Issuer or discovery URL", "Created"), Empty: "No identity providers"},
		Nothing: "People sign in by what this server keeps itself.",
	}
	if c.ofAccounts() {
		l.Title, l.Note = "Single sign-on", "An identity provider of OpenID Connect, by which the accounts of the organization sign in to this console. Passkeys, passwords and links go on to work. There can be one."
		if l.Actions = l.Actions[1:]; len(page.Providers) > 0 {
			l.Actions = nil
		}
		l.Nothing = "Accounts sign in by what this server keeps itself."
	}
	for _, p := range page.Providers {
		o := p.Options
		if o.ClientID == "" && p.Pending != nil {
			o = *p.Pending
		}
		where := o.Issuer
		if where == "" {
			where = o.DiscoveryURL
		}
		if where == "" && o.Configuration != nil {
			where = o.Configuration.Issuer
		}
		l.Table.Rows = append(l.Table.Rows, []cell{{Text: providerName(p), Href: c.path(p.ID, "")}, providerState(p), plain(p.Protocol), plain(p.Provider), mono(where), at(p.CreatedAt)})
	}
	return q.Render(l.Title, listPage(l.paged(q, string(page.Next), -1, "identity provider", "identity providers")))
}

// providerMakes are those of OpenID Connect, as the contract names them.
var providerMakes = []ui.Option{
	{Value: "generic", Label: "Any"},
	{Value: "keycloak", Label: "Keycloak"},
	{Value: "auth0", Label: "Auth0"},
	{Value: "okta", Label: "Okta"},
	{Value: "azureAD", Label: "Microsoft Entra ID"},
	{Value: "adfs", Label: "AD FS"},
	{Value: "salesforce", Label: "Salesforce"},
}

// providerFields leads from what is wrong with a provider to the form's fields.
func providerFields() map[string]string {
	names := map[string]string{
		"/provider": "make", "/description": "description", "/clockToleranceSec": "tolerance", "/postLogoutRedirectUri": "afterLogout",
		"/options/issuer": "issuer", "/options/staticKeys/0/kid": "kid", "/options/staticKeys/0/pem": "pem",
	}
	for _, member := range optionFields {
		names["/pendingOptions/"+member.name] = member.field
	}
	return names
}

// optionFields are what the form of OpenID Connect has of a provider's options.
var optionFields = []struct{ name, field string }{
	{"discoveryUrl", "discovery"},
	{"clientId", "client"},
	{"clientSecret", "password"},
	{"realm", "realm"},
	{"scope", "scope"},
	{"claimsMapping", "claims"},
	{"idTokenSignatureAlg", "algorithm"},
	{"emailVerifiedAlwaysTrue", "verified"},
}

// oidcFields are fields of options; secret says what the secret's is for.
func oidcFields(o api.IdentityProviderOptions, secret string) []field {
	var claims []string
	for name, pointers := range o.ClaimsMapping {
		claims = append(claims, name+" = "+strings.Join(pointers, " "))
	}
	slices.Sort(claims)
	verified := o.EmailVerifiedAlwaysTrue != nil && *o.EmailVerifiedAlwaysTrue
	return []field{
		{ui.Field{Name: "discovery", Label: "Discovery URL", Value: o.DiscoveryURL, Type: "url", Mono: true, Required: true, Hint: "It ends with /.well-known/openid-configuration."}, line},
		{ui.Field{Name: "client", Label: "Client id", Value: o.ClientID, Mono: true, Required: true}, line},
		{ui.Field{Name: "password", Label: "Client secret", Type: "password", Autocomplete: "new-password", Hint: secret}, line},
		{ui.Field{Name: "realm", Label: "Realm", Value: o.Realm, Mono: true, Hint: "Stands before subjects, with a backslash. Optional."}, line},
		{ui.Field{Name: "scope", Label: "Scopes", Value: o.Scope, Mono: true, Hint: "With spaces between them. Empty: openid profile email."}, line},
		{ui.Field{Name: "claims", Label: "Claims", Value: strings.Join(claims, "\n"), Mono: true, Rows: 3, Hint: "Where claims are that aren't in their usual place, one a line: sub = /employee/id /sub. The first that leads somewhere counts."}, text},
		{ui.Field{Name: "algorithm", Label: "ID tokens are signed by", Value: o.IDTokenSignatureAlg, Options: []ui.Option{{Label: "as discovery says"}, {Value: "RS256", Label: "RS256"}, {Value: "RS512", Label: "RS512"}}}, choice},
		{ui.Field{Name: "verified", Label: "E-mail addresses are always verified (Microsoft only)", Value: yes(verified)}, check},
	}
}

// typedOptions are what the form says, on top of what it doesn't have.
func typedOptions(q *frame.Request, o api.IdentityProviderOptions) (api.IdentityProviderOptions, frame.FieldErrors) {
	o.DiscoveryURL, o.ClientID, o.ClientSecret, o.Realm, o.Scope = q.Value("discovery"), q.Value("client"), q.FormValue("password"), q.Value("realm"), q.Value("scope")
	o.IDTokenSignatureAlg, o.ClaimsMapping = q.Value("algorithm"), nil
	if o.DiscoveryURL != "" {
		o.OpenIDConfiguration = nil
	}
	if on := q.Value("verified") == "yes"; on || o.EmailVerifiedAlwaysTrue != nil {
		o.EmailVerifiedAlwaysTrue = &on
	}
	for _, line := range lines(q.FormValue("claims")) {
		name, pointers, ok := strings.Cut(line, "=")
		if !ok || strings.TrimSpace(name) == "" || strings.TrimSpace(pointers) == "" {
			return o, frame.FieldErrors{"claims": "Write the name of a claim, = and where it is: " + line}
		}
		if o.ClaimsMapping == nil {
			o.ClaimsMapping = map[string][]string{}
		}
		o.ClaimsMapping[strings.TrimSpace(name)] = strings.Fields(pointers)
	}
	if o.ClaimsMapping == nil { // some have to be given: this is where it is anyway
		o.ClaimsMapping = map[string][]string{"sub": {"/sub"}}
	}
	return o, nil
}

func commonProviderFields(p estate.IdentityProvider) []field {
	return []field{
		{ui.Field{Name: "description", Label: "Name or description", Value: p.Description}, line},
		{ui.Field{Name: "tolerance", Label: "Seconds that its clock may be off", Value: strconv.Itoa(int(p.ClockTolerance / time.Second)), Type: "number", Min: "0", Max: "600"}, line},
		{ui.Field{Name: "afterLogout", Label: "Where people go who sign out", Value: p.AfterLogout, Type: "url", Hint: "Optional."}, line},
	}
}

func typedTolerance(q *frame.Request) (int, frame.FieldErrors) {
	n, err := strconv.Atoi(q.Value("tolerance"))
	if err != nil {
		return 0, frame.FieldErrors{"tolerance": "Write a number of seconds, from 0 to 600."}
	}
	return n, nil
}

const defaultTolerance = 5 * time.Second

func (c Providers) oidcForm() form {
	f := form{
		Title: "New identity provider for OpenID Connect", Crumbs: crumb("Identity providers", c.Base), Action: c.Base + "/new-oidc", Cancel: c.Base, Do: "Save, to test it",
		Note:   "Nobody is sent to it before you have tested it and put it in force. Its redirect URL for this tenant is on the page that follows.",
		Fields: []field{{ui.Field{Name: "make", Label: "Make", Value: "generic", Options: providerMakes}, choice}},
	}
	f.Fields = append(f.Fields, oidcFields(api.IdentityProviderOptions{}, "Kept sealed, and never shown.")...)
	f.Fields = append(f.Fields, commonProviderFields(estate.IdentityProvider{ClockTolerance: defaultTolerance})...)
	users := field{ui.Field{Name: "users", Label: "Who is unknown becomes a user by signing in", Value: "yes"}, check}
	if c.ofAccounts() {
		f.Note = "Nobody is sent to it before you have tested it and put it in force. Its redirect URL for this console is on the page that follows."
		users.Label, users.Value = "Who is unknown and has a verified e-mail address gets an account that owns nothing", ""
	}
	f.Fields = append(f.Fields, users)
	return f
}

func (c Providers) askOIDC(q *frame.Request) error {
	f := c.oidcForm()
	return q.Render(f.Title, formPage(f))
}

func (c Providers) createOIDC(q *frame.Request) error {
	options, problems := typedOptions(q, api.IdentityProviderOptions{})
	interactive := true
	return c.createProvider(q, c.oidcForm(), problems, api.CreateIdentityProviderRequest{
		Protocol: api.ProtocolOIDC, Provider: q.Value("make"), Interactive: &interactive, PendingOptions: &options, PostLogoutRedirectURI: q.Value("afterLogout"),
	})
}

func (c Providers) createProvider(q *frame.Request, f form, problems frame.FieldErrors, in api.CreateIdentityProviderRequest) error {
	tolerance, wrong := typedTolerance(q)
	if problems == nil {
		problems = wrong
	}
	if len(problems) > 0 {
		return f.again(q, problems)
	}
	create := q.Value("users") == "yes"
	in.ClockToleranceSec, in.CreateNewUsersOnLogin, in.Description = &tolerance, &create, q.Value("description")
	p, err := c.SignIn.CreateIdentityProvider(q.Context(), q.Actor, in)
	if err != nil {
		return f.refused(q, err, providerFields())
	}
	q.Say("success", "The identity provider is saved.")
	return q.Redirect(c.path(p.ID, ""))
}

func (c Providers) jwtForm() form {
	return form{
		Title: "New identity provider for JWTs", Crumbs: crumb("Identity providers", c.Base), Action: c.Base + "/new-jwt", Cancel: c.Base, Do: "Create identity provider",
		Note: "Your program signs a JWT about a person, and POST /login/jwt-session makes a session of it.",
		Fields: []field{
			{ui.Field{Name: "issuer", Label: "Issuer", Mono: true, Required: true, Hint: "As in iss of the tokens."}, line},
			{ui.Field{Name: "kid", Label: "Key id", Mono: true, Required: true, Hint: "As in the header kid of the tokens."}, line},
			{ui.Field{Name: "pem", Label: "Public key", Mono: true, Rows: 6, Required: true, Hint: "A public key or a certificate, in PEM."}, text},
			{ui.Field{Name: "description", Label: "Name or description"}, line},
			{ui.Field{Name: "tolerance", Label: "Seconds that its clock may be off", Value: "5", Type: "number", Min: "0", Max: "600"}, line},
			{ui.Field{Name: "users", Label: "Who is unknown becomes a user by signing in", Value: "yes"}, check},
		},
	}
}

func (c Providers) askJWT(q *frame.Request) error {
	f := c.jwtForm()
	return q.Render(f.Title, formPage(f))
}

func (c Providers) createJWT(q *frame.Request) error {
	return c.createProvider(q, c.jwtForm(), nil, api.CreateIdentityProviderRequest{
		Protocol: api.ProtocolJWT, Provider: "external",
		Options: &api.IdentityProviderOptions{Issuer: q.Value("issuer"), StaticKeys: []api.StaticKey{{KeyID: q.Value("kid"), PEM: q.FormValue("pem")}}},
	})
}

// providerView is the page of one provider.
type providerView struct {
	estate.IdentityProvider
	Detail  detail
	Pending []fact
	Result  string // of the last test
	Test    string // where a test begins
	Login   string // the redirect URL that the provider has to know
	Promote string // where pending options are put in force
}

func (c Providers) findProvider(q *frame.Request) (estate.IdentityProvider, error) {
	return c.SignIn.IdentityProvider(q.Context(), q.Actor, estate.IdentityProviderID(q.PathValue("idp")))
}

// optionFacts are options but for what is secret.
func optionFacts(o estate.IdentityProviderOptions) []fact {
	secret := "none"
	if o.SealedSecret != nil {
		secret = "kept sealed"
	}
	w := signin.WireOptions(o)
	all := facts(is("Issuer", mono(w.Issuer)), is("Discovery URL", mono(w.DiscoveryURL)), is("Client id", mono(w.ClientID)), is("Realm", mono(w.Realm)), is("Scopes", mono(w.Scope)))
	if w.ClientID != "" {
		all = append(all, is("Client secret", plain(secret)))
	}
	if e := w.OpenIDConfiguration; e != nil {
		all = append(all, is("Issuer", mono(e.Issuer)), is("Endpoints", mono(e.AuthorizationEndpoint), mono(e.TokenEndpoint), mono(e.JWKSURI)))
	}
	for _, k := range w.StaticKeys {
		all = append(all, is("Key", mono(k.KeyID)))
	}
	for _, name := range []string{"sub", "name", "email", "email_verified", "groups", "client_id", "picture", "locale", "zoneinfo"} {
		if pointers := w.ClaimsMapping[name]; len(pointers) > 0 {
			all = append(all, is("Claim "+name, mono(strings.Join(pointers, " "))))
		}
	}
	return all
}

// unknown says what becomes of people whom nobody knows.
func (c Providers) unknown(p estate.IdentityProvider) string {
	switch {
	case !p.CreateUsers:
		return "are refused"
	case c.ofAccounts():
		return "get an account that owns nothing, if their e-mail address is verified"
	}
	return "become users by signing in"
}

func (c Providers) provider(q *frame.Request) error {
	p, err := c.findProvider(q)
	if err != nil {
		return err
	}
	v := providerView{IdentityProvider: p, Login: signin.CallbackURL(q.Surface, p.ID), Test: ui.Query(signin.TestPath, nil, "idp", string(p.ID)), Promote: c.path(p.ID, "/promote")}
	v.Detail = detail{Title: providerName(p), Crumbs: crumb("Identity providers", c.Base), Facts: append(facts(
		is("Identity provider id", cell{Text: string(p.ID), Mono: true, Copy: "Copy id"}), is("State", providerState(p)), is("Protocol", plain(p.Protocol)), is("Make", plain(p.Provider)),
		is("Unknown people", plain(c.unknown(p))),
		is("After signing out", mono(p.AfterLogout)), is("Created", at(p.CreatedAt)),
	), optionFacts(p.Options)...)}
	if p.Protocol == api.ProtocolOIDC && p.Options.ClientID != "" {
		label := "Turn on"
		if p.Active {
			label = "Turn off"
		}
		v.Detail.Actions = append(v.Detail.Actions, action{Post: &post{Action: c.path(p.ID, "/active"), Label: label, Name: "active", Value: yes(!p.Active)}})
	}
	v.Detail.Actions = append(v.Detail.Actions, action{Label: "Edit", Href: c.path(p.ID, "/edit")}, action{Label: "Delete", Href: c.path(p.ID, "/delete"), Dialog: true})
	if p.Pending != nil {
		v.Pending = optionFacts(*p.Pending)
	}
	var indented []byte
	if p.PendingResult != nil {
		if indented, err = json.MarshalIndent(p.PendingResult, "", "  "); err != nil {
			return err
		}
		v.Result = string(indented)
	}
	return q.Render(v.Detail.Title, providerPage(v))
}

func (c Providers) editForm(p estate.IdentityProvider) form {
	f := form{
		Title: "Edit " + providerName(p), Crumbs: append(crumb("Identity providers", c.Base), ui.NavItem{Label: providerName(p), Href: c.path(p.ID, "")}),
		Action: c.path(p.ID, "/edit"), Cancel: c.path(p.ID, ""), Do: "Save",
	}
	if p.Protocol != api.ProtocolOIDC {
		f.Note = "Of an identity provider for JWTs only this can be changed. For another key, make another."
		f.Fields = commonProviderFields(p)[:1]
		return f.editing()
	}
	f.Note = "Changes of the options are to be tested before they are put in force; the present ones hold until then."
	f.Fields = append(oidcFields(signin.WireOptions(optionsToEdit(p)), "Empty: as it is, if the discovery URL and the client id stay."), commonProviderFields(p)...)
	return f.editing()
}

// optionsToEdit are those that wait for a test or, without any, those in force.
func optionsToEdit(p estate.IdentityProvider) estate.IdentityProviderOptions {
	if p.Pending != nil {
		return *p.Pending
	}
	return p.Options
}

func (c Providers) askEditProvider(q *frame.Request) error {
	p, err := c.findProvider(q)
	if err != nil {
		return err
	}
	f := c.editForm(p)
	return q.Render(f.Title, formPage(f))
}

func providerReplace(path string, value any) signin.PatchOperation {
	encoded, _ := json.Marshal(value) // texts, numbers, booleans and options
	return signin.PatchOperation{Op: "replace", Path: path, Value: encoded}
}

func (c Providers) editProvider(q *frame.Request) error {
	p, err := c.findProvider(q)
	if err != nil {
		return err
	}
	f := c.editForm(p)
	if q.Overtaken(f.Shown) {
		return q.Redirect(c.path(p.ID, "/edit"))
	}
	patch, of := []signin.PatchOperation{providerReplace("/description", q.Value("description"))}, []string{"description"}
	if p.Protocol == api.ProtocolOIDC {
		tolerance, problems := typedTolerance(q)
		before := signin.WireOptions(optionsToEdit(p))
		options, wrong := typedOptions(q, before)
		if problems == nil {
			problems = wrong
		}
		if problems != nil {
			return f.again(q, problems)
		}
		patch = append(patch, providerReplace("/clockToleranceSec", tolerance), providerReplace("/postLogoutRedirectUri", q.Value("afterLogout")))
		of = append(of, "tolerance", "afterLogout")
		if !reflect.DeepEqual(before, options) {
			patch, of = append(patch, providerReplace("/pendingOptions", options)), append(of, "")
		}
	}
	if err := c.SignIn.UpdateIdentityProvider(q.Context(), q.Actor, p.ID, patch); err != nil {
		detail, names := frame.Known(err).Detail, providerFields()
		for _, member := range optionFields { // of which the pointer into the patch says nothing
			if strings.HasPrefix(detail, "value/"+member.name+" ") {
				of[len(of)-1] = member.field
			}
		}
		return f.refused(q, err, names, of...)
	}
	q.Say("success", "Saved.")
	return q.Redirect(c.path(p.ID, ""))
}

func (c Providers) promoteProvider(q *frame.Request) error {
	id := estate.IdentityProviderID(q.PathValue("idp"))
	return said(q, c.SignIn.UpdateIdentityProvider(q.Context(), q.Actor, id, []signin.PatchOperation{{Op: "promote-options"}}), "The options are in force.", c.path(id, ""))
}

func (c Providers) activateProvider(q *frame.Request) error {
	id, on := estate.IdentityProviderID(q.PathValue("idp")), q.Value("active") == "yes"
	done := map[bool]string{true: "People are sent to it from now on.", false: "Nobody is sent to it any more."}[on]
	return said(q, c.SignIn.UpdateIdentityProvider(q.Context(), q.Actor, id, []signin.PatchOperation{providerReplace("/active", on)}), done, c.path(id, ""))
}

const providerWarning = "Who came in by it is signed out, and can't come in by it again."

func (c Providers) askDeleteProvider(q *frame.Request) error {
	p, err := c.findProvider(q)
	if err != nil {
		return err
	}
	return q.Render("Delete", removePage(removal("identity provider", providerName(p), c.path(p.ID, ""), c.path(p.ID, "")), providerWarning))
}

func (c Providers) deleteProvider(q *frame.Request) error {
	p, err := c.findProvider(q)
	if err != nil {
		return err
	}
	return confirmed(q, removal("identity provider", providerName(p), c.path(p.ID, ""), c.path(p.ID, "")), providerWarning,
		func() error { return c.SignIn.DeleteIdentityProvider(q.Context(), q.Actor, p.ID) }, c.Base, "The identity provider "+providerName(p)+" is gone.")
}
