package signin

import (
	"context"
	"net/mail"
	"slices"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/assertion"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
	"github.com/freehold-platform/freehold/internal/store"
)

func (s *Service) loadSignIns(ctx context.Context, _ struct{}) (all []store.OrganizationSignIn, err error) {
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		all, err = tx.OrganizationSignIns(ctx)
		return err
	})
	return all, err
}

// organizationProvider is the active identity provider with the id, of whatever
// organization.
func (s *Service) organizationProvider(ctx context.Context, id estate.IdentityProviderID) (estate.IdentityProvider, error) {
	all, err := s.signIns.Get(ctx, struct{}{})
	if err != nil {
		return estate.IdentityProvider{}, err
	}
	for _, one := range all {
		if one.Provider.ID == id {
			return one.Provider, nil
		}
	}
	return estate.IdentityProvider{}, errNoInteractive
}

// SingleSignOn is an identity provider by which the accounts of an organization sign
// in.
type SingleSignOn struct {
	Provider     estate.IdentityProviderID
	Name         string // of the provider, as it was described
	Organization string
}

// OnlySingleSignOn is the identity provider that accounts sign in by, if there is
// one, and whether there are several: then who comes has to say of which organization
// it is, because they need not know of each other.
func (s *Service) OnlySingleSignOn(ctx context.Context) (only SingleSignOn, several bool, err error) {
	all, err := s.signIns.Get(ctx, struct{}{})
	if err != nil || len(all) != 1 {
		return only, len(all) > 1, err
	}
	return singleSignOn(all[0]), false, nil
}

// SingleSignOnOf is the identity provider of the organization with a name or id, in
// whatever case.
func (s *Service) SingleSignOnOf(ctx context.Context, organization string) (SingleSignOn, error) {
	all, err := s.signIns.Get(ctx, struct{}{})
	if err != nil {
		return SingleSignOn{}, err
	}
	var found []store.OrganizationSignIn
	for _, one := range all {
		if filter.Fold(one.Name) == filter.Fold(organization) || string(one.Provider.Organization) == organization {
			found = append(found, one)
		}
	}
	if len(found) != 1 {
		return SingleSignOn{}, errNoInteractive
	}
	return singleSignOn(found[0]), nil
}

func singleSignOn(one store.OrganizationSignIn) SingleSignOn {
	return SingleSignOn{Provider: one.Provider.ID, Name: one.Provider.Description, Organization: one.Name}
}

// How an account came to be the one of a login, for its record.
const (
	accountKnown   = "known"
	accountClaimed = "claimed"
	accountCreated = "created"
)

// accountOf finds the account of a login. It is the one that is known by the subject.
// An e-mail address never takes over an account that somebody has used: a verified
// one gets the account that nobody has ever signed in to, or a new one if the
// provider makes accounts. Those own nothing. Whoever has another account signs in to
// that first, and makes it known to the provider then.
func (s *Service) accountOf(ctx context.Context, tx *store.Tx, scope estate.Scope, p estate.IdentityProvider, a arrival) (person estate.Person, how string, err error) {
	l, now := a.login, s.now()
	known, err := tx.Identity(ctx, scope, p.ID, l.Subject)
	switch {
	case err == nil:
		person = estate.Person{Organization: scope.Organization, ID: string(known.Account)}
		return person, accountKnown, tx.UseIdentity(ctx, scope, p.ID, l.Subject, now)
	case !estate.HasKind(err, estate.NotFound):
		return person, "", err
	case l.Email == "" || !l.EmailVerified:
		return person, "", assertion.Refuse("no account is known by this subject, and the identity provider names no verified e-mail address")
	}
	account, err := tx.AccountByEmail(ctx, l.Email)
	switch {
	case estate.HasKind(err, estate.NotFound) && !p.CreateUsers:
		return person, "", assertion.Refuse(nobodyKnown)
	case estate.HasKind(err, estate.NotFound) && !isAddress(l.Email):
		return person, "", assertion.Refuse("the e-mail address is none")
	case estate.HasKind(err, estate.NotFound):
		account = estate.Account{ID: estate.NewAccountID(), Organization: scope.Organization, Email: l.Email, Name: l.displayName(), CreatedAt: now, UpdatedAt: now}
		if err := tx.InsertAccount(ctx, account); err != nil {
			return person, "", err
		}
		how, person = accountCreated, estate.Person{Organization: scope.Organization, ID: string(account.ID)}
		err = s.audit.Done(ctx, tx, actorOfPerson(person, a.visitor.TraceID), scope, "account.create", person.ID, map[string]any{
			"email": account.Email, "name": account.Name, "identityProvider": p.ID,
		})
		if err != nil {
			return person, "", err
		}
	case err != nil:
		return person, "", err
	case account.Organization != scope.Organization: // who reads the record need not know of other organizations' accounts
		return person, "", assertion.Refuse(nobodyKnown)
	default:
		how, person = accountClaimed, estate.Person{Organization: scope.Organization, ID: string(account.ID)}
		if used, err := s.everUsed(ctx, tx, person); err != nil || used {
			return person, "", either(err, errLinkFirst)
		}
	}
	return person, how, tx.InsertIdentity(ctx, estate.AccountIdentity{
		Organization: scope.Organization, Provider: p.ID, Subject: l.Subject, Account: account.ID, CreatedAt: now, LastUsedAt: now,
	})
}

func isAddress(email string) bool {
	address, err := mail.ParseAddress(email)
	return err == nil && address.Address == email
}

// everUsed tells whether there is anything by which somebody signs in to an account,
// or is signed in.
func (s *Service) everUsed(ctx context.Context, tx *store.Tx, person estate.Person) (bool, error) {
	credentials, err := tx.Credentials(ctx, person.Scope(), person.ID)
	if err != nil {
		return false, err
	}
	identities, err := tx.Identities(ctx, person.Scope(), estate.AccountID(person.ID))
	if err != nil {
		return false, err
	}
	sessions, err := tx.Sessions(ctx, person.Scope(), person.ID)
	return len(credentials)+len(identities)+len(sessions) > 0, err
}

// BeginLink sends the account that actor is to the identity provider of its
// organization, to be known there from now on.
func (s *Service) BeginLink(ctx context.Context, actor estate.Actor, session estate.Session, surface estate.Surface) (d Departure, err error) {
	defer s.audit.Refused(ctx, actor, actionAdd, actor.ID, &err)
	person, err := s.mayChange(actor, session)
	switch {
	case err != nil:
		return d, err
	case !person.IsAccount():
		return d, errNoPerson
	}
	all, err := s.all(ctx, person.Scope())
	if err != nil {
		return d, err
	}
	i := slices.IndexFunc(all, func(p estate.IdentityProvider) bool { return p.Active })
	if i < 0 {
		return d, errNoInteractive
	}
	d, err = s.depart(ctx, surface, all[i], all[i].Options, loginState{Link: estate.AccountID(person.ID), ReturnTo: AccountPath})
	return d, s.answer(ctx, arrival{surface: surface, provider: all[i], visitor: Visitor{TraceID: actor.TraceID}}, asRefusal(err))
}

// linkIdentity makes an account known by the subject of a login, in the session of
// the account that asked for it. That was fresh then.
func (s *Service) linkIdentity(ctx context.Context, a arrival, state loginState) error {
	session, err := s.Session(ctx, a.surface, a.visitor.Cookie)
	switch {
	case err != nil:
		return err
	case session.Account != state.Link || session.Organization != a.provider.Organization || session.CreatedAt.After(time.UnixMilli(state.Started).Add(time.Millisecond)):
		return errLoginState
	}
	if err := a.login.check(); err != nil {
		return s.answer(ctx, a, err)
	}
	actor := actorOfPerson(session.Person(), a.visitor.TraceID)
	return s.changeWith(ctx, actor, session, actionAdd, func(tx *store.Tx, p estate.Person, _ []estate.PersonCredential) (map[string]any, error) {
		if now, err := tx.IdentityProvider(ctx, p.Scope(), a.provider.ID); err != nil || !now.Active {
			return nil, either(err, errLoginState)
		}
		replaced, err := tx.DeleteIdentity(ctx, p.Scope(), a.provider.ID, state.Link)
		if err != nil {
			return nil, err
		}
		err = tx.InsertIdentity(ctx, estate.AccountIdentity{
			Organization: p.Organization, Provider: a.provider.ID, Subject: a.login.Subject, Account: state.Link, CreatedAt: s.now(),
		})
		if estate.HasKind(err, estate.Conflict) {
			return nil, errIdentityTaken.Because(err)
		}
		data := map[string]any{"kind": kindIdentity, "identityProvider": a.provider.ID, "subject": a.login.Subject}
		if replaced {
			data[keyReplaced] = true
		}
		return data, err
	})
}

// kindIdentity is what an identity is called in records, beside the kinds of
// credentials.
const kindIdentity = "identity"

// Identity is by what an account is known to its organization's identity provider.
type Identity struct {
	estate.AccountIdentity
	Name string // of the provider
}

// Identities lists by what the account that actor is is known to identity providers,
// and whether it could make itself known to one.
func (s *Service) Identities(ctx context.Context, actor estate.Actor) (all []Identity, available bool, err error) {
	person, err := PersonOf(actor)
	if err != nil || !person.IsAccount() {
		return nil, false, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		all, available = nil, false
		providers, err := tx.IdentityProviders(ctx, person.Scope())
		if err != nil {
			return err
		}
		found, err := tx.Identities(ctx, person.Scope(), estate.AccountID(person.ID))
		for _, i := range found {
			one := Identity{AccountIdentity: i}
			for _, p := range providers {
				if p.ID == i.Provider {
					one.Name = p.Description
				}
			}
			all = append(all, one)
		}
		available = slices.ContainsFunc(providers, func(p estate.IdentityProvider) bool { return p.Active })
		return err
	})
	return all, available, err
}

// RemoveIdentity makes the account that actor is unknown to an identity provider.
func (s *Service) RemoveIdentity(ctx context.Context, actor estate.Actor, session estate.Session, provider estate.IdentityProviderID) error {
	return s.changeCredentials(ctx, actor, session, actionRemove, func(tx *store.Tx, p estate.Person, _ []estate.PersonCredential) (map[string]any, error) {
		removed, err := tx.DeleteIdentity(ctx, p.Scope(), provider, estate.AccountID(p.ID))
		if err == nil && !removed {
			err = estate.E(estate.NotFound, api.CodeEstateNotFound, "Not found", "The account is not known to this identity provider.")
		}
		return map[string]any{"kind": kindIdentity, "identityProvider": provider}, err
	})
}

// nobodyKnown is said of addresses without an account that could be signed in to.
const nobodyKnown = "no account of the organization has this subject or e-mail address, and none was created"

// errLinkFirst is of somebody whose address is that of an account that has been used.
const errLinkFirst = assertion.Refusal("the account with the e-mail address is not known by this subject, and has been signed in to otherwise")

var (
	errLinkNeeded = estate.E(estate.Forbidden, api.CodeLoginLink, "One more step for your account",
		"There is an account with your e-mail address, and it doesn't know this way of signing in yet. Sign in as you did before, and connect it under Sign-in and sessions. If you can't, ask whoever runs this installation for a link.")
	errAccountRefused = estate.E(estate.Unauthenticated, api.CodeLoginRefused, "No account for you here",
		"Your organization's identity provider knows you, but no account here is yours. An owner of the organization's subscriptions, or whoever runs this installation, can make one with the e-mail address by which the identity provider knows you; the audit trail has the reason.")
	errLoginFailed = estate.E(estate.Unauthenticated, api.CodeLoginRefused, "Not signed in",
		"The identity provider did not sign you in, or could not be asked. Try again; who has a password or a passkey here signs in at "+LocalPath+". The audit trail has the reason.")
	errIdentityTaken = estate.E(estate.Conflict, api.CodeCredentialTaken, "Connected to another account",
		"Another account is known by this person at the identity provider. Disconnect it there first.")
)
