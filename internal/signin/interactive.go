package signin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/assertion"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// Where people go to sign in, and where identity providers send them back to.
const (
	LoginPath    = "/login"
	CallbackPath = "/login/callback"
	TestPath     = "/login/test"        // where a test of an identity provider begins
	ResultPath   = "/login/test/result" // where people see how it went
)

// CallbackURL is where an identity provider sends people back to. At the console each
// has its own: one that is somebody else's can't pass an answer of another off as its
// own (RFC 9700 section 4.4).
func CallbackURL(surface estate.Surface, id estate.IdentityProviderID) string {
	if surface.Kind == estate.SurfaceConsole {
		return surface.Origin + CallbackPath + "/" + string(id)
	}
	return surface.Origin + CallbackPath
}

// LoginLifetime is how long a login may be under way.
const LoginLifetime = 10 * time.Minute

// loginState is what has to be known when an identity provider sends somebody
// back. It is sealed in a cookie of the browser that began the login, so nobody
// else can end it, and nothing is stored for those who never come back.
type loginState struct {
	Provider estate.IdentityProviderID `json:"provider"`

	// Of an account: the organization, and which account it is that wants to be known
	// to the provider from now on; empty: somebody signs in.
	Organization estate.OrganizationID `json:"organization,omitempty"`
	Link         estate.AccountID      `json:"link,omitempty"`

	State    string           `json:"state"`
	Nonce    string           `json:"nonce"`
	Verifier string           `json:"verifier"` // of PKCE
	ReturnTo string           `json:"returnTo"`
	Test     string           `json:"test,omitempty"` // fingerprint of the options that are tested
	ByKind   estate.ActorKind `json:"byKind,omitempty"`
	By       string           `json:"by,omitempty"` // who tests
	Started  int64            `json:"started"`      // Unix milliseconds
}

// Departure is where to send a browser, and the cookie to send along.
type Departure struct {
	URL   string
	State string
}

// LoginRequest is what somebody wants who comes to sign in by an identity provider.
type LoginRequest struct {
	Provider estate.IdentityProviderID // at the console; a tenant has one
	ReturnTo string                    // where to go afterwards, if it is on this host
	TraceID  string
}

// BeginLogin sends somebody to the tenant's interactive identity provider, or to one
// of an organization.
func (s *Service) BeginLogin(ctx context.Context, surface estate.Surface, r LoginRequest) (Departure, error) {
	p, err := s.providerAt(ctx, surface, r.Provider)
	if err != nil {
		return Departure{}, err
	}
	d, err := s.depart(ctx, surface, p, p.Options, loginState{ReturnTo: localPath(surface, r.ReturnTo)})
	return d, s.answer(ctx, arrival{surface: surface, provider: p, visitor: Visitor{TraceID: r.TraceID}}, asRefusal(err))
}

// providerAt is the active interactive identity provider of a tenant or, at the
// console, the one with the id.
func (s *Service) providerAt(ctx context.Context, surface estate.Surface, id estate.IdentityProviderID) (estate.IdentityProvider, error) {
	if surface.Kind == estate.SurfaceConsole {
		return s.organizationProvider(ctx, id)
	}
	return s.interactive(ctx, surface.Tenant.Scope())
}

// interactive is the tenant's active interactive identity provider.
func (s *Service) interactive(ctx context.Context, scope estate.Scope) (estate.IdentityProvider, error) {
	all, err := s.all(ctx, scope)
	if err != nil {
		return estate.IdentityProvider{}, err
	}
	for _, p := range all {
		if p.Interactive && p.Active {
			return p, nil
		}
	}
	return estate.IdentityProvider{}, errNoInteractive
}

// BeginTest sends an administrator to an identity provider by the options that
// wait for a test.
func (s *Service) BeginTest(ctx context.Context, actor estate.Actor, surface estate.Surface, id estate.IdentityProviderID) (Departure, error) {
	p, err := s.IdentityProvider(ctx, actor, id)
	if err != nil {
		return Departure{}, err
	}
	if p.Pending == nil {
		return Departure{}, errNothingPending
	}
	started, tested := api.Time{Time: s.now()}, fingerprint(*p.Pending)
	result := api.PendingResult{Status: "pending", Protocol: api.ProtocolOIDC, Started: &started}
	d, begun := s.depart(ctx, surface, p, *p.Pending, loginState{Test: tested, ByKind: actor.Kind, By: actor.ID})
	var f failure
	switch {
	case errors.As(begun, &f):
		result = failureResult(f)
	case begun != nil:
		return d, begun
	}
	err = s.change(ctx, actor, "identity-provider.test", id, func(tx *store.Tx, p estate.IdentityProvider) (map[string]any, error) {
		if p.Pending == nil || fingerprint(*p.Pending) != tested {
			return nil, errNothingPending
		}
		setResult(&p, result)
		return map[string]any{"status": result.Status}, tx.UpdateIdentityProvider(ctx, actor.Scope, p)
	})
	if err == nil && begun != nil {
		err = estate.E(estate.Precondition, api.CodeIDPUnverified, "The test failed", f.detail)
	}
	return d, err
}

// depart makes a departure to the provider p with the options o.
func (s *Service) depart(ctx context.Context, surface estate.Surface, p estate.IdentityProvider, o estate.IdentityProviderOptions, state loginState) (Departure, error) {
	c, err := s.endpoints(ctx, o)
	if err != nil {
		return Departure{}, err
	}
	config, err := s.oauthConfig(p, o, c, surface)
	if err != nil {
		return Departure{}, err
	}
	state.Provider, state.Organization, state.State, state.Nonce, state.Verifier, state.Started = p.ID, p.Organization, random(), random(), oauth2.GenerateVerifier(), s.now().UnixMilli()
	text, err := json.Marshal(state)
	if err != nil {
		return Departure{}, err
	}
	sealed, err := s.keys.Seal(sealLogin, string(p.Tenant), text)
	return Departure{
		URL:   config.AuthCodeURL(state.State, oidc.Nonce(state.Nonce), oauth2.S256ChallengeOption(state.Verifier)),
		State: base64.RawURLEncoding.EncodeToString(sealed),
	}, err
}

func random() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, by its documentation
	return hex.EncodeToString(b[:])
}

// Arrived is somebody who was sent back: signed in and to go on to ReturnTo; or
// known to the provider from now on, without another session; or an administrator
// who gets to know how a test went.
type Arrived struct {
	SignedIn
	ReturnTo string
	Test     *api.PendingResult
	Provider estate.IdentityProviderID // that was tested
}

// FinishLogin ends a login or a test that the same browser began, by the parameters
// that the identity provider sent along. At the console, at is whose CallbackURL was
// called.
func (s *Service) FinishLogin(ctx context.Context, surface estate.Surface, sealed string, at estate.IdentityProviderID, query url.Values, v Visitor) (Arrived, error) {
	state, err := s.openState(surface, sealed)
	if err != nil || surface.Kind == estate.SurfaceConsole && at != state.Provider || subtle.ConstantTimeCompare([]byte(state.State), []byte(query.Get("state"))) != 1 {
		return Arrived{}, errLoginState
	}
	scope := surface.Tenant.Scope()
	if surface.Kind == estate.SurfaceConsole {
		scope = estate.Scope{Organization: state.Organization}
	}
	var p estate.IdentityProvider
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		p, err = tx.IdentityProvider(ctx, scope, state.Provider)
		return err
	})
	switch {
	case estate.HasKind(err, estate.NotFound):
		return Arrived{}, errLoginState
	case err != nil:
		return Arrived{}, err
	case state.Test != "":
		result, err := s.finishTest(ctx, surface, scope, p, state, query, v.TraceID)
		return Arrived{Test: &result, Provider: p.ID}, err
	case !p.Active && state.Link != "":
		return Arrived{}, errLoginState
	}
	a := arrival{surface: surface, provider: p, visitor: v}
	arrived := Arrived{ReturnTo: state.ReturnTo}
	a.login, _, err = s.redeem(ctx, surface, p, p.Options, state, query)
	switch {
	case err != nil:
	case state.Link != "":
		return arrived, s.linkIdentity(ctx, a, state)
	default:
		arrived.SignedIn, err = s.enter(ctx, a)
	}
	return arrived, s.answer(ctx, a, asRefusal(err))
}

// openState opens the cookie of a login that is under way.
func (s *Service) openState(surface estate.Surface, sealed string) (state loginState, err error) {
	text, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return state, err
	}
	if text, err = s.keys.Open(sealLogin, string(surface.Tenant.ID), text); err != nil {
		return state, err
	}
	if err := json.Unmarshal(text, &state); err != nil {
		return state, err
	}
	if s.now().Sub(time.UnixMilli(state.Started)) > LoginLifetime {
		return state, errLoginState
	}
	return state, nil
}

// asRefusal makes a refusal of what went wrong at the identity provider.
func asRefusal(err error) error {
	var f failure
	if errors.As(err, &f) {
		return assertion.Refusal(f.detail)
	}
	return err
}

// finishTest keeps how a test went, if it was of the options that there are now.
func (s *Service) finishTest(ctx context.Context, surface estate.Surface, scope estate.Scope, p estate.IdentityProvider, state loginState, query url.Values, traceID string) (api.PendingResult, error) {
	changed := api.PendingResult{Status: "configChangedDuringTestError", Protocol: api.ProtocolOIDC, Error: "the options have changed since the test began"}
	if p.Pending == nil || fingerprint(*p.Pending) != state.Test {
		return changed, nil
	}
	login, claims, err := s.redeem(ctx, surface, p, *p.Pending, state, query)
	result := api.PendingResult{Status: "success", Protocol: api.ProtocolOIDC, IDPClaims: claims, ResultantClaims: &api.ResultClaims{
		Subject: login.Subject, Name: login.Name, Email: login.Email, EmailVerified: login.EmailVerified, Groups: login.Groups,
	}}
	if err != nil {
		var f failure
		if !errors.As(err, &f) {
			return result, err
		}
		result = failureResult(f)
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		p, err := tx.IdentityProvider(ctx, scope, p.ID) // as it is now
		if err != nil {
			return err
		}
		if p.Pending == nil || fingerprint(*p.Pending) != state.Test {
			result = changed
			return nil
		}
		setResult(&p, result)
		if err := tx.UpdateIdentityProvider(ctx, scope, p); err != nil {
			return err
		}
		actor := estate.Actor{Kind: state.ByKind, ID: state.By, Scope: scope, TraceID: traceID}
		return s.audit.Done(ctx, tx, actor, scope, "identity-provider.test", string(p.ID), map[string]any{"status": result.Status})
	})
	return result, err
}

// failureResult tells an administrator what went wrong.
func failureResult(f failure) api.PendingResult {
	return api.PendingResult{Status: f.status, Error: f.detail, Protocol: api.ProtocolOIDC, OAuth2Error: f.oauth, IDPClaims: f.claims}
}

// setResult keeps a result of a test with p.
func setResult(p *estate.IdentityProvider, result api.PendingResult) {
	switch result.Status {
	case "success":
		p.PendingState = estate.PendingStateVerified
	case "pending":
		p.PendingState = estate.PendingStatePending
	default:
		p.PendingState = estate.PendingStateError
	}
	p.PendingResult, _ = json.Marshal(result) // texts, and claims that were JSON before
}

// fingerprint tells options from others.
func fingerprint(o estate.IdentityProviderOptions) string {
	text, err := json.Marshal(o)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// localPath is the path of returnTo if that is on the host of surface, and else
// the root: nobody is sent to another site by a link to this one.
func localPath(surface estate.Surface, returnTo string) string {
	const root = "/"
	u, err := url.Parse(returnTo)
	if err != nil || len(returnTo) > 2048 || u.Opaque != "" || u.User != nil {
		return root
	}
	if (u.Scheme != "" || u.Host != "") && u.Scheme+"://"+u.Host != surface.Origin {
		return root
	}
	for _, p := range []string{u.Path, u.EscapedPath()} { // decoded, too: whoever decodes once more finds nothing else
		if !strings.HasPrefix(p, "/") || strings.HasPrefix(p, "//") || strings.Contains(p, `\`) {
			return root
		}
	}
	if clean := path.Clean(u.Path); clean == LoginPath || strings.HasPrefix(clean, LoginPath+"/") {
		return root // what is there changes something for who goes there from a page of this host
	}
	local := url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery, Fragment: u.Fragment}
	return local.String()
}

var (
	errNoInteractive  = estate.E(estate.NotFound, api.CodeLoginNoInteractive, "No interactive identity provider", "There is no active interactive identity provider to sign in with.")
	errLoginState     = estate.E(estate.Invalid, api.CodeLoginState, "Not your login", "The answer is not to a login that this browser began within the last ten minutes. Begin again at "+LoginPath+".")
	errNothingPending = estate.E(estate.Precondition, api.CodeIDPUnverified, "Nothing to test", "The identity provider has no pendingOptions.")
)
