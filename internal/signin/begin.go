package signin

import (
	"context"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/assertion"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/telemetry"
)

// Begin begins a session at surface for a person whom the caller has made sure of.
// The session that the browser had ends.
func (s *Service) Begin(ctx context.Context, surface estate.Surface, person estate.Person, method estate.SignInMethod, v Visitor) (in SignedIn, err error) {
	place, ok := placeOf(surface)
	if !ok || place.Tenant != person.Tenant {
		return in, errElsewhere
	}
	b, err := s.prepare(ctx, surface, v)
	if err != nil {
		return in, err
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		in, err = s.begin(ctx, tx, b, person, method, "", nil)
		return err
	})
	return in, err
}

// beginning is what there is to know before a session begins.
type beginning struct {
	visitor  Visitor
	earlier  estate.Session // of the browser, which ends; zero: none
	settings estate.AuthSettings
}

// prepare reads what begin needs, outside of its transaction.
func (s *Service) prepare(ctx context.Context, surface estate.Surface, v Visitor) (b beginning, err error) {
	scope, _ := placeOf(surface)
	b.visitor = v
	if b.settings, err = s.settingsOf(ctx, scope); err != nil {
		return b, err
	}
	b.earlier, err = s.Session(ctx, surface, v.Cookie)
	if estate.HasKind(err, estate.Unauthenticated) {
		err = nil
	}
	return b, err
}

// begin begins a session with its record, to which data is added. Every session
// has a token of its own: whoever knew the one before knows nothing of this.
func (s *Service) begin(ctx context.Context, tx *store.Tx, b beginning, person estate.Person, method estate.SignInMethod, provider estate.IdentityProviderID, data map[string]any) (SignedIn, error) {
	if b.earlier.ID != "" {
		if err := s.end(ctx, tx, b.earlier, b.visitor.TraceID); err != nil {
			return SignedIn{}, err
		}
	}
	if !person.IsAccount() {
		if err := s.admit(ctx, tx, person, b.visitor.TraceID); err != nil {
			return SignedIn{}, err
		}
	}
	token, now := estate.NewSessionToken(), s.now()
	begun := estate.Session{
		ID: estate.SessionIDOf(token), Organization: person.Organization, Provider: provider, Method: method,
		Agent: assertion.Short(b.visitor.Agent), Address: b.visitor.address(), CreatedAt: now, LastUsedAt: now, ExpiresAt: now.Add(b.settings.Lifespan),
	}
	place := estate.Scope{}
	if person.IsAccount() {
		begun.Account = estate.AccountID(person.ID)
	} else {
		begun.Tenant, begun.User, place = person.Tenant, estate.UserID(person.ID), person.Scope()
	}
	if err := tx.InsertSession(ctx, begun); err != nil {
		return SignedIn{}, err
	}
	record := map[string]any{"method": method}
	for name, value := range data {
		record[name] = value
	}
	err := s.done(ctx, tx, actorOfPerson(person, b.visitor.TraceID), person, "session.create", person.ID, record)
	if err == nil { // the last step everywhere; only a database that fails now makes it untrue
		s.Metrics.SignIn(string(method), telemetry.SignedIn)
	}
	return SignedIn{Session: begun, Cookie: Cookie{Token: token, Signature: s.sign(place, token)}}, err
}

// admit makes sure of what must be true of a user whose session begins, and of the
// tenant, whatever was read before. Who has no seat may get one.
func (s *Service) admit(ctx context.Context, tx *store.Tx, person estate.Person, traceID string) error {
	t, err := tx.Tenant(ctx, person.Scope(), person.Tenant)
	if err != nil {
		return err
	}
	u, err := tx.User(ctx, person.Scope(), estate.UserID(person.ID))
	switch {
	case err != nil:
		return err
	case t.Status != estate.TenantActive:
		return assertion.Refuse("the tenant is %s", t.Status)
	case u.ClientID != "":
		return assertion.Refuse("the user is a bot")
	case u.Status != estate.UserActive:
		return assertion.Refuse("the user is %s", u.Status)
	}
	return s.giveSeat(ctx, tx, t.Scope(), u, traceID)
}

// PersonOf is the person that an actor is. Clients are nobody.
func PersonOf(actor estate.Actor) (estate.Person, error) {
	switch actor.Kind {
	case estate.ActorAccount:
		return estate.Person{Organization: actor.Scope.Organization, ID: actor.ID}, nil
	case estate.ActorUser:
		return estate.Person{Organization: actor.Scope.Organization, Tenant: actor.Scope.Tenant, ID: actor.ID}, nil
	}
	return estate.Person{}, errNoPerson
}

// Sessions lists the sessions in force of the person that actor is, the newest
// first.
func (s *Service) Sessions(ctx context.Context, actor estate.Actor) (all []estate.Session, err error) {
	person, err := PersonOf(actor)
	if err != nil {
		return nil, err
	}
	settings, err := s.settingsOf(ctx, person.Scope())
	if err != nil {
		return nil, err
	}
	now := s.now()
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		found, err := tx.Sessions(ctx, person.Scope(), person.ID)
		for _, one := range found {
			if inForce(one, settings, now) {
				all = append(all, one)
			}
		}
		return err
	})
	return all, err
}

// EndSession ends a session of the person that actor is.
func (s *Service) EndSession(ctx context.Context, actor estate.Actor, id estate.SessionID) error {
	_, err := s.endSessions(ctx, actor, func(one estate.Session) bool { return one.ID == id })
	return err
}

// EndOtherSessions ends all sessions of the person that actor is but one, and
// returns how many.
func (s *Service) EndOtherSessions(ctx context.Context, actor estate.Actor, but estate.SessionID) (int, error) {
	return s.endSessions(ctx, actor, func(one estate.Session) bool { return one.ID != but })
}

// endAll ends the sessions of a person, but for one.
func (s *Service) endAll(ctx context.Context, tx *store.Tx, person estate.Person, but estate.SessionID, traceID string) error {
	all, err := tx.Sessions(ctx, person.Scope(), person.ID)
	if err != nil {
		return err
	}
	for _, one := range all {
		if one.ID == but {
			continue
		}
		if err := s.end(ctx, tx, one, traceID); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) endSessions(ctx context.Context, actor estate.Actor, which func(estate.Session) bool) (n int, err error) {
	person, err := PersonOf(actor)
	if err != nil {
		return 0, err
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		n = 0
		all, err := tx.Sessions(ctx, person.Scope(), person.ID)
		if err != nil {
			return err
		}
		for _, one := range all {
			if !which(one) {
				continue
			}
			if err := s.end(ctx, tx, one, actor.TraceID); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return n, err
}

var (
	errElsewhere = estate.E(estate.Forbidden, api.CodeForbidden, "Forbidden", "The person signs in at another host.")
	errNoPerson  = estate.E(estate.Forbidden, api.CodeForbidden, "Forbidden", "This is for people who are signed in.")
)
