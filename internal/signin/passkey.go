package signin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/assertion"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

const (
	sealCeremony     = "passkey ceremony"
	ceremonyLifetime = 10 * time.Minute
	maxPasskeys      = 20 // of a person
	maxPasskeyName   = 64 // characters
)

// Ceremony is what a browser needs to make or show a passkey, and what it has to
// send back with the answer.
type Ceremony struct {
	Options string // JSON, for navigator.credentials
	State   string // sealed
}

type ceremony struct {
	Data    webauthn.SessionData `json:"data"`
	Browser string               `json:"browser"` // whose it is
	Begun   time.Time            `json:"begun"`
}

// relyingParty is the host of surface: passkeys of one are none of another.
func relyingParty(surface estate.Surface) (*webauthn.WebAuthn, error) {
	origin, err := url.Parse(surface.Origin)
	if err != nil {
		return nil, err
	}
	return webauthn.New(&webauthn.Config{
		RPID: origin.Hostname(), RPDisplayName: origin.Hostname(), RPOrigins: []string{surface.Origin},
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired,
		},
		AttestationPreference: protocol.PreferNoAttestation,
	})
}

func (s *Service) seal(surface estate.Surface, browser string, options any, data *webauthn.SessionData) (c Ceremony, err error) {
	text, err := json.Marshal(options)
	if err != nil {
		return c, err
	}
	state, err := json.Marshal(ceremony{*data, browser, s.now()})
	if err != nil {
		return c, err
	}
	sealed, err := s.keys.Seal(sealCeremony, surface.Origin, state)
	return Ceremony{Options: string(text), State: base64.RawURLEncoding.EncodeToString(sealed)}, err
}

// unseal opens the state of a ceremony of a browser.
func (s *Service) unseal(surface estate.Surface, browser, state string) (c ceremony, ok bool) {
	sealed, err := base64.RawURLEncoding.DecodeString(state)
	if err != nil {
		return c, false
	}
	text, err := s.keys.Open(sealCeremony, surface.Origin, sealed)
	if err != nil || json.Unmarshal(text, &c) != nil || !s.now().Before(c.Begun.Add(ceremonyLifetime)) ||
		browser == "" || subtle.ConstantTimeCompare([]byte(c.Browser), []byte(browser)) != 1 {
		return ceremony{}, false
	}
	c.Data.Expires = time.Time{} // it is by our clock
	return c, true
}

// passkeyUser is a person, as the library wants it.
type passkeyUser struct {
	known
	passkeys []webauthn.Credential
}

// handleOf is how authenticators know a person. It tells nothing of it.
func handleOf(p estate.Person) []byte {
	sum := sha256.Sum256([]byte("freehold passkey of " + string(p.Organization) + "/" + string(p.Tenant) + "/" + p.ID))
	return sum[:]
}

func (u passkeyUser) WebAuthnID() []byte                         { return handleOf(u.Person) }
func (u passkeyUser) WebAuthnName() string                       { return u.email }
func (u passkeyUser) WebAuthnDisplayName() string                { return u.name }
func (u passkeyUser) WebAuthnCredentials() []webauthn.Credential { return u.passkeys }

func (s *Service) passkeyUser(ctx context.Context, tx *store.Tx, p estate.Person) (u passkeyUser, err error) {
	if u.known, err = s.personAt(ctx, tx, p); err != nil {
		return u, err
	}
	all, err := tx.Credentials(ctx, p.Scope(), p.ID)
	for _, c := range all {
		if c.Kind != estate.CredentialPasskey {
			continue
		}
		var key webauthn.Credential
		if err := json.Unmarshal(c.Data, &key); err != nil {
			return u, err
		}
		u.passkeys = append(u.passkeys, key)
	}
	return u, err
}

// BeginPasskey is what a browser needs to make a passkey for the person that actor
// is at surface, in a session.
func (s *Service) BeginPasskey(ctx context.Context, actor estate.Actor, session estate.Session, surface estate.Surface) (c Ceremony, err error) {
	person, err := PersonOf(actor)
	if err != nil {
		return c, err
	}
	party, err := relyingParty(surface)
	if err != nil {
		return c, err
	}
	var u passkeyUser
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		u, err = s.passkeyUser(ctx, tx, person)
		return err
	})
	if err != nil {
		return c, err
	}
	options, data, err := party.BeginRegistration(u, webauthn.WithExclusions(webauthn.Credentials(u.passkeys).CredentialDescriptors()))
	if err != nil {
		return c, err
	}
	return s.seal(surface, string(session.ID), options.Response, data)
}

// AddPasskey keeps the passkey that a browser has made.
func (s *Service) AddPasskey(ctx context.Context, actor estate.Actor, session estate.Session, surface estate.Surface, state, response, name string) error {
	name = strings.TrimSpace(name)
	if name == "" {
		name = "Passkey"
	}
	if utf8.RuneCountInString(name) > maxPasskeyName || hasControl(name) {
		return errPasskey.At("/name", "must have at most 64 characters, none of them control characters")
	}
	return s.changeCredentials(ctx, actor, session, "credential.create", func(tx *store.Tx, p estate.Person, all []estate.PersonCredential) (map[string]any, error) {
		u, err := s.passkeyUser(ctx, tx, p)
		if err != nil {
			return nil, err
		}
		c, ok := s.unseal(surface, string(session.ID), state)
		parsed, wrong := protocol.ParseCredentialCreationResponseBytes([]byte(response))
		if !ok || wrong != nil || len(u.passkeys) >= maxPasskeys {
			return nil, errPasskey
		}
		party, err := relyingParty(surface)
		if err != nil {
			return nil, err
		}
		key, err := party.CreateCredential(u, c.Data, parsed)
		if err != nil {
			return nil, errPasskey.Because(err)
		}
		text, err := json.Marshal(key)
		if err != nil {
			return nil, err
		}
		made := estate.PersonCredential{Person: p, Kind: estate.CredentialPasskey, ID: passkeyID(p.Tenant, key.ID), Name: name, Data: text, CreatedAt: s.now()}
		if err := tx.InsertCredential(ctx, made); estate.HasKind(err, estate.Conflict) {
			return nil, errPasskey.Because(err)
		} else if err != nil {
			return nil, err
		}
		return map[string]any{"kind": made.Kind, "name": name}, nil
	})
}

// passkeyID is the id of a passkey for a tenant or, where there is none, for the
// console.
func passkeyID(tenant estate.TenantID, raw []byte) estate.CredentialID {
	sum := sha256.Sum256([]byte("freehold passkey id " + string(tenant) + "/" + string(raw)))
	return estate.CredentialID(base64.RawURLEncoding.EncodeToString(sum[:]))
}

// NewBrowser makes what a browser is known by from the page with BeginPasskeyLogin
// to SignInByPasskey. It belongs into a cookie.
func NewBrowser() string { return rand.Text() }

// BeginPasskeyLogin is what a browser needs to show a passkey of surface, whoever's.
func (s *Service) BeginPasskeyLogin(surface estate.Surface, browser string) (Ceremony, error) {
	party, err := relyingParty(surface)
	if err != nil {
		return Ceremony{}, err
	}
	options, data, err := party.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return Ceremony{}, err
	}
	return s.seal(surface, browser, options.Response, data)
}

// PasskeyProof is how a browser answers BeginPasskeyLogin.
type PasskeyProof struct {
	Browser  string // that it began in
	State    string
	Response string // of navigator.credentials, in JSON
}

// SignInByPasskey signs in whose passkey a browser has shown. What it shows signs in
// once, and only in the browser that was asked for it.
func (s *Service) SignInByPasskey(ctx context.Context, surface estate.Surface, p PasskeyProof, v Visitor) (in SignedIn, err error) {
	name := "passkey"
	parsed, wrong := protocol.ParseCredentialRequestResponseBytes([]byte(p.Response))
	if wrong == nil { // who fails with one slows down nobody else
		name += " " + base64.RawURLEncoding.EncodeToString(parsed.RawID)
	}
	err = s.attempt(ctx, surface, name, false, v, func() (person estate.Person, err error) {
		c, ok := s.unseal(surface, p.Browser, p.State)
		if !ok || wrong != nil {
			return person, assertion.Refuse("the answer is not to a question that was asked lately, in this browser")
		}
		in, person, err = s.byPasskey(ctx, surface, c, parsed, v)
		return person, err
	})
	return in, err
}

func (s *Service) byPasskey(ctx context.Context, surface estate.Surface, c ceremony, parsed *protocol.ParsedCredentialAssertionData, v Visitor) (in SignedIn, person estate.Person, err error) {
	place, _ := placeOf(surface)
	party, err := relyingParty(surface)
	if err != nil {
		return in, person, err
	}
	b, err := s.prepare(ctx, surface, v)
	if err != nil {
		return in, person, err
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		var stored estate.PersonCredential
		if place.Tenant == "" {
			stored, err = tx.AccountCredential(ctx, passkeyID("", parsed.RawID))
		} else {
			stored, err = tx.Credential(ctx, place, passkeyID(place.Tenant, parsed.RawID))
		}
		switch {
		case estate.HasKind(err, estate.NotFound), err == nil && stored.Kind != estate.CredentialPasskey:
			return assertion.Refuse("nobody here has the passkey")
		case err != nil:
			return err
		}
		person = stored.Person
		u, err := s.passkeyUser(ctx, tx, person)
		if err != nil {
			return err
		}
		_, key, err := party.ValidatePasskeyLogin(func(_, handle []byte) (webauthn.User, error) {
			if string(handle) != string(handleOf(person)) {
				return nil, assertion.Refuse("the passkey is another person's")
			}
			return u, nil
		}, c.Data, parsed)
		switch {
		case err != nil:
			return assertion.Refuse("the passkey's signature: %v", err)
		case key.Authenticator.CloneWarning:
			return assertion.Refuse("the passkey counts backwards: there may be a copy")
		}
		if stored.Data, err = json.Marshal(key); err != nil {
			return err
		}
		stored.Counter = c.Begun.UnixMicro()
		if first, err := tx.UseCredential(ctx, person.Scope(), stored, s.now()); err != nil || !first {
			return either(err, assertion.Refuse("the answer was used before, or a later one"))
		}
		in, err = s.begin(ctx, tx, b, person, estate.SignInPasskey, "", nil)
		return err
	})
	return in, person, err
}

var errPasskey = estate.E(estate.Invalid, api.CodeCredential, "The passkey can't be added", "It was made too late, is there already, or there are too many. Try again.")
