package directory

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
	"github.com/freehold-platform/freehold/internal/store"
)

// UserView is a user as its reader may see it.
type UserView struct {
	estate.User

	Basic    bool // only what any user of the tenant may know; roles and groups are empty
	Assigned []estate.Role
	Groups   []GroupView
}

// userRows are the users of a tenant.
var userRows = rows[estate.User]{name: "users", listing: store.UserListing, page: (*store.Tx).Users, count: (*store.Tx).CountUsers}

// hiddenFromBasic are attributes of users that only administrators see, and so the
// only ones to filter and sort by.
var hiddenFromBasic = []string{
	"email", "clientId", "inviteExpiry", "assignedRoles.id", "assignedRoles.name", "assignedGroups.id", "assignedGroups.name", "assignedGroupsAssignedRoles.name",
}

// ListUsers lists the users of the actor's tenant, bots among them.
func (s *Service) ListUsers(ctx context.Context, actor estate.Actor, q PageQuery) (page Page[UserView], err error) {
	if err := needs(actor, scopeReadUsers, scopeSeeUsers); err != nil {
		return page, err
	}
	query, err := userRows.parse(q, hiddenFrom(actor)...)
	if err != nil {
		return page, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		found, err := userRows.read(ctx, tx, actor.Scope, query, q.Total)
		if err != nil {
			return err
		}
		page = Page[UserView]{Next: found.Next, Prev: found.Prev, Total: found.Total}
		page.Items, err = viewUsers(ctx, tx, actor, found.Items)
		return err
	})
	return page, err
}

// CountUsers counts the users of the actor's tenant that satisfy a filter; empty: all.
func (s *Service) CountUsers(ctx context.Context, actor estate.Actor, filter string) (n int64, err error) {
	if err := needs(actor, scopeReadUsers, scopeSeeUsers); err != nil {
		return 0, err
	}
	query, err := userRows.parse(PageQuery{Filter: filter}, hiddenFrom(actor)...)
	if err != nil {
		return 0, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		n, err = tx.CountUsers(ctx, actor.Scope, query.Filter)
		return err
	})
	return n, err
}

// hiddenFrom are the attributes of users that the actor may not see, nor ask about.
func hiddenFrom(actor estate.Actor) []string {
	if actor.Permissions.Holds(scopeReadUsers) {
		return nil
	}
	return hiddenFromBasic
}

// User returns a user of the actor's tenant. Everybody may see itself.
func (s *Service) User(ctx context.Context, actor estate.Actor, id estate.UserID) (v UserView, err error) {
	if id != actor.User || id == "" {
		if err := needs(actor, scopeReadUsers, scopeSeeUsers); err != nil {
			return v, err
		}
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		u, err := tx.User(ctx, actor.Scope, id)
		if err != nil {
			return err
		}
		v, err = viewUser(ctx, tx, actor, u)
		return err
	})
	return v, err
}

func viewUser(ctx context.Context, tx *store.Tx, actor estate.Actor, u estate.User) (UserView, error) {
	all, err := viewUsers(ctx, tx, actor, []estate.User{u})
	if err != nil {
		return UserView{}, err
	}
	return all[0], nil
}

// viewUsers adds roles and groups, as far as the actor may see them.
func viewUsers(ctx context.Context, tx *store.Tx, actor estate.Actor, users []estate.User) ([]UserView, error) {
	views := make([]UserView, len(users))
	ids := make([]estate.UserID, 0, len(users))
	for i, u := range users {
		views[i] = UserView{User: u, Basic: u.ID != actor.User && !actor.Permissions.Holds(scopeReadUsers)}
		if !views[i].Basic {
			ids = append(ids, u.ID)
		}
	}
	groups, err := tx.UserGroups(ctx, actor.Scope, ids)
	if err != nil {
		return nil, err
	}
	roles := tenantRoles{tx: tx, scope: actor.Scope}
	for i := range views {
		v := &views[i]
		if v.Basic {
			v.User = estate.User{
				ID: v.ID, Organization: v.Organization, Tenant: v.Tenant, Subject: v.Subject, Name: v.Name, Status: v.Status, CreatedAt: v.CreatedAt, UpdatedAt: v.UpdatedAt,
			}
			continue
		}
		if v.Assigned, err = roles.named(ctx, v.Roles); err != nil {
			return nil, err
		}
		for _, g := range groups[v.ID] {
			view, err := viewGroup(ctx, &roles, g)
			if err != nil {
				return nil, err
			}
			v.Groups = append(v.Groups, view)
		}
	}
	return views, nil
}

// NewUser is what CreateUser makes a user of.
type NewUser struct {
	Tenant  estate.TenantID // must be the actor's, if given
	Subject string
	Name    string // empty: the e-mail address or else the subject
	Email   string
	Status  estate.UserStatus // empty: active
	Roles   []RoleRef
	Profile estate.UserProfile
}

// inviteLifetime is how long an invitation can be accepted.
const inviteLifetime = 7 * 24 * time.Hour

// Limits of what a user has, in characters and pieces.
const (
	maxName    = 256
	maxPicture = 2048
	maxLocale  = 64
	maxRoles   = 100
	maxGroups  = 1000
)

// botSubject begins the subjects of bots, which make themselves.
const botSubject = `qlikbot\`

// CreateUser makes a user in the actor's tenant.
func (s *Service) CreateUser(ctx context.Context, actor estate.Actor, n NewUser) (v UserView, err error) {
	defer s.audit.Refused(ctx, actor, "user.create", "", &err)
	if err := needs(actor, scopeManageUsers); err != nil {
		return v, err
	}
	now := s.now()
	u := estate.User{
		ID: estate.NewUserID(), Organization: actor.Scope.Organization, Tenant: actor.Scope.Tenant,
		Subject: strings.TrimSpace(n.Subject), Name: strings.TrimSpace(n.Name), Email: strings.TrimSpace(n.Email), Status: n.Status,
		Profile: n.Profile, CreatedAt: now, UpdatedAt: now,
	}
	if err := completeUser(&u, n); err != nil {
		return v, err
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.LockDirectory(ctx, actor.Scope); err != nil { // no role is deleted meanwhile
			return err
		}
		roles := tenantRoles{tx: tx, scope: actor.Scope}
		u.Roles = nil
		given, err := roles.find(ctx, n.Roles, func(i int, detail string) error { return errUserInvalid.At(pointer("/assignedRoles", i), detail) })
		if err != nil {
			return err
		}
		for _, role := range given {
			if err := mayGive(actor, role); err != nil {
				return err
			}
			u.Roles = append(u.Roles, role.Name)
		}
		if err := tx.InsertUser(ctx, u); err != nil {
			return err
		}
		if v, err = viewUser(ctx, tx, actor, u); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, actor.Scope, "user.create", string(u.ID), userData(u))
	})
	return v, err
}

// completeUser fills in what a new user leaves open, and says what is wrong with
// it.
func completeUser(u *estate.User, n NewUser) error {
	if u.Status == "" {
		u.Status = estate.UserActive
	}
	if u.Name == "" {
		if u.Name = u.Email; u.Name == "" {
			u.Name = u.Subject
		}
	}
	for _, field := range []struct {
		name, value  string
		least, limit int
	}{
		{"subject", u.Subject, 1, maxName},
		{"name", u.Name, 1, maxName},
		{"picture", u.Profile.Picture, 0, maxPicture},
		{"locale", u.Profile.Locale, 0, maxLocale},
		{"zoneinfo", u.Profile.Zoneinfo, 0, maxLocale},
		{"preferredLocale", u.Profile.PreferredLocale, 0, maxLocale},
		{"preferredZoneinfo", u.Profile.PreferredZoneinfo, 0, maxLocale},
	} {
		if problem := checkText(field.value, field.least, field.limit); problem != "" {
			return errUserInvalid.At("/"+field.name, field.name+" "+problem)
		}
	}
	switch {
	case strings.HasPrefix(filter.Fold(u.Subject), botSubject):
		return errUserInvalid.At("/subject", "subject must not be that of a bot, which appears by itself")
	case u.Email == "" && u.Status == estate.UserInvited:
		return errUserInvalid.At("/email", "email must say where the invitation goes")
	case u.Email != "" && !isEmail(u.Email):
		return errUserInvalid.At("/email", "email must be an e-mail address")
	case n.Tenant != "" && n.Tenant != u.Tenant:
		return errUserInvalid.At("/tenantId", "tenantId must be that of this tenant")
	case len(n.Roles) > maxRoles:
		return errUserInvalid.At("/assignedRoles", "assignedRoles must have 0 to 100 items")
	}
	switch u.Status {
	case estate.UserInvited:
		u.InviteExpiresAt = u.CreatedAt.Add(inviteLifetime)
	case estate.UserActive, estate.UserDisabled, estate.UserProvisioned:
	default:
		return errUserInvalid.At("/status", "status must be active, invited, disabled or provisioned")
	}
	return nil
}

// userData is what an audit record tells of a user.
func userData(u estate.User) map[string]any {
	data := map[string]any{"id": u.ID, "subject": u.Subject, "name": u.Name, "status": u.Status, "roles": slices.Concat([]estate.RoleName{}, u.Roles)}
	if u.Email != "" {
		data["email"] = u.Email
	}
	if u.ClientID != "" {
		data["clientId"] = u.ClientID
	}
	return data
}

// DeleteUser removes a user of the actor's tenant, but not the last one who
// administers it. A bot comes back when its client asks for a token.
func (s *Service) DeleteUser(ctx context.Context, actor estate.Actor, id estate.UserID) (err error) {
	defer s.audit.Refused(ctx, actor, "user.delete", string(id), &err)
	if err := needs(actor, scopeManageUsers); err != nil {
		return err
	}
	return s.store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.LockDirectory(ctx, actor.Scope); err != nil {
			return err
		}
		u, err := tx.User(ctx, actor.Scope, id)
		if err != nil {
			return err
		}
		if err := mayChange(ctx, tx, actor, u); err != nil {
			return err
		}
		if u.ClientID != "" { // it would come back with the roles of a new bot
			if err := needsTenantAdmin(actor); err != nil {
				return err
			}
		}
		if err := tx.DeleteUser(ctx, actor.Scope, id, s.now()); err != nil {
			return err
		}
		if err := keepsAdmin(ctx, tx, actor.Scope, u, estate.User{}); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, actor.Scope, "user.delete", string(id), userData(u))
	})
}

// mayChange refuses changes to users who administer by those who don't.
func mayChange(ctx context.Context, tx *store.Tx, actor estate.Actor, u estate.User) error {
	refusal := needsTenantAdmin(actor)
	if refusal == nil {
		return nil
	}
	access, err := tx.Access(ctx, actor.Scope, u.ID)
	if err != nil {
		return err
	}
	if access.Has(estate.RoleTenantAdmin) || estate.LevelOfScopes(access.Scopes) == estate.RoleLevelAdmin {
		return refusal
	}
	return nil
}

// mayGive refuses to give or take roles that administer to those who are no
// administrator of the tenant: they could give themselves what they lack.
func mayGive(actor estate.Actor, role estate.Role) error {
	if role.Level == estate.RoleLevelAdmin {
		return needsTenantAdmin(actor)
	}
	return nil
}

// keepsAdmin refuses a change after which nobody would administer the tenant. The
// directory is locked.
func keepsAdmin(ctx context.Context, tx *store.Tx, scope estate.Scope, before, after estate.User) error {
	if !administers(before) || administers(after) {
		return nil
	}
	n, err := tx.CountAdmins(ctx, scope)
	if err == nil && n == 0 {
		err = errLastAdmin
	}
	return err
}

func administers(u estate.User) bool {
	return u.Status == estate.UserActive && slices.Contains(u.Roles, estate.RoleTenantAdmin)
}

var (
	errUserInvalid = estate.E(estate.Invalid, api.CodeUserInvalid, "Invalid user", "")
	errLastAdmin   = estate.E(estate.Forbidden, api.CodeUserLastAdmin, "Last administrator", "The tenant would be left without an active user who has the role TenantAdmin.")
)
