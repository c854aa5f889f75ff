package people

import (
	"encoding/json"
	"net/http"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/console/frame"
	"github.com/freehold-platform/freehold/internal/console/ui"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/signin"
)

// tested is what the page about the test of an identity provider shows.
type tested struct {
	Name     string
	Provider string // its page
	Again    string // where the test begins
	State    estate.PendingState
	Result   api.PendingResult
	Problem  string
	Claims   string // as they came, indented
}

// result shows an administrator how the last test of an identity provider went. What
// it says is kept with the options, so it can be looked at again.
func (p *People) result(q *frame.Request) error {
	id := estate.IdentityProviderID(q.Value("idp"))
	found, err := p.SignIn.IdentityProvider(q.Context(), q.Actor, id)
	if err != nil {
		return err
	}
	v := tested{
		Name: found.Description, Provider: p.Providers + "/" + string(id), State: found.PendingState,
		Again: ui.Query(signin.TestPath, nil, "idp", string(id)),
	}
	if v.Name == "" {
		v.Name = found.Provider
	}
	if found.PendingResult != nil {
		if err := json.Unmarshal(found.PendingResult, &v.Result); err != nil {
			return err
		}
	}
	v.Problem = problemOf(v.Result)
	if v.Result.IDPClaims != nil {
		if indented, err := json.MarshalIndent(v.Result.IDPClaims, "", "  "); err == nil {
			v.Claims = string(indented)
		}
	}
	return q.RenderNarrow(http.StatusOK, "Test of "+v.Name, resultPage(v))
}

// problemOf says what is to be done about a test that failed.
func problemOf(r api.PendingResult) string {
	switch r.Status {
	case "networkError":
		return "The provider can't be reached, or answers otherwise than it should. Check the discovery URL, and that this server may open connections to it."
	case "callbackError":
		return "The provider sent you back with an error. Check that it knows the redirect URL, and that you may use the client there."
	case "tokenError":
		return "The provider gave no token that can be believed. Check the client id and the client secret, and by which algorithm its ID tokens are signed."
	case "claimsError":
		return "The provider said nothing by which you could be known. Check the claims mapping against what it said."
	case "configChangedDuringTestError":
		return "The options have changed since the test began. Test them again."
	}
	return ""
}
