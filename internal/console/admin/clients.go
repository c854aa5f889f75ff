package admin

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/console/frame"
	"github.com/freehold-platform/freehold/internal/console/ui"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
)

func (c *Console) clientPages() []frame.Page {
	const one = oauthPath + "/{client}"
	return []frame.Page{
		{Method: "GET", Path: oauthPath, ID: "admin.clients", Handle: c.clients},
		{Method: "GET", Path: oauthPath + "/new", ID: "admin.client.ask-create", Handle: c.askClient},
		{Method: "POST", Path: oauthPath + "/new", ID: "admin.client.create", Handle: c.createClient},
		{Method: "GET", Path: one, ID: "admin.client", Handle: c.client},
		{Method: "GET", Path: one + "/edit", ID: "admin.client.ask-edit", Handle: c.askEditClient},
		{Method: "POST", Path: one + "/edit", ID: "admin.client.edit", Handle: c.editClient},
		{Method: "POST", Path: one + "/consent", ID: "admin.client.consent", Handle: c.consent},
		{Method: "POST", Path: one + "/disconnect", ID: "admin.client.disconnect", Handle: c.disconnect},
		{Method: "POST", Path: one + "/publish", ID: "admin.client.publish", Handle: c.publish},
		{Method: "GET", Path: one + "/rotate", ID: "admin.client.ask-rotate", Handle: c.askRotate},
		{Method: "POST", Path: one + "/rotate", ID: "admin.client.rotate", Handle: c.rotate},
		{Method: "POST", Path: one + "/rotation/{action}", ID: "admin.client.rotation", Handle: c.rotation},
		{Method: "POST", Path: one + "/secrets/{hint}/delete", ID: "admin.client.secret.delete", Handle: c.deleteSecret},
		{Method: "GET", Path: one + "/federation/new", ID: "admin.client.federation.ask-create", Handle: c.askFederation},
		{Method: "POST", Path: one + "/federation/new", ID: "admin.client.federation.create", Handle: c.createFederation},
		{Method: "POST", Path: one + "/federation/delete", ID: "admin.client.federation.delete", Handle: c.deleteFederation},
		{Method: "GET", Path: one + "/delete", ID: "admin.client.ask-delete", Handle: c.askDeleteClient},
		{Method: "POST", Path: one + "/delete", ID: "admin.client.delete", Handle: c.deleteClient},
	}
}

func realm(q *frame.Request) credential.Realm {
	return credential.Realm{Level: estate.LevelTenant, Scope: q.Actor.Scope}
}

func clientPath(id estate.ClientID, rest string) string { return oauthPath + "/" + string(id) + rest }

// appTypes are what clients can be.
var appTypes = []ui.Option{
	{Value: api.AppTypeWeb, Label: "Web or machine", Hint: "A program on a server. It can keep a secret or a private key, and can work without a person."},
	{Value: api.AppTypeSPA, Label: "Single-page application", Hint: "Runs in the browser and keeps no secret; people sign in with PKCE."},
	{Value: api.AppTypeNative, Label: "Native", Hint: "Installed on a computer or phone and keeps no secret; people sign in with PKCE, or connect it as a device."},
	{Value: api.AppTypeAnonymousEmbed, Label: "Anonymous embed", Hint: "Embeds something in a page for visitors who don't sign in."},
}

func appType(value string) string {
	for _, t := range appTypes {
		if t.Value == value {
			return t.Label
		}
	}
	return value
}

func (c *Console) clients(q *frame.Request) error {
	query := credential.ClientQuery{Next: q.Value("next"), Limit: pageSize, Sort: "clientName", Total: true}
	conditions := slices.DeleteFunc([]string{comparison("clientName", "co", q.Value("q")), comparison("appType", "eq", q.Value("type"))}, func(s string) bool { return s == "" })
	query.Filter = strings.Join(conditions, " and ")
	page, err := c.clientPage(q, query)
	if err != nil {
		return err
	}
	l := list{
		Title:   "OAuth clients",
		Note:    "Programs that act in this tenant: those made here, those that registered themselves, and those of other tenants of the organization that are offered to this one.",
		Actions: []action{{Label: "New client", Href: oauthPath + "/new", Primary: true}},
		Filters: []field{
			{ui.Field{Name: "q", Label: "Name", Search: true, Type: "search"}, line},
			{ui.Field{Name: "type", Label: "Type", Options: append([]ui.Option{{Label: "All"}}, appTypes...)}, choice},
			{ui.Field{Name: "state", Label: "State", Options: []ui.Option{{Label: "All"}, {Value: waiting, Label: "Waiting for approval"}}}, choice},
		},
		Table:   table{Label: "OAuth clients", Columns: columns("Name", "Client id", "Type", "State", "Made by", "Created"), Empty: "No OAuth clients"},
		Nothing: "A client lets a program act in this tenant, by itself or for people.",
	}
	for _, v := range page.Clients {
		by := "a person"
		switch {
		case v.Scope != q.Actor.Scope:
			by = "another tenant"
		case v.Connection != nil && v.Connection.Status == credential.ConnectionPending:
			by = "itself"
		case v.CreatedByType != "user":
			by = "a program"
		}
		l.Table.Rows = append(l.Table.Rows, []cell{
			{Text: clientName(v.Client), Href: clientPath(v.ID, "")}, {Text: string(v.ID), Mono: true, Copy: "Copy id"}, plain(appType(v.AppType)), clientState(v), plain(by), at(v.CreatedAt),
		})
	}
	return q.Render(l.Title, listPage(l.paged(q, page.Next, page.Total, "client", "clients")))
}

const waiting = "waiting"

// clientPage is a page of clients or, of those that wait, all.
func (c *Console) clientPage(q *frame.Request, query credential.ClientQuery) (page credential.ClientPage, err error) {
	if q.Value("state") != waiting {
		return c.Credential.ListClients(q.Context(), q.Actor, realm(q), query)
	}
	query.Limit, query.Next = 100, ""
	for {
		found, err := c.Credential.ListClients(q.Context(), q.Actor, realm(q), query)
		if err != nil {
			return page, err
		}
		for _, v := range found.Clients {
			if v.Connection != nil && v.Connection.Status == credential.ConnectionPending {
				page.Clients = append(page.Clients, v)
			}
		}
		page.Total = int64(len(page.Clients))
		if query.Next = found.Next; query.Next == "" {
			return page, nil
		}
	}
}

func clientName(c estate.Client) string {
	if name := strings.TrimSpace(c.Name); name != "" {
		return name
	}
	return string(c.ID)
}

func clientState(v credential.ClientView) cell {
	switch {
	case v.Connection != nil && v.Connection.DeletedByOwner:
		return badge("error", "deleted by its owner")
	case !v.DisabledAt.IsZero():
		return badge("warning", "disabled")
	case v.Connection != nil && v.Connection.Status == credential.ConnectionPending:
		return badge("warning", "waits for approval")
	case v.Connection != nil && v.Connection.Consent == estate.ConsentTrusted:
		return badge("success", "trusted")
	}
	return badge("info", "asks each user")
}

// madeSecret is a secret on its way to the page that shows it once.
type madeSecret struct {
	Client estate.ClientID `json:"client"`
	Secret string          `json:"secret"`
	Until  time.Time       `json:"until"` // when the ones before it end; zero: there are none
}

// clientView is the page of one client.
type clientView struct {
	credential.ClientView
	Made   *madeSecret
	Detail detail
	Own    bool // of this tenant
}

func (v clientView) path(rest string) string { return clientPath(v.ID, rest) }

func (v clientView) hasSecrets() bool {
	return slices.Contains(v.AuthMethods, "client_secret") || len(v.Secrets) > 0
}

func (v clientView) pending() bool {
	return v.Connection != nil && v.Connection.Status == credential.ConnectionPending
}

func (v clientView) trusted() bool {
	return v.Connection != nil && v.Connection.Consent == estate.ConsentTrusted
}

func (v clientView) rotating() bool {
	return slices.ContainsFunc(v.Secrets, func(s estate.ClientSecret) bool { return s.Rotation == estate.RotationNew })
}

func (c *Console) findClient(q *frame.Request) (v clientView, err error) {
	v.ClientView, err = c.Credential.GetClient(q.Context(), q.Actor, realm(q), estate.ClientID(q.PathValue("client")))
	v.Own = v.Scope == q.Actor.Scope
	return v, err
}

// ownClient is findClient for what only the tenant of the client may do.
func (c *Console) ownClient(q *frame.Request) (v clientView, err error) {
	v, err = c.findClient(q)
	if err == nil && !v.Own {
		err = estate.E(estate.NotFound, api.CodeClientNotFound, "Not a client of this tenant", "The client belongs to another tenant, which is where it can be changed.")
	}
	return v, err
}

func (c *Console) client(q *frame.Request) error {
	v, err := c.findClient(q)
	if err != nil {
		return err
	}
	var made madeSecret
	if q.Take("secret", &made) && made.Client == v.ID {
		v.Made = &made
	}
	v.Detail = clientDetail(v)
	return q.Render(v.Detail.Title, clientPage(v))
}

func clientDetail(v clientView) detail {
	d := detail{Title: clientName(v.Client), Crumbs: crumb("OAuth clients", oauthPath)}
	if v.Own {
		d.Actions = append(d.Actions, action{Label: "Edit", Href: v.path("/edit")})
		if v.hasSecrets() {
			d.Actions = append(d.Actions, action{Label: "New secret", Href: v.path("/rotate"), Dialog: true})
		}
		d.Actions = append(d.Actions, action{Label: "Delete", Href: v.path("/delete"), Dialog: true})
	}
	d.Facts = facts(
		is("Client id", cell{Text: string(v.ID), Mono: true, Copy: "Copy client id"}),
		is("State", clientState(v.ClientView)),
		is("Type", plain(appType(v.AppType))),
		is("Description", plain(v.Description)),
		is("Scopes", mono(v.Permissions.String())),
		is("Works without a person", plain(strings.Join(grantLabels(v.GrantTypes), ", "))),
		is("Authenticates by", plain(authLabel(v.Client))),
		is("Tokens are bound by", plain(string(v.TokenBinding))),
		is("Redirect URLs", monos(v.RedirectURIs)...),
		is("Allowed origins", monos(v.AllowedOrigins)...),
		is("Home page", plain(v.URI)),
		is("Logo", plain(v.LogoURI)),
		is("Created", at(v.CreatedAt)),
		is("Offered to other tenants since", at(v.PublishedAt)),
	)
	return d
}

func monos(all []string) []cell {
	if len(all) == 0 {
		return []cell{{}}
	}
	cells := make([]cell, len(all))
	for i, s := range all {
		cells[i] = mono(s)
	}
	return cells
}

func grantLabels(grants []string) (labels []string) {
	for _, o := range grantOptions {
		if slices.Contains(grants, o.Value) {
			labels = append(labels, o.Label)
		}
	}
	return labels
}

func authLabel(c estate.Client) string {
	var ways []string
	for _, m := range c.AuthMethods {
		ways = append(ways, map[string]string{"client_secret": "secret", "private_key_jwt": "private key"}[m])
	}
	if len(c.Federated) > 0 {
		ways = append(ways, "tokens of outside issuers")
	}
	if len(ways) == 0 {
		return "nothing: it can't keep a secret"
	}
	return strings.Join(ways, ", ")
}

// secretTable is the secrets of a client, none of which can be read.
func secretTable(v clientView) table {
	t := table{Label: "Secrets", Columns: columns("Ends with", "Made", "Last used", "Ends", ""), Empty: "The client has none."}
	for _, s := range v.Secrets {
		t.Rows = append(t.Rows, []cell{
			mono(s.Hint), at(s.CreatedAt), at(s.LastUsedAt), at(s.ExpiresAt),
			{Post: &post{Action: below(v.path("/secrets"), s.Hint, "delete"), Label: "Erase", About: "Erase the secret that ends with " + s.Hint}},
		})
	}
	return t
}

func keyTable(v clientView) table {
	t := table{Label: "Public keys", Columns: columns("Key id", "Algorithm"), Empty: "None are kept here."}
	for _, k := range v.PublicKeys {
		t.Rows = append(t.Rows, []cell{mono(k.ID), plain(k.Algorithm)})
	}
	return t
}

func federationTable(v clientView) table {
	t := table{Label: "Outside issuers", Columns: columns("Name", "Issuer", "Audience", "Subject", "Condition", ""), Empty: "None: no outside token is accepted."}
	for _, f := range v.Federated {
		row := []cell{plain(f.Name), mono(f.Issuer), mono(f.Audience), mono(f.Subject), mono(f.Condition), {}}
		if v.Own {
			row[5].Post = &post{Action: v.path("/federation/delete"), Label: "Remove", About: "Remove " + f.Name, Name: "name", Value: f.Name}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// consent decides about a client: whether it may act here, and whether users are
// asked.
func (c *Console) consent(q *frame.Request) error {
	v, err := c.findClient(q)
	if err != nil {
		return err
	}
	consent, done := estate.ConsentRequired, "The client asks each user."
	if q.Value("consent") == string(estate.ConsentTrusted) {
		consent, done = estate.ConsentTrusted, "The client is trusted: it asks nobody."
	}
	return said(q, c.Credential.SetConsent(q.Context(), q.Actor, realm(q), v.ID, consent), done, v.path(""))
}

// disconnect takes the access to this tenant from another tenant's client.
func (c *Console) disconnect(q *frame.Request) error {
	v, err := c.findClient(q)
	if err != nil {
		return err
	}
	return said(q, c.Credential.DeleteConnection(q.Context(), q.Actor, realm(q), v.ID), "The client can no longer act here.", v.path(""))
}

func (c *Console) publish(q *frame.Request) error {
	v, err := c.ownClient(q)
	if err != nil {
		return err
	}
	_, err = c.Credential.PublishClient(q.Context(), q.Actor, realm(q), v.ID)
	return said(q, err, "The other tenants of the organization in this region can let the client act there.", v.path(""))
}

// overlaps are how long the secret before a new one can go on working.
var overlaps = []ui.Option{
	{Value: "0", Label: "not at all: it stops at once"},
	{Value: "3600", Label: "one hour"},
	{Value: "86400", Label: "one day"},
	{Value: "604800", Label: "one week"},
	{Value: "2592000", Label: "30 days"},
}

func (c *Console) askRotate(q *frame.Request) error {
	v, err := c.ownClient(q)
	if err != nil {
		return err
	}
	return q.Render("New secret", rotatePage(v, "86400", nil))
}

func (c *Console) rotate(q *frame.Request) error {
	v, err := c.ownClient(q)
	if err != nil {
		return err
	}
	seconds, err := strconv.Atoi(q.Value("overlap"))
	if err != nil {
		return q.Again("New secret", rotatePage(v, q.Value("overlap"), frame.FieldErrors{"overlap": "Choose how long."}))
	}
	made, err := c.Credential.RotateSecret(q.Context(), q.Actor, realm(q), v.ID, time.Duration(seconds)*time.Second)
	if err != nil {
		problems, err := problemsOf(err, map[string]string{"/overlapSeconds": "overlap"})
		if err != nil {
			return err
		}
		return q.Again("New secret", rotatePage(v, q.Value("overlap"), problems))
	}
	q.Pass("secret", madeSecret{Client: v.ID, Secret: made.Plain.Reveal(), Until: made.OverlapEnd})
	return q.Redirect(v.path(""))
}

// rotation ends a rotation early, or takes it back.
func (c *Console) rotation(q *frame.Request) error {
	v, err := c.ownClient(q)
	if err != nil {
		return err
	}
	act, done := c.Credential.FinishRotation, "The secrets before the new one no longer work."
	if q.PathValue("action") == "cancel" {
		act, done = c.Credential.CancelRotation, "The new secret no longer works; those before it do."
	}
	return said(q, act(q.Context(), q.Actor, realm(q), v.ID), done, v.path(""))
}

func (c *Console) deleteSecret(q *frame.Request) error {
	v, err := c.ownClient(q)
	if err != nil {
		return err
	}
	return said(q, c.Credential.DeleteSecret(q.Context(), q.Actor, realm(q), v.ID, q.PathValue("hint")), "The secret no longer works.", v.path(""))
}

const clientWarning = "It can't be taken back. The client gets no more tokens, those it has stop counting at once, and its bot is disabled."

func (c *Console) askDeleteClient(q *frame.Request) error {
	v, err := c.ownClient(q)
	if err != nil {
		return err
	}
	return q.Render("Delete", removePage(removal("client", clientName(v.Client), v.path(""), v.path("")), clientWarning))
}

func (c *Console) deleteClient(q *frame.Request) error {
	v, err := c.ownClient(q)
	if err != nil {
		return err
	}
	name := clientName(v.Client)
	return confirmed(q, removal("client", name, v.path(""), v.path("")), clientWarning, func() error {
		return c.Credential.DeleteClient(q.Context(), q.Actor, realm(q), v.ID, string(v.ID))
	}, oauthPath, "The client "+name+" is gone, and its tokens no longer count.")
}
