package httpapi

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/paging"
)

func listOAuthTokens(x *exchange) (list api.OAuthTokenList, err error) {
	query := x.r.URL.Query()
	q := credential.GrantQuery{User: estate.UserID(query.Get("userId")), Page: query.Get("page"), Limit: defaultLimit}
	if query.Has("limit") {
		q.Limit, err = strconv.Atoi(query.Get("limit"))
		if err != nil || q.Limit < 1 || q.Limit > maxLimit {
			return list, paging.BadParameter("limit", "limit must be a number from 1 to "+strconv.Itoa(maxLimit))
		}
	}
	if query.Has("userId") && !q.User.Valid() {
		return list, paging.BadParameter("userId", "userId must be 24 hexadecimal digits")
	}
	switch sort := query.Get("sort"); strings.TrimLeft(sort, "+ ") { // a raw plus arrives as a space
	case "", "userId":
	case "-userId":
		q.Descending = true
	default:
		return list, paging.BadParameter("sort", "sort must be userId or -userId")
	}
	page, err := x.server.Credential.Grants(x.r.Context(), x.actor, q)
	if err != nil {
		return list, err
	}
	list.Data = make([]api.OAuthToken, len(page.Grants))
	for i, g := range page.Grants {
		list.Data[i] = api.OAuthToken{ID: string(g.ID), UserID: string(g.User), TenantID: string(g.Tenant), ClientID: string(g.Client), LastUsed: api.Time{Time: g.LastUsedAt}}
		if name := page.Names[g.Client]; name != "" {
			list.Data[i].Description = &name
		}
	}
	link := func(cursor string) *api.Link {
		if cursor == "" {
			return nil
		}
		moved := url.Values{}
		for key, values := range query {
			moved[key] = values
		}
		moved.Set("page", cursor)
		l := x.pageLink(moved.Encode())
		return &l
	}
	list.Links = api.PageLinks{Self: x.pageLink(x.r.URL.RawQuery), Next: link(page.Next), Prev: link(page.Prev)}
	return list, nil
}

func deleteOAuthToken(x *exchange) error {
	err := x.server.Credential.DeleteGrant(x.r.Context(), x.actor, estate.GrantID(x.r.PathValue("tokenId")))
	if err == nil {
		x.w.WriteHeader(http.StatusNoContent)
	}
	return err
}
