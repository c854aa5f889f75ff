package httpapi

import (
	"encoding/json"
	"net/url"
	"strconv"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/directory"
	"github.com/freehold-platform/freehold/internal/estate"
)

// apiKeyID is the API key that the path names.
func (x *exchange) apiKeyID() estate.APIKeyID { return estate.APIKeyID(x.r.PathValue("apiKeyId")) }

func listAPIKeys(x *exchange) (list api.APIKeyList, err error) {
	query := x.r.URL.Query()
	q := credential.APIKeyQuery{
		User: estate.UserID(query.Get("sub")), CreatedBy: query.Get("createdByUser"), Status: query.Get("status"), Sort: query.Get("sort"),
		StartingAfter: estate.APIKeyID(query.Get("startingAfter")), EndingBefore: estate.APIKeyID(query.Get("endingBefore")),
	}
	if q.Limit, err = limitIn(query); err != nil {
		return list, err
	}
	page, err := x.server.Credential.APIKeys(x.r.Context(), x.actor, q)
	if err != nil {
		return list, err
	}
	now := x.server.Clock()
	list.Data = make([]api.APIKey, len(page.Keys))
	for i, k := range page.Keys {
		list.Data[i] = wireAPIKey(k, now)
	}
	next, prev := "", ""
	if page.More {
		next = list.Data[len(list.Data)-1].ID
	}
	if page.Less {
		prev = list.Data[0].ID
	}
	list.Links = x.besideLinks(query, next, prev)
	return list, nil
}

// besideLinks are the links of a page where the contract has startingAfter and
// endingBefore, with the ids of the rows at its ends, or cursors.
func (x *exchange) besideLinks(query url.Values, next, prev string) api.PageLinks {
	link := func(name, id string) *api.Link {
		if id == "" {
			return nil
		}
		moved := url.Values{}
		for key, values := range query {
			if key != "startingAfter" && key != "endingBefore" {
				moved[key] = values
			}
		}
		moved.Set(name, id)
		l := x.pageLink(moved.Encode())
		return &l
	}
	return api.PageLinks{Self: x.pageLink(x.r.URL.RawQuery), Next: link("startingAfter", next), Prev: link("endingBefore", prev)}
}

func getAPIKey(x *exchange) (api.APIKey, error) {
	k, err := x.server.Credential.APIKey(x.r.Context(), x.actor, x.apiKeyID())
	return wireAPIKey(k, x.server.Clock()), err
}

func createAPIKey(x *exchange, in api.CreateAPIKeyRequest) (api.CreatedAPIKey, error) {
	k, token, err := x.server.Credential.CreateAPIKey(x.r.Context(), x.actor, credential.NewAPIKey{
		Description: in.Description, Expiry: estate.Period(in.Expiry), User: estate.UserID(in.Sub), SubjectType: in.SubType,
	})
	if err != nil {
		return api.CreatedAPIKey{}, err
	}
	x.noStore()
	return api.CreatedAPIKey{APIKey: wireAPIKey(k, x.server.Clock()), Token: token.Reveal()}, nil
}

func updateAPIKey(x *exchange) error {
	patch, err := x.directoryPatch()
	if err != nil {
		return err
	}
	description := ""
	for i, operation := range patch {
		at := "/" + strconv.Itoa(i)
		switch {
		case operation.Op != "replace":
			return errAPIKeyPatch.At(at+"/op", "op must be replace")
		case operation.Path != "/description":
			return errAPIKeyPatch.At(at+"/path", "path must be /description")
		case json.Unmarshal(operation.Value, &description) != nil:
			return errAPIKeyPatch.At(at+"/value", "value must be a string")
		}
	}
	if len(patch) == 0 {
		_, err := x.server.Credential.APIKey(x.r.Context(), x.actor, x.apiKeyID())
		return err
	}
	return x.server.Credential.DescribeAPIKey(x.r.Context(), x.actor, x.apiKeyID(), description)
}

var errAPIKeyPatch = estate.E(estate.Invalid, api.CodeAPIKeyInvalid, "Invalid patch", "")

func deleteAPIKey(x *exchange) error {
	return x.server.Credential.DeleteAPIKey(x.r.Context(), x.actor, x.apiKeyID())
}

func getAPIKeySettings(x *exchange) (api.APIKeySettings, error) {
	s, err := x.server.Credential.APIKeySettings(x.r.Context(), x.actor, estate.TenantID(x.r.PathValue("tenantId")))
	return api.APIKeySettings{MaxAPIKeyExpiry: string(s.MaxExpiry), MaxKeysPerUser: s.MaxPerUser, SCIMExternalClientExpiry: string(s.SCIMExpiry)}, err
}

func updateAPIKeySettings(x *exchange) error {
	patch, err := x.directoryPatch()
	if err != nil {
		return err
	}
	return x.server.Credential.UpdateAPIKeySettings(x.r.Context(), x.actor, estate.TenantID(x.r.PathValue("tenantId")), func(s *estate.APIKeySettings) error {
		for i, operation := range patch {
			if err := x.setAPIKeySetting(s, operation, "/"+strconv.Itoa(i)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (x *exchange) setAPIKeySetting(s *estate.APIKeySettings, operation directory.PatchOperation, at string) error {
	if operation.Op != "replace" {
		return errAPIKeyPatch.At(at+"/op", "op must be replace")
	}
	period := func(into *estate.Period) error {
		var text string
		problem := "must be a string"
		if json.Unmarshal(operation.Value, &text) == nil {
			problem = credential.CheckKeyPeriod(estate.Period(text), x.server.Clock())
		}
		if problem != "" {
			return errAPIKeyPatch.At(at+"/value", operation.Path[1:]+" "+problem)
		}
		*into = estate.Period(text)
		return nil
	}
	switch operation.Path {
	case "/max_api_key_expiry":
		return period(&s.MaxExpiry)
	case "/scim_externalClient_expiry":
		return period(&s.SCIMExpiry)
	case "/max_keys_per_user":
		var n *int64
		if json.Unmarshal(operation.Value, &n) != nil || n == nil || *n < 0 || *n > estate.MaxAPIKeysPerUser {
			return errAPIKeyPatch.At(at+"/value", "max_keys_per_user must be a number from 0 to "+strconv.Itoa(estate.MaxAPIKeysPerUser))
		}
		s.MaxPerUser = *n
		return nil
	}
	return errAPIKeyPatch.At(at+"/path", "path must be /max_api_key_expiry, /max_keys_per_user or /scim_externalClient_expiry")
}

func wireAPIKey(k estate.APIKey, now time.Time) api.APIKey {
	return api.APIKey{
		ID: string(k.ID), TenantID: string(k.Tenant), Sub: string(k.User), SubType: api.SubjectTypeUser, Description: k.Description, Status: string(k.At(now)),
		Expiry: api.Time{Time: k.ExpiresAt}, Created: api.Time{Time: k.CreatedAt}, CreatedByUser: k.CreatedBy, LastUpdated: api.Time{Time: k.UpdatedAt},
	}
}
