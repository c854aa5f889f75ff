package signin

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/freehold-platform/freehold/internal/assertion"
	"github.com/freehold-platform/freehold/internal/estate"
)

// mapClaims finds out who somebody is by the claims of an identity provider: of
// the pointers for each of ours, the first that leads somewhere counts.
func mapClaims(p estate.IdentityProvider, o estate.IdentityProviderOptions, claims map[string]any) (l Login, err error) {
	if l.Subject, err = textClaim(o, claims, "sub"); err != nil {
		return l, err
	}
	if l.Subject == "" {
		return l, assertion.Refuse("the claims have no sub")
	}
	if o.Realm != "" {
		l.Subject = o.Realm + `\` + l.Subject
	}
	if l.Name, err = textClaim(o, claims, "name"); err != nil {
		return l, err
	}
	if l.Email, err = textClaim(o, claims, "email"); err != nil {
		return l, err
	}
	switch verified := mapped(o, claims, "email_verified").(type) {
	case bool:
		l.EmailVerified = verified
	case string:
		l.EmailVerified = verified == "true"
	}
	if isMicrosoft(p.Provider) && o.EmailVerified != nil && *o.EmailVerified {
		l.EmailVerified = true
	}
	switch groups := mapped(o, claims, "groups").(type) {
	case nil:
	case string:
		l.Groups = []string{groups}
	case []any:
		for _, g := range groups {
			name, ok := g.(string)
			if !ok {
				return l, assertion.Refuse("groups is not a list of names")
			}
			l.Groups = append(l.Groups, name)
		}
	default:
		return l, assertion.Refuse("groups is not a list of names")
	}
	return l, l.check()
}

// textClaim is a claim that has to be a text; empty: there is none.
func textClaim(o estate.IdentityProviderOptions, claims map[string]any, name string) (string, error) {
	switch value := mapped(o, claims, name).(type) {
	case nil:
		return "", nil
	case string:
		return value, nil
	default:
		return "", assertion.Refuse("%s is not a text", name)
	}
}

// mapped is what the pointers for a claim lead to, or the claim of the same name
// where there are none; nil: nothing.
func mapped(o estate.IdentityProviderOptions, claims map[string]any, name string) any {
	pointers, ok := o.ClaimsMapping[name]
	if !ok {
		pointers = []string{"/" + name}
	}
	for _, p := range pointers {
		if value := follow(claims, p); value != nil {
			return value
		}
	}
	return nil
}

var unescape = strings.NewReplacer("~1", "/", "~0", "~")

// follow returns what a JSON Pointer (RFC 6901) leads to in value; nil: nothing.
func follow(value any, pointer string) any {
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		switch v := value.(type) {
		case map[string]any:
			value = v[unescape.Replace(token)]
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(v) {
				return nil
			}
			value = v[i]
		default:
			return nil
		}
	}
	return value
}

// maxShownClaims bounds what is kept of claims to show them to an administrator.
const maxShownClaims = 16 << 10

// shown are claims for an administrator to see.
func shown(claims map[string]any) json.RawMessage {
	text, err := json.Marshal(claims)
	if err != nil || len(text) > maxShownClaims {
		return nil
	}
	return text
}
