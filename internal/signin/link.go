package signin

import (
	"context"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/assertion"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/telemetry"
)

// LocalPath is where people sign in by what this server keeps itself.
const LocalPath = "/login/local"

// AccountPath is where people see what they sign in with.
const AccountPath = "/account"

// LinkPath is the path of links below which their secret is.
const LinkPath = "/login/link/"

// NewLink adds a link for a person to a transaction, with its record by actor, and
// returns its secret.
func (s *Service) NewLink(ctx context.Context, tx *store.Tx, actor estate.Actor, person estate.Person, recovery bool) (estate.Secret, estate.OneTimeLink, error) {
	secret, l := estate.NewOneTimeLink(person, recovery, actor.ID, s.now())
	if err := tx.InsertLink(ctx, l); err != nil {
		return "", l, err
	}
	return secret, l, s.done(ctx, tx, actor, person, "sign-in-link.create", person.ID, map[string]any{"recovery": recovery})
}

// CreateAccountLink makes a link that signs an account in once. Only the operator
// may. A link for recovery ends sooner.
func (s *Service) CreateAccountLink(ctx context.Context, actor estate.Actor, email string, recovery bool) (secret estate.Secret, l estate.OneTimeLink, err error) {
	defer s.audit.Refused(ctx, actor, "sign-in-link.create", "", &err)
	if !actor.IsOperator() {
		return "", l, estate.E(estate.Forbidden, api.CodeForbidden, "Forbidden", "Only the operator may do this.")
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		a, err := tx.AccountByEmail(ctx, email)
		if err != nil {
			return err
		}
		secret, l, err = s.NewLink(ctx, tx, actor, estate.Person{Organization: a.Organization, ID: string(a.ID)}, recovery)
		return err
	})
	return secret, l, err
}

// CreateUserLink makes a link that signs a user of the actor's tenant in once, for
// its administrators. For somebody who has signed in before it is for recovery,
// whatever the caller says.
func (s *Service) CreateUserLink(ctx context.Context, actor estate.Actor, id estate.UserID, recovery bool) (secret estate.Secret, l estate.OneTimeLink, err error) {
	defer s.audit.Refused(ctx, actor, "sign-in-link.create", string(id), &err)
	if err := mayAdminister(actor); err != nil {
		return "", l, err
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		u, err := tx.User(ctx, actor.Scope, id)
		switch {
		case err != nil:
			return err
		case u.ClientID != "" || u.Status == estate.UserDisabled:
			return estate.E(estate.Conflict, api.CodeLinkUser, "No link for this user", "Bots and disabled users don't sign in.")
		case s.inviteEnded(u):
			return estate.E(estate.Conflict, api.CodeLinkUser, "No link for this user", "The invitation has ended. Invite the person once more.")
		}
		person := estate.Person{Organization: actor.Scope.Organization, Tenant: actor.Scope.Tenant, ID: string(id)}
		secret, l, err = s.NewLink(ctx, tx, actor, person, recovery || u.Status == estate.UserActive)
		return err
	})
	return secret, l, err
}

// Invited is whom a link is for.
type Invited struct {
	Name, Email string
	Recovery    bool
}

// LookAtLink tells whom a link at surface is for. It is not used up by that.
func (s *Service) LookAtLink(ctx context.Context, surface estate.Surface, secret estate.Secret) (i Invited, err error) {
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		l, err := s.link(ctx, tx, surface, secret)
		if err != nil {
			return err
		}
		k, err := s.personAt(ctx, tx, l.Person)
		i = Invited{k.name, k.email, l.Recovery}
		return err
	})
	return i, linkError(err)
}

// UseLink signs in whom a link at surface is for, once.
func (s *Service) UseLink(ctx context.Context, surface estate.Surface, secret estate.Secret, v Visitor) (in SignedIn, err error) {
	b, err := s.prepare(ctx, surface, v)
	if err != nil {
		return in, err
	}
	var person estate.Person
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		l, err := s.link(ctx, tx, surface, secret)
		if err != nil {
			return err
		}
		person = l.Person
		k, err := s.personAt(ctx, tx, l.Person)
		if err != nil {
			return err
		}
		first, err := tx.UseLink(ctx, l.Person.Scope(), l.ID)
		if err != nil || !first {
			return either(err, errNoLink)
		}
		if err := s.arrive(ctx, tx, k, v.TraceID); err != nil {
			return err
		}
		if l.Recovery { // whatever was lost, nobody else is to be signed in by it
			if err := s.endAll(ctx, tx, l.Person, b.earlier.ID, v.TraceID); err != nil {
				return err
			}
		}
		in, err = s.begin(ctx, tx, b, l.Person, estate.SignInLink, "", map[string]any{"recovery": l.Recovery})
		return err
	})
	if reason, refused := err.(assertion.Refusal); refused { //nolint:errorlint // made here, and never wrapped
		place, _ := placeOf(surface)
		s.Metrics.SignIn(string(estate.SignInLink), telemetry.SignInRefused)
		s.recordRefusal(ctx, place, person, v.TraceID, string(reason))
	}
	return in, linkError(err)
}

// link finds a link that is in force at surface.
func (s *Service) link(ctx context.Context, tx *store.Tx, surface estate.Surface, secret estate.Secret) (l estate.OneTimeLink, err error) {
	place, ok := placeOf(surface)
	switch {
	case !ok:
		return l, errNoLink
	case place.Tenant == "":
		l, err = tx.AccountLink(ctx, estate.LinkIDOf(secret))
	default:
		l, err = tx.Link(ctx, place, estate.LinkIDOf(secret))
	}
	if err == nil && !s.now().Before(l.ExpiresAt) {
		err = errNoLink
	}
	return l, err
}

// linkError is the one answer for whatever is wrong with a link.
func linkError(err error) error {
	if _, refused := err.(assertion.Refusal); refused || estate.HasKind(err, estate.NotFound) { //nolint:errorlint // made here, and never wrapped
		return errNoLink
	}
	return err
}

func either(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

var errNoLink = estate.E(estate.NotFound, api.CodeLinkNone, "The link doesn't work", "It was used, has expired, or there is a newer one. Ask who gave it to you for another.")
