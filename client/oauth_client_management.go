package client

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/freehold-platform/freehold/api"
)

// OAuthClients manages the OAuth clients of one level. It is made by one of the
// methods of [Client] that return one.
type OAuthClients struct {
	c    *Client
	path string
	err  error // what was wrong when it was made
}

// TenantOAuthClients manages the clients of a tenant, on its host.
func (c *Client) TenantOAuthClients() OAuthClients {
	return OAuthClients{c: c, path: "/api/v1/oauth-clients"}
}

// OrganizationOAuthClients manages the organization-level clients, on the console
// host.
func (c *Client) OrganizationOAuthClients() OAuthClients {
	return OAuthClients{c: c, path: "/api/core/oauth-clients"}
}

// SubscriptionOAuthClients manages the region-level clients of a subscription, on
// the console host.
func (c *Client) SubscriptionOAuthClients(subscription string) OAuthClients {
	segment, err := pathSegment(subscription)
	return OAuthClients{c: c, path: subscriptions + "/" + segment + "/oauth-clients", err: err}
}

// OAuthClientListOptions pick and order OAuth clients.
type OAuthClientListOptions struct {
	Filter       string // SCIM filter, e.g. `clientName co "ci"`; empty: all
	Sort         string // comma-separated attributes, "-" before one for descending
	Limit        int    // clients a page, 1 to 100; 0: the server's default of 20
	TotalResults bool   // have every page tell how many clients the filter matches
}

// Pages goes through the pages of the clients that opts pick. After an error it
// ends.
func (o OAuthClients) Pages(ctx context.Context, opts OAuthClientListOptions) iter.Seq2[*api.OAuthClientList, error] {
	return func(yield func(*api.OAuthClientList, error) bool) {
		query := make(url.Values)
		for name, value := range map[string]string{"filter": opts.Filter, "sort": opts.Sort} {
			if value != "" {
				query.Set(name, value)
			}
		}
		if opts.Limit > 0 {
			query.Set("limit", strconv.Itoa(opts.Limit))
		}
		if opts.TotalResults {
			query.Set("totalResults", "true")
		}
		err := o.err
		var req call
		if err == nil {
			req, err = o.c.prepare(Request{Method: http.MethodGet, Path: o.path, Query: query})
		}
		for err == nil {
			var page *api.OAuthClientList
			if page, err = o.page(ctx, req); err != nil {
				break
			}
			if !yield(page, nil) || page.Links.Next == nil || page.Links.Next.Href == "" {
				return
			}
			req, err = o.c.follow(req, page.Links.Next.Href)
		}
		yield(nil, err)
	}
}

func (o OAuthClients) page(ctx context.Context, req call) (*api.OAuthClientList, error) {
	resp, err := o.c.send(ctx, req)
	if err != nil {
		return nil, err
	}
	page := new(api.OAuthClientList)
	if err := resp.decode(page); err != nil {
		return nil, fmt.Errorf("read page of OAuth clients: %w", err)
	}
	return page, nil
}

// All goes through all clients that opts pick, fetching pages as they are needed.
// After an error it ends.
func (o OAuthClients) All(ctx context.Context, opts OAuthClientListOptions) iter.Seq2[api.OAuthClient, error] {
	return func(yield func(api.OAuthClient, error) bool) {
		for page, err := range o.Pages(ctx, opts) {
			if err != nil {
				yield(api.OAuthClient{}, err)
				return
			}
			for _, one := range page.Data {
				if !yield(one, nil) {
					return
				}
			}
		}
	}
}

// Get returns a client by its id.
func (o OAuthClients) Get(ctx context.Context, id string) (*api.OAuthClient, error) {
	found := new(api.OAuthClient)
	return found, o.do(ctx, http.MethodGet, id, "", nil, nil, found)
}

// Update changes a client by a patch, all of it or nothing. If the change made a
// secret, that is returned, here and nowhere else; mostly it is "".
func (o OAuthClients) Update(ctx context.Context, id string, patch []api.PatchOperation) (secret string, err error) {
	var answer json.RawMessage
	if err := o.do(ctx, http.MethodPatch, id, "", nil, patch, &answer); err != nil || len(answer) == 0 {
		return "", err
	}
	var made api.PatchedOAuthClient
	if err := json.Unmarshal(answer, &made); err != nil {
		return "", fmt.Errorf("read the secret of client %s: %w", id, err)
	}
	return made.ClientSecret, nil
}

// Delete takes a client out of use for good, at once and everywhere.
func (o OAuthClients) Delete(ctx context.Context, id string) error {
	return o.do(ctx, http.MethodDelete, id, "", http.Header{api.HeaderConfirmDelete: {id}}, nil, nil)
}

// Publish makes a tenant's client known to the tenants of its region.
func (o OAuthClients) Publish(ctx context.Context, id string) (time.Time, error) {
	var answer api.PublishedOAuthClient
	err := o.do(ctx, http.MethodPost, id, "/actions/publish", nil, nil, &answer)
	return answer.PublishedAt.Time, err
}

// GetConnection returns how the tenant at the host stands to a client.
func (o OAuthClients) GetConnection(ctx context.Context, id string) (*api.ConnectionConfig, error) {
	found := new(api.ConnectionConfig)
	return found, o.do(ctx, http.MethodGet, id, connectionConfig, nil, nil, found)
}

// SetConsent decides for the tenant at the host about a client: "trusted", or
// "required". Another tenant's published client can act here only if trusted.
func (o OAuthClients) SetConsent(ctx context.Context, id, method string) error {
	return o.do(ctx, http.MethodPatch, id, connectionConfig, nil, []api.PatchOperation{{Op: "replace", Path: "/consentMethod", Value: method}}, nil)
}

// DeleteConnection takes the access to the tenant at the host from a client that
// another tenant has published.
func (o OAuthClients) DeleteConnection(ctx context.Context, id string) error {
	return o.do(ctx, http.MethodDelete, id, connectionConfig, nil, nil, nil)
}

// CreateSecret gives a client one more secret, which is told here and nowhere else.
// It ends at expires, unless that is zero.
func (o OAuthClients) CreateSecret(ctx context.Context, id string, expires time.Time) (*api.CreatedClientSecret, error) {
	made := new(api.CreatedClientSecret)
	return made, o.do(ctx, http.MethodPost, id, "/client-secrets", nil, api.CreateClientSecretRequest{ExpiresAt: api.Timestamp(expires)}, made)
}

// DeleteSecret erases the secret with the hint.
func (o OAuthClients) DeleteSecret(ctx context.Context, id, hint string) error {
	segment, err := pathSegment(hint)
	if err != nil {
		return err
	}
	return o.do(ctx, http.MethodDelete, id, "/client-secrets/"+segment, nil, nil, nil)
}

// RotateSecret makes a new secret, which is told here and nowhere else, and has all
// others end after overlap, rounded up to seconds: at once if it is 0. Until then
// FinishRotation and CancelRotation can decide otherwise.
func (o OAuthClients) RotateSecret(ctx context.Context, id string, overlap time.Duration) (*api.CreatedClientSecret, error) {
	made := new(api.CreatedClientSecret)
	seconds := int64((overlap + time.Second - 1) / time.Second)
	return made, o.do(ctx, http.MethodPost, id, "/actions/rotate-secret", nil, api.RotateClientSecretRequest{OverlapSeconds: seconds}, made)
}

// FinishRotation erases the secrets that a running rotation replaces.
func (o OAuthClients) FinishRotation(ctx context.Context, id string) error {
	return o.do(ctx, http.MethodPost, id, "/actions/finish-rotation", nil, nil, nil)
}

// CancelRotation erases the secret that a running rotation has made.
func (o OAuthClients) CancelRotation(ctx context.Context, id string) error {
	return o.do(ctx, http.MethodPost, id, "/actions/cancel-rotation", nil, nil, nil)
}

const connectionConfig = "/connection-configs/me"

// do makes a call about one client. Calls that make something are not repeated on
// failure, because each arrival makes another.
func (o OAuthClients) do(ctx context.Context, method, id, below string, header http.Header, body, out any) error {
	if o.err != nil {
		return o.err
	}
	segment, err := pathSegment(id)
	if err != nil {
		return err
	}
	path := o.path + "/" + segment + below
	req, err := newRequest(method, path, nil, body)
	if err != nil {
		return err
	}
	req.Header = header
	resp, err := o.c.Raw(ctx, req)
	if err != nil || out == nil {
		return err
	}
	if raw, ok := out.(*json.RawMessage); ok {
		*raw = resp.Body // may be empty
		return nil
	}
	if err := resp.decode(out); err != nil {
		return fmt.Errorf("read answer to %s %s: %w", method, path, err)
	}
	return nil
}

const subscriptions = "/api/core/subscriptions"

// ListSubscriptions returns the subscriptions of the organization, on the console
// host, oldest first.
func (c *Client) ListSubscriptions(ctx context.Context) ([]api.Subscription, error) {
	list, err := get[api.SubscriptionList](ctx, c, subscriptions)
	if err != nil {
		return nil, err
	}
	return list.Data, nil
}

// GetSubscription returns a subscription of the organization by its licence number,
// on the console host.
func (c *Client) GetSubscription(ctx context.Context, id string) (*api.Subscription, error) {
	return getByID[api.Subscription](ctx, c, subscriptions+"/", id)
}

// CreateRegionOAuthClient creates a region-level client of a subscription, on the
// console host. The same rules as for CreateOAuthClient hold.
func (c *Client) CreateRegionOAuthClient(ctx context.Context, subscription string, req api.CreateRegionOAuthClientRequest) (*api.OAuthClient, error) {
	o := c.SubscriptionOAuthClients(subscription)
	if o.err != nil {
		return nil, o.err
	}
	created := new(api.OAuthClient)
	if err := c.Do(ctx, http.MethodPost, o.path, nil, req, created); err != nil {
		return nil, err
	}
	return created, nil
}
