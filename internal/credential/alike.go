package credential

import (
	"slices"
	"strings"
	"sync"

	"github.com/freehold-platform/freehold/internal/estate"
)

// alike keeps one copy of what many clients have in common. A hundred thousand of
// them are in memory, and the collector goes through all that they consist of
// again and again.
type alike struct {
	mu    sync.Mutex
	texts map[string]string
	lists map[string][]string
}

// maxAlike is how many different texts, and lists, are known at a time.
const maxAlike = 4096

// share replaces what a client may have in common with others, and puts the texts
// that are its own into one piece of memory. The lists are to be read only, as
// everything that is cached.
func (a *alike) share(c *estate.Client) {
	together(c)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.texts == nil || len(a.texts) > maxAlike || len(a.lists) > maxAlike {
		a.texts, a.lists = make(map[string]string), make(map[string][]string)
	}
	one(a, &c.Level)
	one(a, &c.Scope.Organization)
	one(a, &c.Scope.Subscription)
	one(a, &c.Scope.Region)
	one(a, &c.AppType)
	one(a, &c.Consent)
	one(a, &c.CreatedBy)
	one(a, &c.CreatedByType)
	a.list((*[]string)(&c.Permissions))
	a.list(&c.GrantTypes)
	a.list(&c.AuthMethods)
	for i := range c.Secrets {
		one(a, &c.Secrets[i].KeyID)
		one(a, &c.Secrets[i].CreatedBy)
	}
}

// together puts a client's own texts, of which there always are some, one after the
// other.
func together(c *estate.Client) {
	own := []*string{(*string)(&c.ID), &c.Name, &c.Description}
	for i := range c.Secrets {
		own = append(own, &c.Secrets[i].Hint)
	}
	var all []byte
	for _, text := range own {
		all = append(all, *text...)
	}
	rest := string(all)
	for _, text := range own {
		*text, rest = rest[:len(*text)], rest[len(*text):]
	}
}

func one[S ~string](a *alike, s *S) {
	known, ok := a.texts[string(*s)]
	if !ok {
		known = string(*s)
		a.texts[known] = known
	}
	*s = S(known)
}

func (a *alike) list(l *[]string) {
	if len(*l) == 0 {
		return
	}
	key := strings.Join(*l, "\n")
	known, ok := a.lists[key]
	if !ok || !slices.Equal(known, *l) {
		known = append(make([]string, 0, len(*l)), *l...)
		a.lists[key] = known
	}
	*l = known
}
