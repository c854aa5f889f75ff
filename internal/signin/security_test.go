package signin_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
	"github.com/pquerna/otp/totp"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/signin"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// house is a tenant with an administrator, and where people sign in to it.
type house struct {
	*testenv.Env
	t       *testing.T
	s       *signin.Service
	tenant  estate.Tenant
	surface estate.Surface
	admin   estate.Actor
}

func newHouse(t *testing.T, e *testenv.Env) *house {
	t.Helper()
	h := &house{Env: e, t: t, s: e.App.SignIn, tenant: e.Tenant(e.Subscription(2), "us")}
	h.surface = estate.Surface{Kind: estate.SurfaceTenant, Origin: "http://" + string(h.tenant.Hostname) + ".freehold.localhost", Tenant: h.tenant}
	h.admin = estate.Actor{
		Kind: estate.ActorUser, ID: "admin", Scope: h.tenant.Scope(), Roles: []estate.RoleName{estate.RoleTenantAdmin},
		Permissions: estate.Permissions{api.ScopeAdminClassic},
	}
	return h
}

func (h *house) wants(what string, err error, code string) {
	h.t.Helper()
	var known *estate.Error
	if code == "" && err != nil || code != "" && (!errors.As(err, &known) || known.Code != code) {
		h.t.Fatalf("%s: %v, want %q", what, err, code)
	}
}

func (h *house) write(fn func(*store.Tx) error) {
	h.t.Helper()
	h.wants("write", h.App.Store.Write(h.t.Context(), fn), "")
}

// user adds a user of the tenant.
func (h *house) user(name string, status estate.UserStatus) estate.User {
	now := h.Clock.Now()
	u := estate.User{
		ID: estate.NewUserID(), Organization: h.tenant.Organization, Tenant: h.tenant.ID, Subject: name, Name: name, Email: name + "@example.com",
		Status: status, CreatedAt: now, UpdatedAt: now,
	}
	h.write(func(tx *store.Tx) error { return tx.InsertUser(h.t.Context(), u) })
	return u
}

func (h *house) link(u estate.User) estate.Secret {
	h.t.Helper()
	secret, _, err := h.s.CreateUserLink(h.t.Context(), h.admin, u.ID, false)
	h.wants("link", err, "")
	return secret
}

// enters signs a user in, and is who that is.
func (h *house) enters(u estate.User) (estate.Actor, estate.Session) {
	h.t.Helper()
	in, err := h.s.UseLink(h.t.Context(), h.surface, h.link(u), guest("192.0.2.9"))
	h.wants("enter", err, "")
	return estate.Actor{Kind: estate.ActorUser, ID: string(u.ID), Scope: h.tenant.Scope()}, in.Session
}

func guest(address string) signin.Visitor {
	return signin.Visitor{Address: netip.MustParseAddr(address), Agent: "test"}
}

func totpAt(t *testing.T, secret string, now time.Time) string {
	t.Helper()
	code, err := totp.GenerateCode(secret, now)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// atOnce runs fn many times at once and returns how often it went well.
func atOnce(n int, fn func() error) int64 {
	var won atomic.Int64
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			if fn() == nil {
				won.Add(1)
			}
		})
	}
	all.Wait()
	return won.Load()
}

// TestLink_OnceByOneInOnePlace: of many who use a link one gets in; nobody does at
// another tenant or the console, for a disabled user, a bot, in a deactivated
// tenant, or with an invitation that has ended.
func TestLink_OnceByOneInOnePlace(t *testing.T) {
	e := testenv.Open(t)
	h, other := newHouse(t, e), newHouse(t, e)
	ctx := t.Context()
	ada := h.user("ada", estate.UserActive)
	link := h.link(ada)
	console := estate.Surface{Kind: estate.SurfaceConsole, Origin: "http://console.freehold.localhost"}
	for what, surface := range map[string]estate.Surface{"another tenant": other.surface, "console": console, "register": {Kind: estate.SurfaceRegister}} {
		_, err := h.s.UseLink(ctx, surface, link, guest("192.0.2.1"))
		h.wants(what, err, api.CodeLinkNone)
		_, err = h.s.LookAtLink(ctx, surface, link)
		h.wants("look at "+what, err, api.CodeLinkNone)
	}
	if won := atOnce(20, func() error { _, err := h.s.UseLink(ctx, h.surface, link, guest("192.0.2.1")); return err }); won != 1 {
		t.Errorf("the link worked %d times", won)
	}
	_, _, err := h.s.CreateUserLink(ctx, other.admin, ada.ID, false)
	h.wants("link by the administrator of another tenant", err, api.CodeUserNotFound)
	plain := h.admin
	plain.Roles = nil
	_, _, err = h.s.CreateUserLink(ctx, plain, ada.ID, false)
	h.wants("link by who administers nothing", err, api.CodeForbidden)

	set := func(change func(*estate.User)) {
		u := ada
		change(&u)
		h.write(func(tx *store.Tx) error { return tx.UpdateUser(ctx, h.tenant.Scope(), u) })
	}
	link = h.link(ada)
	set(func(u *estate.User) { u.Status = estate.UserDisabled })
	_, err = h.s.UseLink(ctx, h.surface, link, guest("192.0.2.1"))
	h.wants("disabled", err, api.CodeLinkNone)
	_, _, err = h.s.CreateUserLink(ctx, h.admin, ada.ID, false)
	h.wants("link for a disabled user", err, api.CodeLinkUser)
	set(func(u *estate.User) { u.Status, u.InviteExpiresAt = estate.UserInvited, h.Clock.Now().Add(time.Minute) })
	link = h.link(ada)
	h.Clock.Advance(time.Minute)
	_, err = h.s.UseLink(ctx, h.surface, link, guest("192.0.2.1"))
	h.wants("invitation that has ended", err, api.CodeLinkNone)
	_, _, err = h.s.CreateUserLink(ctx, h.admin, ada.ID, true)
	h.wants("link for an invitation that has ended", err, api.CodeLinkUser)

	set(func(u *estate.User) { u.Status = estate.UserActive })
	link = h.link(ada)
	stopped := h.tenant
	stopped.Status = estate.TenantDisabled
	h.write(func(tx *store.Tx) error { return tx.UpdateTenant(ctx, stopped.Scope(), stopped) })
	_, err = h.s.UseLink(ctx, h.surface, link, guest("192.0.2.1"))
	h.wants("deactivated tenant", err, api.CodeLinkNone)
}

// TestLink_Recovery: who recovers is the only one who is signed in.
func TestLink_Recovery(t *testing.T) {
	h := newHouse(t, testenv.Open(t))
	ada := h.user("ada", estate.UserActive)
	h.enters(ada)
	actor, session := h.enters(ada)
	left, err := h.s.Sessions(t.Context(), actor)
	if h.wants("sessions", err, ""); len(left) != 1 || left[0].ID != session.ID {
		t.Errorf("left: %+v", left)
	}
}

// TestPassword_Guesses: what is guessed from many addresses, and all at once, is
// bounded, and whoever was right lately is heard all the same; unknown people and
// wrong passwords look alike.
func TestPassword_Guesses(t *testing.T) {
	h := newHouse(t, testenv.Open(t))
	ctx := t.Context()
	ada := h.user("ada", estate.UserActive)
	actor, session := h.enters(ada)
	const password = "correct horse battery"
	h.wants("password", h.s.SetPassword(ctx, actor, session, password), "")
	try := func(email, word, address string) error {
		_, err := h.s.SignInByPassword(ctx, h.surface, signin.Proof{Email: email, Password: estate.Secret(word)}, guest(address))
		return err
	}
	h.wants("home", try(ada.Email, password, "198.51.100.1"), "")
	wrong, unknown := try(ada.Email, "wrong", "192.0.2.1"), try("nobody@example.com", "wrong", "192.0.2.1")
	if wrong.Error() != unknown.Error() {
		t.Errorf("told apart: %v, %v", wrong, unknown)
	}
	var n, heard atomic.Int64
	atOnce(60, func() error {
		err := try(ada.Email, "wrong", fmt.Sprintf("203.0.113.%d", n.Add(1)))
		if estate.HasCode(err, api.CodeLoginWrong) {
			heard.Add(1)
		}
		return err
	})
	if heard.Load() != 19 { // and one before
		t.Errorf("%d guesses were heard", heard.Load())
	}
	h.wants("right, from a new address", try(ada.Email, password, "203.0.113.200"), api.CodeLoginTooMany)
	h.wants("right, from home", try(ada.Email, password, "198.51.100.1"), "")
	h.Clock.Advance(6 * time.Minute)
	h.wants("later", try(ada.Email, password, "203.0.113.200"), "")
}

// TestRecoveryCode_Once: of many who use a recovery code one gets in.
func TestRecoveryCode_Once(t *testing.T) {
	h := newHouse(t, testenv.Open(t))
	ctx := t.Context()
	ada := h.user("ada", estate.UserActive)
	actor, session := h.enters(ada)
	const password = "correct horse battery"
	h.wants("password", h.s.SetPassword(ctx, actor, session, password), "")
	key, err := h.s.NewTOTP(h.surface, "ada", "")
	h.wants("key", err, "")
	h.wants("app", h.s.AddTOTP(ctx, actor, session, key.Secret(), totpAt(t, key.Secret(), h.Clock.Now())), "")
	codes, err := h.s.NewRecoveryCodes(ctx, actor, session)
	h.wants("codes", err, "")
	try := func(code string, address string) error {
		_, err := h.s.SignInByPassword(ctx, h.surface, signin.Proof{Email: ada.Email, Password: password, Code: code}, guest(address))
		return err
	}
	wrong := try("000000", "192.0.2.1")
	_, err = h.s.SignInByPassword(ctx, h.surface, signin.Proof{Email: ada.Email, Password: "wrong", Code: "000000"}, guest("192.0.2.1"))
	if wrong == nil || err == nil || wrong.Error() != err.Error() {
		t.Errorf("a wrong code and a wrong password are told apart: %v, %v", wrong, err)
	}
	h.Clock.Advance(10 * time.Minute)
	if won := atOnce(4, func() error { return try(codes[0], "192.0.2.2") }); won != 1 {
		t.Errorf("the recovery code worked %d times", won)
	}
	h.Clock.Advance(10 * time.Minute)
	code := totpAt(t, key.Secret(), h.Clock.Now())
	if won := atOnce(4, func() error { return try(code, "192.0.2.3") }); won != 1 {
		t.Errorf("the code worked %d times", won)
	}
	h.Clock.Advance(10 * time.Minute)
	for i := range 4 {
		h.wants("wrong code", try("000000", fmt.Sprintf("203.0.113.%d", i)), api.CodeLoginWrong)
	}
	h.wants("too many wrong codes", try("000000", "203.0.113.9"), api.CodeLoginTooMany)
}

// newCredential makes a passkey whose coordinates begin with no zero byte: the
// virtual authenticator leaves leading zeros out, in one key of 128, which no
// real authenticator does and which is refused.
func newCredential(t *testing.T) virtualwebauthn.Credential {
	t.Helper()
	for {
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		point, err := private.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if point[1] == 0 || point[1+32] == 0 {
			continue
		}
		der, err := x509.MarshalPKCS8PrivateKey(private)
		if err != nil {
			t.Fatal(err)
		}
		return virtualwebauthn.NewCredentialWithImportedKey(virtualwebauthn.KeyTypeEC2, der)
	}
}

// TestPasskey goes through what a passkey must not do.
func TestPasskey(t *testing.T) {
	e := testenv.Open(t)
	h, other := newHouse(t, e), newHouse(t, e)
	ctx := t.Context()
	ada, bob := h.user("ada", estate.UserActive), h.user("bob", estate.UserActive)
	actor, session := h.enters(ada)
	rp := func(s estate.Surface) virtualwebauthn.RelyingParty {
		return virtualwebauthn.RelyingParty{ID: s.Origin[len("http://"):], Name: "x", Origin: s.Origin}
	}
	device, key := virtualwebauthn.NewAuthenticator(), newCredential(t)
	made := func(actor estate.Actor, session estate.Session) (state, response string) {
		c, err := h.s.BeginPasskey(ctx, actor, session, h.surface)
		h.wants("begin", err, "")
		options, err := virtualwebauthn.ParseAttestationOptions(c.Options)
		h.wants("options", err, "")
		device.Options.UserHandle = []byte(options.UserID)
		return c.State, virtualwebauthn.CreateAttestationResponse(rp(h.surface), device, key, *options)
	}
	state, response := made(actor, session)
	robert, his := h.enters(bob)
	h.wants("by another person", h.s.AddPasskey(ctx, robert, his, h.surface, state, response, ""), api.CodeCredential)
	h.wants("at another host", h.s.AddPasskey(ctx, actor, session, other.surface, state, response, ""), api.CodeCredential)
	h.wants("add", h.s.AddPasskey(ctx, actor, session, h.surface, state, response, "key"), "")
	h.wants("add again", h.s.AddPasskey(ctx, actor, session, h.surface, state, response, "key"), api.CodeCredential)
	handle := device.Options.UserHandle
	state, response = made(robert, his)
	h.wants("somebody else's passkey", h.s.AddPasskey(ctx, robert, his, h.surface, state, response, ""), api.CodeCredential)
	device.Options.UserHandle = handle

	browser := signin.NewBrowser()
	ask := func(at estate.Surface, as virtualwebauthn.RelyingParty) signin.PasskeyProof {
		c, err := h.s.BeginPasskeyLogin(at, browser)
		h.wants("begin", err, "")
		options, err := virtualwebauthn.ParseAssertionOptions(c.Options)
		h.wants("options", err, "")
		key.Counter++
		h.Clock.Advance(time.Second)
		return signin.PasskeyProof{Browser: browser, State: c.State, Response: virtualwebauthn.CreateAssertionResponse(as, device, key, *options)}
	}
	enter := func(at estate.Surface, p signin.PasskeyProof) error {
		_, err := h.s.SignInByPasskey(ctx, at, p, guest("192.0.2.1"))
		return err
	}
	early := ask(h.surface, rp(h.surface))
	p := ask(h.surface, rp(h.surface))
	elsewhere := p
	elsewhere.Browser = signin.NewBrowser()
	h.wants("in another browser", enter(h.surface, elsewhere), api.CodeLoginWrong)
	elsewhere.Browser = ""
	h.wants("in no browser", enter(h.surface, elsewhere), api.CodeLoginWrong)
	h.wants("at another tenant", enter(other.surface, p), api.CodeLoginWrong)
	h.Clock.Advance(time.Minute)
	if won := atOnce(3, func() error { return enter(h.surface, p) }); won != 1 {
		t.Errorf("the answer worked %d times", won)
	}
	h.Clock.Advance(time.Hour)
	for what, p := range map[string]func() signin.PasskeyProof{
		"an earlier answer": func() signin.PasskeyProof { return early },
		"another origin": func() signin.PasskeyProof {
			return ask(h.surface, virtualwebauthn.RelyingParty{ID: rp(h.surface).ID, Origin: "http://evil.example"})
		},
		"another relying party": func() signin.PasskeyProof {
			return ask(h.surface, virtualwebauthn.RelyingParty{ID: "evil.example", Origin: h.surface.Origin})
		},
		"another person's": func() signin.PasskeyProof {
			device.Options.UserHandle = []byte("somebody")
			defer func() { device.Options.UserHandle = handle }()
			return ask(h.surface, rp(h.surface))
		},
		"who did not verify": func() signin.PasskeyProof {
			device.Options.UserNotVerified = true
			defer func() { device.Options.UserNotVerified = false }()
			return ask(h.surface, rp(h.surface))
		},
		"counting backwards": func() signin.PasskeyProof {
			before := key.Counter
			key.Counter = 0
			defer func() { key.Counter = before }()
			return ask(h.surface, rp(h.surface))
		},
		"too late": func() signin.PasskeyProof {
			p := ask(h.surface, rp(h.surface))
			h.Clock.Advance(time.Hour)
			return p
		},
	} {
		key.Counter += 20
		h.wants(what, enter(h.surface, p()), api.CodeLoginWrong)
		h.Clock.Advance(time.Hour)
	}
	h.wants("right", enter(h.surface, ask(h.surface, rp(h.surface))), "")
	off := ada
	off.Status = estate.UserDisabled
	h.write(func(tx *store.Tx) error { return tx.UpdateUser(ctx, h.tenant.Scope(), off) })
	h.wants("disabled", enter(h.surface, ask(h.surface, rp(h.surface))), api.CodeLoginWrong)
}

// TestCredentials_EndSessions: who replaces or removes what to sign in with is the
// only one who stays signed in; who adds the first does not disturb anybody. A
// session that has ended changes nothing.
func TestCredentials_EndSessions(t *testing.T) {
	h := newHouse(t, testenv.Open(t))
	ctx := t.Context()
	ada := h.user("ada", estate.UserActive)
	actor, session := h.enters(ada)
	begin := func() estate.Session {
		in, err := h.s.Begin(ctx, h.surface, session.Person(), estate.SignInPasskey, guest("192.0.2.1"))
		h.wants("begin", err, "")
		return in.Session
	}
	left := func(want int) {
		t.Helper()
		all, err := h.s.Sessions(ctx, actor)
		if h.wants("sessions", err, ""); len(all) != want {
			t.Errorf("%d sessions, want %d", len(all), want)
		}
	}
	gone := begin()
	h.wants("first password", h.s.SetPassword(ctx, actor, session, "correct horse battery"), "")
	left(2)
	h.wants("another password", h.s.SetPassword(ctx, actor, session, "battery horse correct"), "")
	left(1)
	h.wants("in a session that has ended", h.s.SetPassword(ctx, actor, gone, "battery horse correct"), api.CodeUnauthenticated)
	begin()
	all, err := h.s.Credentials(ctx, actor)
	h.wants("credentials", err, "")
	h.wants("remove", h.s.RemoveCredential(ctx, actor, session, all[0].ID), "")
	left(1)
}
