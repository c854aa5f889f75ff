package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/api"
)

// PersonTokens are what a program acts for a person with, at the host where the
// person let it. They print and marshal without the tokens.
type PersonTokens struct {
	AccessToken  string
	ExpiresAt    time.Time // of AccessToken; zero: not known
	RefreshToken string    // empty: the person has to be asked again when AccessToken ends
	Scope        string    // what the person granted, separated by spaces
}

// Format writes t without its tokens, whatever the verb.
func (t PersonTokens) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.String()) }

// String returns t without its tokens.
func (t PersonTokens) String() string { return "tokens of a person [redacted]" }

// LogValue returns t without its tokens.
func (t PersonTokens) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalText returns t without its tokens.
func (t PersonTokens) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// TokenKeeper keeps the tokens of a person for all programs that share them. It
// calls renew with the tokens as they are now, and has kept what renew returns
// before it returns itself. In the meantime nobody else may use or change them:
// a refresh token works once, and using it twice signs the person out. When
// renew fails, the tokens stay as they are.
type TokenKeeper func(ctx context.Context, renew func(PersonTokens) (PersonTokens, error)) error

// ErrSignedOut reports that the tokens of a person are of no use any more: the
// person has to sign in again.
var ErrSignedOut = errors.New("the sign-in has ended")

// WithPersonTokens makes the Client act for a person, with tokens that keep
// keeps and that a public client got from the host of New. They are good for
// that host only, and shown to no other.
func WithPersonTokens(clientID string, keep TokenKeeper) Option {
	return func(o *options) error {
		if clientID == "" || keep == nil {
			return errors.New("the tokens of a person need a client id and somebody who keeps them")
		}
		o.shared.person = &personSource{clientID: clientID, keep: keep}
		return nil
	}
}

// personSource gets access tokens for a person.
type personSource struct {
	clientID string
	keep     TokenKeeper
	home     *url.URL // whose tokens they are
}

// fetch takes the access token that is kept, unless it is the one that the host
// refused, or buys a new one.
func (p *personSource) fetch(ctx context.Context, s *tokenSource, refused string, attempts int) (got token, err error) {
	if !sameOrigin(p.home, s.base) {
		return got, fmt.Errorf("get token from %s: the person is signed in at %s only", s.base.Host, p.home.Host)
	}
	err = p.keep(ctx, func(kept PersonTokens) (PersonTokens, error) {
		if kept.AccessToken != "" && kept.AccessToken != refused {
			if got = kept.access(); got.fresh(s.shared.now()) {
				return kept, nil
			}
		}
		if kept.RefreshToken == "" {
			return kept, ErrSignedOut
		}
		form := url.Values{"grant_type": {api.GrantRefreshToken}, "client_id": {p.clientID}, "refresh_token": {kept.RefreshToken}}
		renewed, err := s.shared.personTokens(ctx, s.base, form, attempts)
		switch code := Code(err); {
		case code == api.CodeOAuthInvalidGrant || code == "invalid_grant":
			return kept, fmt.Errorf("%w: %w", ErrSignedOut, err)
		case err != nil:
			return kept, fmt.Errorf("get token from %s: %w", s.base.Host, err)
		}
		if renewed.RefreshToken == "" {
			renewed.RefreshToken = kept.RefreshToken // RFC 6749 section 6 lets a server keep to it
		}
		got = renewed.access()
		return renewed, nil
	})
	return got, err
}

// access is the access token of t. How long it was to live is not known any more.
func (t PersonTokens) access() token {
	a := token{value: t.AccessToken, expires: t.ExpiresAt}
	if !t.ExpiresAt.IsZero() {
		a.renew = t.ExpiresAt.Add(-maxMargin)
	}
	return a
}

// personTokens asks a token endpoint.
func (s *shared) personTokens(ctx context.Context, base *url.URL, form url.Values, attempts int) (PersonTokens, error) {
	asked := s.now()
	resp, err := s.send(ctx, formCall(base, "/oauth/token", form), attempts)
	if err != nil {
		return PersonTokens{}, err
	}
	access, err := readToken(resp, asked, s.scheme())
	if err != nil {
		return PersonTokens{}, err
	}
	var besides struct {
		RefreshToken string `json:"refresh_token"`
		Scope        string `json:"scope"`
	}
	if err := resp.decode(&besides); err != nil {
		return PersonTokens{}, fmt.Errorf("read token answer: %w", err)
	}
	return PersonTokens{AccessToken: access.value, ExpiresAt: access.expires, RefreshToken: besides.RefreshToken, Scope: besides.Scope}, nil
}

func formCall(base *url.URL, path string, form url.Values) call {
	return call{
		method: http.MethodPost, url: base.JoinPath(path), body: []byte(form.Encode()), safe: true,
		header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
	}
}

// DeviceFlow is how a program without a browser gets the tokens of a person (RFC
// 8628).
type DeviceFlow struct {
	ClientID string   // of a public client; empty: api.CLIClientID
	Scopes   []string // empty: all of the client, and no refresh token

	// Show tells the person where to approve, and by which code.
	Show func(api.DeviceAuthorization)

	// Wait waits between two questions. If nil, time passes.
	Wait func(context.Context, time.Duration) error
}

// The rules of RFC 8628, sections 3.2 and 3.5.
const (
	usualDeviceInterval = 5 * time.Second
	deviceSlowdown      = 5 * time.Second
)

// SignIn lets a person approve the program at c's host, and waits for it until
// the code expires. c needs no credentials. That the person refused is an
// [*Error] with api.CodeOAuthAccessDenied; that nobody came in time, one with
// api.CodeOAuthDeviceExpired.
func (c *Client) SignIn(ctx context.Context, flow DeviceFlow) (PersonTokens, error) {
	if flow.ClientID == "" {
		flow.ClientID = api.CLIClientID
	}
	if flow.Wait == nil {
		flow.Wait = sleep
	}
	form := url.Values{"client_id": {flow.ClientID}}
	if len(flow.Scopes) > 0 {
		form.Set("scope", strings.Join(flow.Scopes, " "))
	}
	resp, err := c.shared.send(ctx, formCall(c.base, api.DeviceAuthorizationPath, form), c.shared.attempts)
	if err != nil {
		return PersonTokens{}, fmt.Errorf("begin to sign in at %s: %w", c.base.Host, err)
	}
	var device api.DeviceAuthorization
	if err := resp.decode(&device); err != nil {
		return PersonTokens{}, fmt.Errorf("begin to sign in at %s: %w", c.base.Host, err)
	}
	if device.DeviceCode == "" || device.UserCode == "" {
		return PersonTokens{}, fmt.Errorf("begin to sign in at %s: the answer holds no codes", c.base.Host)
	}
	if flow.Show != nil {
		flow.Show(device)
	}
	interval := time.Duration(device.Interval) * time.Second
	if interval <= 0 {
		interval = usualDeviceInterval
	}
	form = url.Values{"grant_type": {api.GrantDeviceCode}, "client_id": {flow.ClientID}, "device_code": {device.DeviceCode}}
	for {
		if err := flow.Wait(ctx, interval); err != nil {
			return PersonTokens{}, fmt.Errorf("wait for the approval: %w", err)
		}
		tokens, err := c.shared.personTokens(ctx, c.base, form, c.shared.attempts)
		switch Code(err) {
		case api.CodeOAuthPending, "authorization_pending":
		case api.CodeOAuthSlowDown, "slow_down":
			interval += deviceSlowdown
		default:
			return tokens, err
		}
	}
}
