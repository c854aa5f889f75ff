package signin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/assertion"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/telemetry"
)

// known is a person who may sign in.
type known struct {
	estate.Person
	name, email string
	user        estate.User // of a tenant
}

// personAt finds a person by its id. Who may not sign in is nobody.
func (s *Service) personAt(ctx context.Context, tx *store.Tx, p estate.Person) (known, error) {
	if p.IsAccount() {
		a, err := tx.Account(ctx, p.Scope(), p.ID)
		return known{Person: p, name: a.Name, email: a.Email}, err
	}
	u, err := tx.User(ctx, p.Scope(), estate.UserID(p.ID))
	switch {
	case err != nil:
		return known{}, err
	case u.ClientID != "":
		return known{}, assertion.Refuse("the user is a bot")
	case u.Status == estate.UserDisabled:
		return known{}, assertion.Refuse("the user is %s", u.Status)
	case s.inviteEnded(u):
		return known{}, assertion.Refuse("the invitation has ended")
	}
	return known{Person: p, name: u.Name, email: u.Email, user: u}, nil
}

// inviteEnded tells whether somebody was invited and has not come in time.
func (s *Service) inviteEnded(u estate.User) bool {
	return u.Status == estate.UserInvited && !u.InviteExpiresAt.IsZero() && !s.now().Before(u.InviteExpiresAt)
}

// personNamed finds a person by e-mail address at a place. Of the users of a tenant
// who have the address it names the one who has a password, see passwordElsewhere.
func (s *Service) personNamed(ctx context.Context, tx *store.Tx, place estate.Scope, email string) (known, error) {
	if place.Tenant == "" {
		a, err := tx.AccountByEmail(ctx, email)
		if estate.HasKind(err, estate.NotFound) {
			err = assertion.Refuse("no account has the e-mail address")
		}
		return known{Person: estate.Person{Organization: a.Organization, ID: string(a.ID)}, name: a.Name, email: a.Email}, err
	}
	users, err := tx.UsersByEmail(ctx, place, email)
	if err != nil {
		return known{}, err
	}
	holders, err := tx.PasswordHolders(ctx, place, email)
	if err != nil {
		return known{}, err
	}
	var found []estate.User
	for _, u := range users {
		if u.ClientID == "" && u.Status == estate.UserActive && (len(holders) == 0 || slices.ContainsFunc(holders, func(h estate.User) bool { return h.ID == u.ID })) {
			found = append(found, u)
		}
	}
	if len(found) != 1 {
		return known{}, assertion.Refuse("%d active users have the e-mail address", len(found))
	}
	u := found[0]
	return known{Person: estate.Person{Organization: u.Organization, Tenant: u.Tenant, ID: string(u.ID)}, name: u.Name, email: u.Email, user: u}, nil
}

// passwordElsewhere tells whether another user of a tenant has a password and the
// e-mail address. Several may have the same address, but one of them at most signs
// in by it and a password: who had one first. Else whoever got the address of
// somebody else would keep both out.
func (s *Service) passwordElsewhere(ctx context.Context, tx *store.Tx, scope estate.Scope, id estate.UserID, email string) (bool, error) {
	if email == "" {
		return false, nil
	}
	holders, err := tx.PasswordHolders(ctx, scope, email)
	return slices.ContainsFunc(holders, func(h estate.User) bool { return h.ID != id }), err
}

// arrive makes somebody who was invited an active user.
func (s *Service) arrive(ctx context.Context, tx *store.Tx, k known, traceID string) error {
	if k.IsAccount() || k.user.Status == estate.UserActive {
		return nil
	}
	u := k.user
	u.Status, u.InviteExpiresAt, u.UpdatedAt = estate.UserActive, time.Time{}, s.now()
	if err := tx.UpdateUser(ctx, k.Scope(), u); err != nil {
		return err
	}
	return s.done(ctx, tx, actorOfPerson(k.Person, traceID), k.Person, "user.update", k.ID, map[string]any{"status": u.Status})
}

// attemptKey names whoever signs in as name at a place, for throttling.
func attemptKey(place estate.Scope, name string) string {
	sum := sha256.Sum256([]byte("sign-in " + string(place.Tenant) + "/" + filter.Fold(name)))
	return hex.EncodeToString(sum[:16])
}

// personFailures is how many attempts to guess a person's password or code may
// fail in a throttle.Span, over all addresses; wrongCodeWeight is for how many one
// counts that got the password right.
const (
	personFailures  = 20
	wrongCodeWeight = 5
)

// errWrongCode is of somebody who knows the password.
const errWrongCode = assertion.Refusal("the code is wrong")

// attempt lets an attempt to sign in as name be made, unless too many have failed
// from where it comes, and counts how it went. What is wrong goes into the audit
// trail; the caller gets to know that something is.
//
// What could be guessed is bounded over all addresses too. That slows down, and
// locks nobody out: who was right lately at an address is heard there, passkeys
// are always, and the window slides.
func (s *Service) attempt(ctx context.Context, surface estate.Surface, name string, guessed bool, v Visitor, fn func() (estate.Person, error)) error {
	place, ok := placeOf(surface)
	if !ok {
		return errElsewhere
	}
	key, now := attemptKey(place, name), s.now()
	wait := s.attempts.Wait(key, v.Address, now)
	turn := key
	if guessed && wait == 0 {
		if s.attempts.Known(key, v.Address, now) {
			turn += "@" + v.address() // strangers don't use up what is for it
		}
		wait = s.guesses.Take(turn, personFailures, now) // before: many at once are as many guesses
	}
	method := estate.SignInPasskey
	if guessed {
		method = estate.SignInPassword
	}
	if wait > 0 {
		s.Metrics.SignIn(string(method), telemetry.SignInThrottled)
		e := *errTooMany
		e.RetryAfter = wait
		return &e
	}
	person, err := fn()
	reason, refused := err.(assertion.Refusal) //nolint:errorlint // made by the functions that fn calls, and never wrapped
	if !refused {
		if guessed {
			s.guesses.Untake(turn)
		}
		if err == nil {
			s.attempts.Succeeded(key, v.Address, now)
		}
		return err
	}
	if reason == errWrongCode {
		for range wrongCodeWeight - 1 {
			s.guesses.Add(turn, now)
		}
	}
	s.attempts.Failed(key, v.Address, now)
	s.Metrics.SignIn(string(method), telemetry.SignInRefused)
	s.recordRefusal(ctx, place, person, v.TraceID, string(reason))
	return errWrong
}

// recordRefusal writes down that somebody was not let in: in the trail of the
// tenant, or of the organization of the account. At most so many a minute.
func (s *Service) recordRefusal(ctx context.Context, place estate.Scope, person estate.Person, traceID, reason string) {
	scope := place
	if person.ID != "" && person.IsAccount() {
		scope = person.Scope()
	}
	// Counted by place, and written for accounts that nobody has too, into the trail
	// of the server: what it takes must not tell which accounts there are.
	unrecorded, due := s.refusals.next(refusalPlace(place), s.now())
	if !due {
		return
	}
	data := map[string]any{"code": api.CodeLoginWrong, "reason": reason}
	if unrecorded > 0 {
		data["unrecorded"] = unrecorded
	}
	actor := estate.Actor{Kind: estate.ActorUser, TraceID: traceID}
	if place.Tenant == "" {
		actor.Kind = estate.ActorAccount
	}
	record := estate.AuditRecord{Time: s.now(), Scope: scope, Actor: actor, Action: "session.create", Target: person.ID, Outcome: estate.OutcomeRefused, Data: data}
	ctx = context.WithoutCancel(ctx)
	if failed := s.store.Write(ctx, func(tx *store.Tx) error { return s.audit.Append(ctx, tx, record) }); failed != nil {
		s.log.ErrorContext(ctx, "audit record lost", "action", record.Action, "error", failed)
	}
}

// FreshFor is how long after signing in somebody may change what to sign in with.
const FreshFor = 10 * time.Minute

// mayChange tells whose credentials actor may change in a session: its own, soon
// after signing in.
func (s *Service) mayChange(actor estate.Actor, session estate.Session) (estate.Person, error) {
	person, err := PersonOf(actor)
	switch {
	case err != nil:
		return person, err
	case session.Person() != person:
		return person, errNoPerson
	case s.now().Sub(session.CreatedAt) > FreshFor:
		return person, errStale
	}
	return person, nil
}

var (
	errTooMany = estate.E(estate.RateLimited, api.CodeLoginTooMany, "Too many failed attempts", "Signing in failed too often. Wait a while, or use a passkey.")
	errWrong   = estate.E(estate.Unauthenticated, api.CodeLoginWrong, "Not signed in", "E-mail address, password, code or passkey is wrong.")
	errStale   = estate.E(estate.Forbidden, api.CodeLoginStale, "Sign in again", "What somebody signs in with can be changed for ten minutes after signing in.")
)
