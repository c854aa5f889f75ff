package cli_test

import (
	"fmt"
	"net/http"
	"time"

	"github.com/freehold-platform/freehold/api"
)

// family is what comes of the approval of a person. A refresh token works once,
// without any grace: the second use ends all.
type family struct {
	pending   []string // what devices are told before they get their tokens
	n         int      // refresh token that works
	refreshes int
	ended     bool
	narrow    bool // the person grants no offline_access
	scopes    []string
}

func (f *fake) authorizeDevice(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if r.FormValue("client_id") != api.CLIClientID {
		f.t.Errorf("device of %q", r.FormValue("client_id"))
	}
	f.mu.Lock()
	f.family.scopes = append(f.family.scopes, r.FormValue("scope"))
	f.mu.Unlock()
	page := "http://" + r.Host + api.DevicePath
	answer(w, http.StatusOK, api.DeviceAuthorization{
		DeviceCode: "fhd_device", UserCode: "BCDF-GHJK", VerificationURI: page, VerificationURIComplete: page + "?user_code=BCDF-GHJK",
		ExpiresIn: 600, Interval: 5,
	})
}

var deviceErrors = map[string]string{
	api.CodeOAuthPending: "authorization_pending", api.CodeOAuthSlowDown: "slow_down", api.CodeOAuthDeviceExpired: "expired_token",
	api.CodeOAuthAccessDenied: "access_denied", api.CodeOAuthInvalidGrant: "invalid_grant",
}

func (f *fake) personToken(w http.ResponseWriter, r *http.Request, grant string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	refuse := func(status int, code, detail string) {
		answer(w, status, api.OAuthErrorBody{
			OAuthError: deviceErrors[code], ErrorDescription: detail,
			Errors:  []api.Error{{Code: code, Title: detail, Detail: detail, Status: fmt.Sprint(status)}},
			TraceID: "9a3a5a25531c1e2d9a3a5a25531c1e2d",
		})
	}
	switch grant {
	case api.GrantDeviceCode:
		if len(f.family.pending) > 0 {
			code := f.family.pending[0]
			f.family.pending = f.family.pending[1:]
			status := http.StatusBadRequest
			if code == api.CodeOAuthAccessDenied {
				status = http.StatusForbidden
			}
			refuse(status, code, "The device is told "+deviceErrors[code])
			return
		}
		f.family.ended = false
	case api.GrantRefreshToken:
		if f.family.ended || r.FormValue("refresh_token") != fmt.Sprintf("fhr_%d", f.family.n) {
			f.family.ended = true
			refuse(http.StatusBadRequest, api.CodeOAuthInvalidGrant, "The token is of no use")
			return
		}
		f.family.refreshes++
	}
	f.family.n++
	out := api.TokenResponse{
		AccessToken: accessToken(r.Host), TokenType: "bearer", ExpiresAt: api.Time{Time: now.Add(time.Hour)}, ExpiresIn: 3600,
		Scope: "user_default", RefreshToken: fmt.Sprintf("fhr_%d", f.family.n), AuthTime: now.Unix(),
	}
	if surface(r.Host) == "console" {
		out.TokenType = "Bearer"
	}
	if f.family.narrow {
		out.RefreshToken = ""
	}
	answer(w, http.StatusOK, out)
}

// revokePerson ends a family: the token says goodbye itself.
func (f *fake) revokePerson(r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if token := accessToken(r.Host); r.Header.Get("Authorization") == "Bearer "+token && r.FormValue("token") == token {
		f.family.ended = true
	}
}
