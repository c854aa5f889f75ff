package signin

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/assertion"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/telemetry"
)

// Login is who somebody is, as an identity provider has it.
type Login struct {
	Subject       string
	Name          string
	Email         string
	EmailVerified bool
	Groups        []string
}

// Limits of what is believed.
const (
	maxSubject   = 255
	maxName      = 256
	maxEmail     = 254
	maxGroups    = 1000
	maxGroupName = 256
)

// check refuses what can't be a person. Whoever took a bot's subject would keep
// its client out.
func (l Login) check() error {
	switch {
	case l.Subject == "":
		return assertion.Refuse("there is no subject")
	case len(l.Subject) > maxSubject || hasControl(l.Subject):
		return assertion.Refuse("the subject is longer than %d bytes, or has control characters", maxSubject)
	case strings.HasPrefix(strings.ToLower(l.Subject), estate.BotSubject("")):
		return assertion.Refuse("the subject is one of a bot")
	case estate.IsInviteSubject(strings.ToLower(l.Subject)): // nobody claims an invitation by its name
		return assertion.Refuse("the subject is one of an invitation")
	case len(l.Name) > maxName || hasControl(l.Name):
		return assertion.Refuse("the name is longer than %d bytes, or has control characters", maxName)
	case len(l.Email) > maxEmail || hasControl(l.Email):
		return assertion.Refuse("the e-mail address is longer than %d bytes, or has control characters", maxEmail)
	case len(l.Groups) > maxGroups:
		return assertion.Refuse("there are more than %d groups", maxGroups)
	}
	for _, g := range l.Groups {
		if g == "" || len(g) > maxGroupName || hasControl(g) {
			return assertion.Refuse("the name of a group is empty, longer than %d bytes, or has control characters", maxGroupName)
		}
	}
	return nil
}

// hasControl tells whether text is something else than a line of text.
func hasControl(text string) bool {
	return strings.ToValidUTF8(text, "") != text || strings.ContainsFunc(text, unicode.IsControl)
}

// SignedIn is a session that has just begun.
type SignedIn struct {
	Session estate.Session
	Cookie  Cookie
}

// arrival is a login on its way to a session.
type arrival struct {
	surface  estate.Surface
	provider estate.IdentityProvider
	login    Login
	visitor  Visitor
}

// scope is where a login leads: a tenant, or an organization.
func (a arrival) scope() estate.Scope {
	if a.surface.Kind == estate.SurfaceConsole {
		return estate.Scope{Organization: a.provider.Organization}
	}
	return a.surface.Tenant.Scope()
}

// enter begins a session for a login that is believed. The user is the one with
// the subject; an e-mail address alone makes nobody the same. Its errors are
// refusals where the person is not let in.
func (s *Service) enter(ctx context.Context, a arrival) (SignedIn, error) {
	if err := a.login.check(); err != nil {
		return SignedIn{}, err
	}
	scope := a.scope()
	b, err := s.prepare(ctx, a.surface, a.visitor)
	if err != nil {
		return SignedIn{}, err
	}
	var in SignedIn
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		p, err := tx.IdentityProvider(ctx, scope, a.provider.ID) // as it is now
		switch {
		case estate.HasKind(err, estate.NotFound), err == nil && !p.Active:
			return assertion.Refuse("the identity provider is not in use any more")
		case err != nil:
			return err
		}
		if scope.Tenant == "" {
			person, how, err := s.accountOf(ctx, tx, scope, p, a)
			if err != nil {
				return err
			}
			in, err = s.begin(ctx, tx, b, person, estate.SignInFederated, p.ID, map[string]any{
				"identityProvider": p.ID, "protocol": p.Protocol, "subject": a.login.Subject, "account": how,
			})
			return err
		}
		user, err := s.userOf(ctx, tx, scope, p, a)
		if err != nil {
			return err
		}
		if err := s.join(ctx, tx, scope, user, a); err != nil {
			return err
		}
		person := estate.Person{Organization: scope.Organization, Tenant: scope.Tenant, ID: string(user.ID)}
		in, err = s.begin(ctx, tx, b, person, estate.SignInFederated, p.ID, map[string]any{
			"identityProvider": p.ID, "protocol": p.Protocol, "subject": user.Subject, "groups": a.login.Groups,
		})
		return err
	})
	return in, err
}

// userOf finds the user of a login, or makes one, and brings name and e-mail
// address up to date.
func (s *Service) userOf(ctx context.Context, tx *store.Tx, scope estate.Scope, p estate.IdentityProvider, a arrival) (estate.User, error) {
	l, now := a.login, s.now()
	user, err := tx.UserBySubject(ctx, scope, l.Subject)
	if estate.HasKind(err, estate.NotFound) {
		if user, err = s.claim(ctx, tx, scope, a); err == nil && user.ID == "" {
			_, err = tx.UserBySubject(ctx, scope, l.Subject) // not found, once more
		}
	}
	switch {
	case estate.HasKind(err, estate.NotFound) && !p.CreateUsers:
		return user, assertion.Refuse("nobody has this subject, and the identity provider creates no users")
	case estate.HasKind(err, estate.NotFound):
		user = estate.User{
			ID: estate.NewUserID(), Organization: scope.Organization, Tenant: scope.Tenant, Subject: l.Subject,
			Name: l.displayName(), Email: l.Email, Status: estate.UserActive, CreatedAt: now, UpdatedAt: now,
		}
		if err := tx.InsertUser(ctx, user); err != nil {
			return user, err
		}
		return user, s.audit.Done(ctx, tx, actorOf(user, scope, a.visitor.TraceID), scope, "user.create", string(user.ID), map[string]any{
			"subject": user.Subject, "name": user.Name, "email": user.Email,
		})
	case err != nil:
		return user, err
	case user.ClientID != "":
		return user, assertion.Refuse("the user is a bot")
	case s.inviteEnded(user):
		return user, assertion.Refuse("the invitation has ended")
	case user.Status != estate.UserActive && user.Status != estate.UserInvited && user.Status != estate.UserProvisioned:
		return user, assertion.Refuse("the user is %s", user.Status)
	}
	changed := user
	changed.Status, changed.InviteExpiresAt = estate.UserActive, time.Time{} // who was invited has come
	if l.Name != "" {
		changed.Name = l.Name
	}
	if l.Email != "" && l.Email != user.Email {
		if changed.Email, err = s.newAddress(ctx, tx, scope, user, l.Email); err != nil {
			return user, err
		}
	}
	if changed.Name == user.Name && changed.Email == user.Email && changed.Status == user.Status {
		return user, nil
	}
	changed.UpdatedAt = now
	if err := tx.UpdateUser(ctx, scope, changed); err != nil {
		return user, err
	}
	return changed, s.audit.Done(ctx, tx, actorOf(user, scope, a.visitor.TraceID), scope, "user.update", string(user.ID), map[string]any{
		"name": changed.Name, "email": changed.Email, "status": changed.Status,
	})
}

// newAddress is the e-mail address of a user whose identity provider says that it is
// now another one: the one of before, if both the user and somebody else who has the
// new one have passwords.
func (s *Service) newAddress(ctx context.Context, tx *store.Tx, scope estate.Scope, user estate.User, email string) (string, error) {
	taken, err := s.passwordElsewhere(ctx, tx, scope, user.ID, email)
	if err != nil || !taken {
		return email, err
	}
	all, err := tx.Credentials(ctx, scope, string(user.ID))
	if err != nil || credentialOf(all, estate.CredentialPassword).ID == "" {
		return email, err
	}
	return user.Email, nil
}

func (l Login) displayName() string {
	for _, name := range []string{l.Name, l.Email} {
		if name != "" {
			return name
		}
	}
	return l.Subject
}

func actorOf(u estate.User, scope estate.Scope, traceID string) estate.Actor {
	return estate.Actor{Kind: estate.ActorUser, ID: string(u.ID), Scope: scope, User: u.ID, Roles: u.Roles, TraceID: traceID}
}

// answer turns the outcome of a sign-in into its answer. Whatever is wrong, the
// answer is the same; the audit trail has the reason.
func (s *Service) answer(ctx context.Context, a arrival, err error) error {
	var refused assertion.Refusal
	if !errors.As(err, &refused) {
		return err
	}
	s.Metrics.SignIn(string(estate.SignInFederated), telemetry.SignInRefused)
	scope, answer := a.scope(), errRefused
	kind := estate.ActorUser
	if scope.Tenant == "" {
		kind, answer = estate.ActorAccount, errAccountRefused
	}
	if a.provider.Interactive && a.login.Subject == "" { // the provider did not get so far as to say who it is
		answer = errLoginFailed
	}
	if refused == errLinkFirst {
		answer = errLinkNeeded
	}
	unrecorded, due := s.refusals.next(refusalPlace(scope), s.now())
	if !due {
		return answer
	}
	data := map[string]any{"code": api.CodeLoginRefused, "reason": string(refused)}
	if a.login.Subject != "" {
		data["subject"] = assertion.Short(a.login.Subject)
	}
	if unrecorded > 0 {
		data["unrecorded"] = unrecorded
	}
	record := estate.AuditRecord{
		Time: s.now(), Scope: scope, Actor: estate.Actor{Kind: kind, TraceID: a.visitor.TraceID}, Action: "session.create",
		Target: string(a.provider.ID), Outcome: estate.OutcomeRefused, Data: data,
	}
	ctx = context.WithoutCancel(ctx) // the caller may be gone; the record must not be
	if failed := s.store.Write(ctx, func(tx *store.Tx) error { return s.audit.Append(ctx, tx, record) }); failed != nil {
		s.log.ErrorContext(ctx, "audit record lost", "action", record.Action, "error", failed)
	}
	return answer
}

// refusalPlace is where refusals count together: a tenant, or an organization.
func refusalPlace(scope estate.Scope) estate.TenantID {
	if scope.Tenant != "" {
		return scope.Tenant
	}
	return estate.TenantID(scope.Organization) + "/"
}

// refusals bounds how many records strangers can make one server write: so many a
// minute in a tenant. The next one tells how many there were beyond.
type refusals struct {
	mu      sync.Mutex
	tenants map[estate.TenantID]*refusalCount
}

type refusalCount struct {
	since      time.Time
	recorded   int
	unrecorded int
}

const maxRefusalRecords = 60 // a minute in a tenant

// next counts a refusal. It tells whether it is to be recorded, and how many before
// it were not.
func (r *refusals) next(tenant estate.TenantID, now time.Time) (unrecorded int, due bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tenants == nil {
		r.tenants = make(map[estate.TenantID]*refusalCount)
	}
	count := r.tenants[tenant]
	if count == nil {
		count = &refusalCount{since: now}
		r.tenants[tenant] = count
	}
	if now.Sub(count.since) >= time.Minute {
		count.since, count.recorded = now, 0
	}
	if count.recorded >= maxRefusalRecords {
		count.unrecorded++
		return 0, false
	}
	count.recorded++
	unrecorded, count.unrecorded = count.unrecorded, 0
	return unrecorded, true
}

var errRefused = estate.E(estate.Unauthenticated, api.CodeLoginRefused, "Unauthorized", "Nobody can be signed in by this. The administrators of the tenant find the reason in its audit trail.")
