package httpapi

import (
	"net/http"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
)

// realm is the clients that the request's path is about: those of the tenant at a
// tenant host; at the console those of a subscription, if the path names one, or
// else of the organization.
func (x *exchange) realm() credential.Realm {
	if x.surface.Kind == estate.SurfaceTenant {
		return credential.Realm{Level: estate.LevelTenant, Scope: x.actor.Scope}
	}
	if id := x.r.PathValue("subscriptionId"); id != "" {
		return credential.Realm{
			Level: estate.LevelRegion,
			Scope: estate.Scope{Organization: x.actor.Scope.Organization, Subscription: estate.SubscriptionID(id)},
		}
	}
	return credential.Realm{Level: estate.LevelOrganization, Scope: x.actor.Scope}
}

// oauthClient is the client that the path names.
func (x *exchange) oauthClient() estate.ClientID { return estate.ClientID(x.r.PathValue("clientId")) }

func listOAuthClients(x *exchange) (list api.OAuthClientList, err error) {
	query := x.r.URL.Query()
	q := credential.ClientQuery{
		Filter: query.Get("filter"), Sort: query.Get("sort"), Next: query.Get("next"), Prev: query.Get("prev"),
	}
	if q.Limit, err = limitIn(query); err != nil {
		return list, err
	}
	if q.Total, _, err = flagIn(query, "totalResults"); err != nil {
		return list, err
	}
	page, err := x.server.Credential.ListClients(x.r.Context(), x.actor, x.realm(), q)
	if err != nil {
		return list, err
	}
	list.Data = make([]api.OAuthClient, len(page.Clients))
	for i, v := range page.Clients {
		list.Data[i] = wireClientView(v)
	}
	list.Links = api.PageLinks{Self: x.pageLink(x.r.URL.RawQuery), Next: x.cursorLink(query, "next", page.Next), Prev: x.cursorLink(query, "prev", page.Prev)}
	if q.Total {
		list.TotalResults = &page.Total
	}
	return list, nil
}

func getOAuthClient(x *exchange) (api.OAuthClient, error) {
	v, err := x.server.Credential.GetClient(x.r.Context(), x.actor, x.realm(), x.oauthClient())
	return wireClientView(v), err
}

// updateOAuthClient answers 202 with a secret where the change made one, and else
// 204.
func updateOAuthClient(x *exchange) error {
	patch, err := x.readPatch()
	if err != nil {
		return err
	}
	secret, err := x.server.Credential.UpdateClient(x.r.Context(), x.actor, x.realm(), x.oauthClient(), patch)
	switch {
	case err != nil:
		return err
	case secret == "":
		x.w.WriteHeader(http.StatusNoContent)
	default:
		x.noStore()
		x.writeJSON(http.StatusAccepted, api.PatchedOAuthClient{ClientSecret: secret.Reveal()})
	}
	return nil
}

func (x *exchange) readPatch() ([]credential.PatchOperation, error) {
	body, err := x.readPatchBody()
	if err != nil {
		return nil, err
	}
	return credential.ParsePatch(body)
}

func (x *exchange) readPatchBody() ([]byte, error) {
	if !isJSON(contentType(x.r)) {
		return nil, errMediaType(api.ContentTypeJSONPatch + " or application/json")
	}
	return x.readBody()
}

func deleteOAuthClient(x *exchange) error {
	return x.server.Credential.DeleteClient(x.r.Context(), x.actor, x.realm(), x.oauthClient(), x.r.Header.Get(api.HeaderConfirmDelete))
}

func publishOAuthClient(x *exchange) error {
	at, err := x.server.Credential.PublishClient(x.r.Context(), x.actor, x.realm(), x.oauthClient())
	if err != nil {
		return err
	}
	x.writeJSON(http.StatusCreated, api.PublishedOAuthClient{PublishedAt: api.Time{Time: at}})
	return nil
}

func getConnectionConfig(x *exchange) (api.ConnectionConfig, error) {
	n, err := x.server.Credential.GetConnection(x.r.Context(), x.actor, x.realm(), x.oauthClient())
	return wireConnection(n), err
}

func updateConnectionConfig(x *exchange) error {
	patch, err := x.readPatch()
	if err != nil {
		return err
	}
	consent, err := credential.ConsentPatch(patch)
	if err != nil {
		return err
	}
	return x.server.Credential.SetConsent(x.r.Context(), x.actor, x.realm(), x.oauthClient(), consent)
}

func deleteConnectionConfig(x *exchange) error {
	return x.server.Credential.DeleteConnection(x.r.Context(), x.actor, x.realm(), x.oauthClient())
}

func createOAuthClientSecret(x *exchange) error {
	in, err := optional[api.CreateClientSecretRequest](x)
	if err != nil {
		return err
	}
	var expires time.Time
	if in.ExpiresAt != nil {
		expires = in.ExpiresAt.Time
	}
	made, err := x.server.Credential.CreateSecret(x.r.Context(), x.actor, x.realm(), x.oauthClient(), expires)
	return x.madeSecret(made, err)
}

func deleteOAuthClientSecret(x *exchange) error {
	return x.server.Credential.DeleteSecret(x.r.Context(), x.actor, x.realm(), x.oauthClient(), x.r.PathValue("hint"))
}

func rotateOAuthClientSecret(x *exchange) error {
	in, err := optional[api.RotateClientSecretRequest](x)
	if err != nil {
		return err
	}
	overlap := time.Duration(-1) // what does not fit is out of bounds, too
	if in.OverlapSeconds >= 0 && in.OverlapSeconds <= int64(credential.MaxOverlap/time.Second) {
		overlap = time.Duration(in.OverlapSeconds) * time.Second
	}
	made, err := x.server.Credential.RotateSecret(x.r.Context(), x.actor, x.realm(), x.oauthClient(), overlap)
	return x.madeSecret(made, err)
}

func finishOAuthClientSecretRotation(x *exchange) error {
	return x.server.Credential.FinishRotation(x.r.Context(), x.actor, x.realm(), x.oauthClient())
}

func cancelOAuthClientSecretRotation(x *exchange) error {
	return x.server.Credential.CancelRotation(x.r.Context(), x.actor, x.realm(), x.oauthClient())
}

func (x *exchange) madeSecret(made credential.MadeSecret, err error) error {
	if err != nil {
		return err
	}
	x.noStore()
	x.writeJSON(http.StatusCreated, api.CreatedClientSecret{
		Hint:         made.Stored.Hint,
		ClientID:     string(made.Client),
		ClientSecret: made.Plain.Reveal(),
		CreatedAt:    api.Time{Time: made.Stored.CreatedAt},
		CreatedBy:    made.Stored.CreatedBy,
		ExpiresAt:    api.Timestamp(made.Stored.ExpiresAt),
		OverlapEnd:   api.Timestamp(made.OverlapEnd),
	})
	return nil
}

// nothing adapts a function that answers without a body.
func nothing(fn func(*exchange) error) handler {
	return func(x *exchange) error {
		if err := fn(x); err != nil {
			return err
		}
		x.w.WriteHeader(http.StatusNoContent)
		return nil
	}
}

// optional reads a JSON body that may be left out.
func optional[In any](x *exchange) (in In, err error) {
	if x.r.ContentLength == 0 {
		return in, nil
	}
	return in, x.readJSON(&in)
}

// wireClientView writes v as its reader may see it.
func wireClientView(v credential.ClientView) api.OAuthClient {
	out := wireClient(v.Client)
	out.ConnectionConfig = nil
	if v.Public {
		out.RedirectURIs, out.AllowedOrigins, out.AllowedGrantTypes, out.AllowedAuthMethods = nil, nil, nil, nil
		out.ClientSecrets, out.CreatedByType, out.DisableTag = nil, "", ""
		out.PublicKeys, out.JWKSURI, out.FederatedCredentials, out.TokenBinding = nil, "", nil, ""
	}
	if v.Connection != nil {
		connection := wireConnection(*v.Connection)
		out.ConnectionConfig = &connection
	}
	return out
}

func wireConnection(n credential.Connection) api.ConnectionConfig {
	return api.ConnectionConfig{ConsentMethod: string(n.Consent), Status: string(n.Status), DeletedByOwner: n.DeletedByOwner}
}
