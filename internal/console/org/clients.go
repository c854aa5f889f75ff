package org

import (
	"strconv"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/console/frame"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
)

const oauthPath = "/admin/oauth"

func code(r estate.Region) string { return string(r.Code) }

func regionCodes(all []estate.RegionCode) string {
	words := make([]string, len(all))
	for i, r := range all {
		words[i] = string(r)
	}
	return names(words)
}

func lastUsed(c estate.Client) (at time.Time) {
	for _, s := range c.Secrets {
		if s.LastUsedAt.After(at) {
			at = s.LastUsedAt
		}
	}
	return at
}

// endsFirst is when the first of a client's secrets ends; zero: none does.
func endsFirst(c estate.Client) (at time.Time) {
	for _, s := range c.Secrets {
		if !s.ExpiresAt.IsZero() && (at.IsZero() || s.ExpiresAt.Before(at)) {
			at = s.ExpiresAt
		}
	}
	return at
}

func endsSoon(c estate.Client, now time.Time) bool {
	end := endsFirst(c)
	return !end.IsZero() && end.Sub(now) < soon
}

func isRotating(c estate.Client) bool {
	for _, s := range c.Secrets {
		if s.Rotation == estate.RotationNew {
			return true
		}
	}
	return false
}

func nextClients(v subscriptionView) string {
	if v.Next == "" {
		return ""
	}
	return v.path("") + "?region=" + v.Region + "&next=" + v.Next
}

// madeSecret is a secret on its way to the page that shows it once.
type madeSecret struct {
	Client estate.ClientID `json:"client"`
	Secret string          `json:"secret"`
	Until  time.Time       `json:"until"` // when the ones before it end; zero: there are none
}

// clientView is the page of one client.
type clientView struct {
	Place  clientPlace
	Client estate.Client
	Made   *madeSecret
	Now    time.Time
	// Creator is who made the client.
	Creator string
}

func (v clientView) path(rest string) string { return v.Place.client(v.Client.ID, rest) }

func (c *Console) clientView(q *frame.Request) (v clientView, err error) {
	v.Now = q.Now()
	if v.Place, err = c.clientPlace(q); err != nil {
		return v, err
	}
	found, err := c.Credential.GetClient(q.Context(), q.Actor, v.Place.Realm, estate.ClientID(q.PathValue("client")))
	v.Client = found.Client
	v.Creator = c.NameOf(q, estate.Actor{Kind: estate.ActorAccount, ID: v.Client.CreatedBy})
	if v.Creator == "" {
		v.Creator = v.Client.CreatedBy
	}
	return v, err
}

func (c *Console) client(q *frame.Request) error {
	v, err := c.clientView(q)
	if err != nil {
		return err
	}
	var made madeSecret
	if q.Take("secret", &made) && made.Client == v.Client.ID {
		v.Made = &made
	}
	return q.Render(v.Client.Name, clientPage(v))
}

func (c *Console) clientForm(q *frame.Request) (f clientForm, err error) {
	if f.Place, err = c.clientPlace(q); err != nil {
		return f, err
	}
	f.Name, f.Description, f.Region, f.Scopes = q.Value("name"), q.Value("description"), q.Value("region"), q.Values("scope")
	if f.Place.Realm.Level == estate.LevelOrganization {
		for _, name := range api.OrganizationClientScopes() {
			if q.Actor.Permissions.Holds(name) {
				f.Offered = append(f.Offered, name)
			}
		}
		if len(f.Offered) == 0 {
			return f, q.Actor.Lacks(estate.LevelOrganization, api.ScopeOrgOAuthClients)
		}
		return f, nil
	}
	sub, err := c.Tenancy.OwnSubscription(q.Context(), q.Actor, f.Place.Realm.Scope.Subscription)
	if err == nil {
		err = q.Actor.LacksFor(sub.ID, "")
	}
	if err != nil {
		return f, err
	}
	f.Offered = api.RegionScopes()
	f.Regions, err = c.regionsOf(q.Context(), sub)
	return f, err
}

func (c *Console) askClient(q *frame.Request) error {
	f, err := c.clientForm(q)
	if err != nil {
		return err
	}
	f.Scopes = f.Offered
	if f.Place.Realm.Level == estate.LevelOrganization {
		f.Scopes = []string{api.ScopeOrgTenantsRead}
	}
	return q.Render("New client", newClientPage(f))
}

func (c *Console) createClient(q *frame.Request) error {
	f, err := c.clientForm(q)
	if err != nil {
		return err
	}
	f.Problems = frame.FieldErrors{}
	n := credential.NewClient{Level: f.Place.Realm.Level, Scope: f.Place.Realm.Scope, Name: f.Name, Description: f.Description, Permissions: f.Scopes}
	if n.Level == estate.LevelRegion {
		if n.Scope.Region = estate.RegionCode(f.Region); f.Region == "" {
			f.Problems["region"] = "Choose the region whose tenants the client is for."
		}
	} else if f.Name == "" {
		f.Problems["name"] = "A name is needed."
	}
	if len(f.Scopes) == 0 {
		f.Problems["scope"] = "Choose at least one scope."
	}
	if len(f.Problems) > 0 {
		return q.Again("New client", newClientPage(f))
	}
	made, secret, err := c.Credential.CreateClient(q.Context(), q.Actor, n)
	if err != nil {
		f.Problems, err = frame.Fields(err, map[string]string{"/clientName": "name", "/name": "name", "/description": "description", "/allowedScopes": "scope", "/scopes": "scope", "/region": "region"})
		if err != nil {
			return err
		}
		return q.Again("New client", newClientPage(f))
	}
	q.Pass("secret", madeSecret{Client: made.ID, Secret: secret.Reveal()})
	return q.Redirect(f.Place.client(made.ID, ""))
}

// overlaps are how long the secret before a new one can go on working.
var overlaps = []struct {
	Label string
	For   time.Duration
}{
	{"not at all: it stops at once", 0},
	{"one hour", time.Hour},
	{"one day", 24 * time.Hour},
	{"one week", 7 * 24 * time.Hour},
	{"30 days", 30 * 24 * time.Hour},
}

func (c *Console) askRotate(q *frame.Request) error {
	v, err := c.clientView(q)
	if err != nil {
		return err
	}
	return q.Render("New secret", rotatePage(v, strconv.Itoa(int((24*time.Hour).Seconds())), nil))
}

func (c *Console) rotate(q *frame.Request) error {
	v, err := c.clientView(q)
	if err != nil {
		return err
	}
	seconds, err := strconv.Atoi(q.Value("overlap"))
	if err != nil {
		return q.Again("New secret", rotatePage(v, q.Value("overlap"), frame.FieldErrors{"overlap": "Choose how long."}))
	}
	made, err := c.Credential.RotateSecret(q.Context(), q.Actor, v.Place.Realm, v.Client.ID, time.Duration(seconds)*time.Second)
	if err != nil {
		problems, err := frame.Fields(err, map[string]string{"/overlapSeconds": "overlap"})
		if err != nil {
			return err
		}
		return q.Again("New secret", rotatePage(v, q.Value("overlap"), problems))
	}
	q.Pass("secret", madeSecret{Client: v.Client.ID, Secret: made.Plain.Reveal(), Until: made.OverlapEnd})
	return q.Redirect(v.path(""))
}

// rotation ends a rotation early, or takes it back.
func (c *Console) rotation(q *frame.Request) error {
	v, err := c.clientView(q)
	if err != nil {
		return err
	}
	act, done := c.Credential.FinishRotation, "The secrets before the new one no longer work."
	if q.PathValue("action") == "cancel" {
		act, done = c.Credential.CancelRotation, "The new secret no longer works; those before it do."
	}
	err = act(q.Context(), q.Actor, v.Place.Realm, v.Client.ID)
	switch {
	case err != nil && frame.Known(err).Kind == estate.Conflict:
		q.Say("warning", frame.Known(err).Detail)
	case err != nil:
		return err
	default:
		q.Say("success", done)
	}
	return q.Redirect(v.path(""))
}

func (c *Console) askDeleteClient(q *frame.Request) error {
	v, err := c.clientView(q)
	if err != nil {
		return err
	}
	return q.Render("Delete "+v.Client.Name, deleteClientPage(v, "", nil))
}

func (c *Console) deleteClient(q *frame.Request) error {
	v, err := c.clientView(q)
	if err != nil {
		return err
	}
	typed := q.Value("confirm")
	if typed != v.word() {
		return q.Again("Delete "+v.Client.Name, deleteClientPage(v, typed, frame.FieldErrors{"confirm": "This is not the client's name."}))
	}
	if err := c.Credential.DeleteClient(q.Context(), q.Actor, v.Place.Realm, v.Client.ID, string(v.Client.ID)); err != nil {
		return err
	}
	q.Say("success", "The client "+v.Client.Name+" is gone, and its tokens no longer count.")
	return q.Redirect(v.Place.Path)
}

// word is what is typed to confirm: the name, or the id of a client without one.
func (v clientView) word() string {
	if name := strings.TrimSpace(v.Client.Name); name != "" {
		return name
	}
	return string(v.Client.ID)
}
