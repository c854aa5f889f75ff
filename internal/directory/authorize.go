package directory

import (
	"fmt"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
)

// Scopes that the directory asks for. Administrators' scopes are what is left of a
// token's after the roles of its user, so holding one means that both allow it.
const (
	scopeManageUsers = "admin.users"
	scopeReadUsers   = "admin.users:read"
	scopeSeeUsers    = "users:read" // the basics
	scopeOwnUser     = "users"      // one's own preferences
)

// needs refuses an actor who holds none of the scopes.
func needs(actor estate.Actor, scopes ...string) error {
	if slices.ContainsFunc(scopes, actor.Permissions.Holds) && actor.Scope.Tenant != "" {
		return nil
	}
	return estate.E(estate.Forbidden, api.CodeInsufficientScope, "Forbidden",
		"This needs the scope "+strings.Join(scopes, " or ")+", in the token and by a role of its user.")
}

// needsTenantAdmin refuses an actor who does not act as an administrator of the
// tenant: by the role of its user, and by a scope of its token. Every bot has the role.
func needsTenantAdmin(actor estate.Actor) error {
	if actor.Scope.Tenant == "" || !slices.Contains(actor.Roles, estate.RoleTenantAdmin) {
		return errNeedsTenantAdmin
	}
	return needs(actor, api.ScopeAdminClassic)
}

var errNeedsTenantAdmin = estate.E(estate.Forbidden, api.CodeForbidden, "Forbidden", "This needs the role TenantAdmin in this tenant.")

// by is whom a row names as its maker: the user, in tenants.
func by(actor estate.Actor) string {
	if actor.User != "" {
		return string(actor.User)
	}
	return actor.ID
}

// checkText says what is wrong with a text; "" if nothing is.
func checkText(text string, least, limit int) string {
	n := utf8.RuneCountInString(text)
	switch {
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
		return "must be text without control characters"
	case n < least || n > limit:
		return fmt.Sprintf("must have %d to %d characters", least, limit)
	}
	return ""
}

func isEmail(text string) bool {
	address, err := mail.ParseAddress(text)
	return err == nil && address.Address == text && len(text) <= 254
}

// quoted shows what a caller sent, on one line and not for long.
func quoted(s string) string {
	const enough = 60
	if len(s) > enough {
		s = strings.ToValidUTF8(s[:enough], "") + "…"
	}
	return strconv.Quote(s)
}

func errPatch(pointer, detail string) error {
	e := estate.E(estate.Invalid, api.CodeInvalidRequest, "Invalid patch", detail)
	if pointer == "" {
		return e
	}
	return e.At(pointer, detail)
}
