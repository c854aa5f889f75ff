package directory

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
	"github.com/freehold-platform/freehold/internal/paging"
	"github.com/freehold-platform/freehold/internal/store"
)

// FewQuery asks for a page of a list of few things, which are picked and sorted in
// memory. After and Before are cursors, or ids of the rows beside the page.
type FewQuery struct {
	Sort          string // an attribute with sign; empty: the list's own order
	After, Before string
	Limit         int // 1 to 100
}

// FewPage is such a page. Next and Prev are cursors, empty at the ends.
type FewPage[T any] struct {
	Items      []T
	Next, Prev string
}

// few says what a list of few things can be sorted by, the first of them if nothing
// else is asked for.
type few[T any] struct {
	name  string // in its cursors
	idOf  func(T) string
	order []string
	by    map[string]func(T) string // what compares as the attribute does

	after, before string // parameters of the contract for the ids
}

func (f few[T]) cut(all []T, q FewQuery) (page FewPage[T], err error) {
	keys, err := filter.ParseSort(q.Sort, f.order)
	switch {
	case err != nil:
		return page, paging.Unparsed("sort", err)
	case len(keys) > 1:
		return page, paging.BadParameter("sort", "sort takes one attribute")
	case len(keys) == 0:
		keys = []filter.SortKey{{Attribute: f.order[0]}}
	}
	if q.After != "" && q.Before != "" {
		return page, paging.BadParameter(f.before, f.after+" and "+f.before+" exclude each other")
	}
	key, sign := f.by[keys[0].Attribute], 1
	if keys[0].Descending {
		sign = -1
	}
	place := func(v T) fewPlace { return fewPlace{key(v), f.idOf(v)} }
	slices.SortFunc(all, func(a, b T) int { return sign * place(a).compare(place(b)) })
	list := paging.Sorted(f.name, keys)
	from, to := 0, min(q.Limit, len(all))
	if sent := cmp.Or(q.After, q.Before); sent != "" {
		beside, err := paging.Parse[fewPlace](list, sent)
		if err != nil {
			at := slices.IndexFunc(all, func(v T) bool { return f.idOf(v) == sent })
			if at < 0 {
				return page, paging.BadParameter(f.parameter(q), paging.ErrCursor.Error())
			}
			beside = place(all[at])
		}
		// Not by its id: the row may be gone meanwhile.
		at, there := slices.BinarySearchFunc(all, beside, func(v T, beside fewPlace) int { return sign * place(v).compare(beside) })
		if q.Before != "" {
			from, to = max(0, at-q.Limit), at
		} else {
			if there {
				at++
			}
			from, to = at, min(at+q.Limit, len(all))
		}
	}
	page.Items = all[from:to]
	if len(page.Items) > 0 {
		if to < len(all) {
			page.Next = paging.Format(list, place(all[to-1]))
		}
		if from > 0 {
			page.Prev = paging.Format(list, place(all[from]))
		}
	}
	return page, nil
}

// fewPlace is the place of a row in a list of few things.
type fewPlace struct {
	Key string `json:"k"`
	ID  string `json:"i"`
}

func (p fewPlace) compare(other fewPlace) int {
	return cmp.Or(strings.Compare(p.Key, other.Key), strings.Compare(p.ID, other.ID))
}

func (f few[T]) parameter(q FewQuery) string {
	if q.After != "" {
		return f.after
	}
	return f.before
}

// moment is a time as texts that compare as times do.
func moment(t time.Time) string { return fmt.Sprintf("%020d", t.UnixMicro()) }

// resembles compares with a pattern in which * stands for any text, whatever the
// case. Without one it need only be contained.
func resembles(pattern, text string) bool {
	if pattern == "" {
		return true
	}
	if !strings.Contains(pattern, "*") {
		pattern = "*" + pattern + "*"
	}
	// A slash stops the * of path.Match, and other signs mean something to it.
	quoted := strings.NewReplacer(`\`, `\\`, `[`, `\[`, `?`, `\?`, "/", "\x00").Replace(filter.Fold(pattern))
	matches, err := path.Match(quoted, strings.ReplaceAll(filter.Fold(text), "/", "\x00"))
	return err == nil && matches
}

// hostSource is a host with a port, and * for a label or any port, as content
// security policies have it. It holds nothing that could end a directive.
const hostSource = `(?:\*\.)?[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*(?::(?:[0-9]{1,5}|\*))?`

var (
	cspOriginPattern = regexp.MustCompile(`^(?:(?:https?|wss?)://)?` + hostSource + `$`)
	webOriginPattern = regexp.MustCompile(`^https?://` + hostSource + `$`)
)

const maxOrigin = 256

// origin checks an origin and writes it as it is compared: in lower case.
func origin(text string, pattern *regexp.Regexp) (string, bool) {
	text = strings.ToLower(strings.TrimSuffix(strings.TrimSpace(text), "/"))
	return text, len(text) <= maxOrigin && pattern.MatchString(text)
}

// cspScope is what a role of one's own can allow instead of all that an administrator
// may.
const cspScope = "admin.csp"

var cspOriginList = few[estate.CSPOrigin]{
	name:  "csp-origins",
	idOf:  func(o estate.CSPOrigin) string { return string(o.ID) },
	order: []string{"name", "origin", "createdDate", "modifiedDate"},
	by: map[string]func(estate.CSPOrigin) string{
		"name":         func(o estate.CSPOrigin) string { return filter.Fold(o.Name) },
		"origin":       func(o estate.CSPOrigin) string { return o.Origin },
		"createdDate":  func(o estate.CSPOrigin) string { return moment(o.CreatedAt) },
		"modifiedDate": func(o estate.CSPOrigin) string { return moment(o.UpdatedAt) },
	},
	after: "next", before: "prev",
}

// CSPOriginQuery asks for a page of the origins of a content security policy. Name
// and Origin may have * for any text.
type CSPOriginQuery struct {
	FewQuery

	Name, Origin string
	With         int64 // directives that an origin must have
	Without      int64 // directives that it must not have
}

// CSPOrigins lists the origins in the content security policy of the actor's tenant.
func (s *Service) CSPOrigins(ctx context.Context, actor estate.Actor, q CSPOriginQuery) (page FewPage[estate.CSPOrigin], err error) {
	if err := needs(actor, cspScope); err != nil {
		return page, err
	}
	var all []estate.CSPOrigin
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		all, err = tx.CSPOrigins(ctx, actor.Scope)
		return err
	})
	if err != nil {
		return page, err
	}
	all = slices.DeleteFunc(all, func(o estate.CSPOrigin) bool {
		return !resembles(q.Name, o.Name) || !resembles(q.Origin, o.Origin) || o.Directives&q.With != q.With || o.Directives&q.Without != 0
	})
	return cspOriginList.cut(all, q.FewQuery)
}

// CSPOrigin returns an origin of the actor's tenant.
func (s *Service) CSPOrigin(ctx context.Context, actor estate.Actor, id estate.CSPOriginID) (o estate.CSPOrigin, err error) {
	if err := needs(actor, cspScope); err != nil {
		return o, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		o, err = tx.CSPOrigin(ctx, actor.Scope, id)
		return err
	})
	return o, err
}

// CreateCSPOrigin adds an origin to the content security policy of the actor's tenant.
// Of o, all is taken but ids and times.
func (s *Service) CreateCSPOrigin(ctx context.Context, actor estate.Actor, o estate.CSPOrigin) (estate.CSPOrigin, error) {
	o.ID, o.Organization, o.Tenant, o.CreatedAt = estate.NewCSPOriginID(), actor.Scope.Organization, actor.Scope.Tenant, s.now()
	o.UpdatedAt = o.CreatedAt
	return o, s.changeCSP(ctx, actor, "csp-origin.create", &o, func(tx *store.Tx) error {
		all, err := tx.CSPOrigins(ctx, actor.Scope)
		switch {
		case err != nil:
			return err
		case len(all) >= estate.MaxCSPOrigins:
			return estate.E(estate.Forbidden, api.CodeCSPOriginLimit, "Too many entries", fmt.Sprintf("A tenant can have %d of them.", estate.MaxCSPOrigins))
		}
		return tx.InsertCSPOrigin(ctx, o)
	})
}

// ReplaceCSPOrigin makes all of an origin of the actor's tenant what o says.
func (s *Service) ReplaceCSPOrigin(ctx context.Context, actor estate.Actor, o estate.CSPOrigin) (estate.CSPOrigin, error) {
	o.UpdatedAt = s.now()
	return o, s.changeCSP(ctx, actor, "csp-origin.update", &o, func(tx *store.Tx) error {
		before, err := tx.CSPOrigin(ctx, actor.Scope, o.ID)
		if err != nil {
			return err
		}
		o.Organization, o.Tenant, o.CreatedAt = before.Organization, before.Tenant, before.CreatedAt
		return tx.UpdateCSPOrigin(ctx, actor.Scope, o)
	})
}

// DeleteCSPOrigin takes an origin from the content security policy of the actor's
// tenant.
func (s *Service) DeleteCSPOrigin(ctx context.Context, actor estate.Actor, id estate.CSPOriginID) (err error) {
	const action = "csp-origin.delete"
	defer s.audit.Refused(ctx, actor, action, string(id), &err)
	if err := needs(actor, cspScope); err != nil {
		return err
	}
	return s.store.Write(ctx, func(tx *store.Tx) error {
		o, err := tx.CSPOrigin(ctx, actor.Scope, id)
		if err != nil {
			return err
		}
		if err := tx.DeleteCSPOrigin(ctx, actor.Scope, id); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, actor.Scope, action, string(id), map[string]any{"origin": o.Origin})
	})
}

func (s *Service) changeCSP(ctx context.Context, actor estate.Actor, action string, o *estate.CSPOrigin, fn func(tx *store.Tx) error) (err error) {
	defer s.audit.Refused(ctx, actor, action, string(o.ID), &err)
	if err := needs(actor, cspScope); err != nil {
		return err
	}
	if err := checkCSPOrigin(o); err != nil {
		return err
	}
	return s.store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.LockDirectory(ctx, actor.Scope); err != nil {
			return err
		}
		if err := fn(tx); err != nil {
			return err
		}
		var directives []string
		for i, d := range estate.CSPDirectives() {
			if o.Directives&(1<<i) != 0 {
				directives = append(directives, d.Member)
			}
		}
		return s.audit.Done(ctx, tx, actor, actor.Scope, action, string(o.ID), map[string]any{"origin": o.Origin, "name": o.Name, "directives": directives})
	})
}

func checkCSPOrigin(o *estate.CSPOrigin) error {
	var ok bool
	if o.Origin, ok = origin(o.Origin, cspOriginPattern); !ok {
		return errCSPOrigin.At("/origin", "origin must be a host with or without scheme and port, such as https://*.example.com")
	}
	o.Name, o.Description = strings.TrimSpace(o.Name), strings.TrimSpace(o.Description)
	if problem := checkText(o.Name, 0, maxName); problem != "" {
		return errCSPOrigin.At("/name", "name "+problem)
	}
	if problem := checkText(o.Description, 0, maxDescription); problem != "" {
		return errCSPOrigin.At("/description", "description "+problem)
	}
	return nil
}

// CSPHeader is the content security policy of the actor's tenant, as a header has it:
// what is not allowed to an origin is allowed to the tenant's own host.
func (s *Service) CSPHeader(ctx context.Context, actor estate.Actor) (header string, err error) {
	var all []estate.CSPOrigin
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		all, err = tx.CSPOrigins(ctx, actor.Scope)
		return err
	})
	if err != nil {
		return "", err
	}
	allowed := map[string][]string{"default-src": nil, "form-action": nil, "frame-ancestors": nil} // the last two have no other default than everybody
	for _, o := range all {
		for i, d := range estate.CSPDirectives() {
			if o.Directives&(1<<i) == 0 {
				continue
			}
			source := o.Origin
			if d.Member == "connectSrcWSS" {
				_, host, found := strings.Cut(source, "://")
				if !found {
					host = source
				}
				source = "wss://" + host
			}
			allowed[d.Name] = append(allowed[d.Name], source)
		}
	}
	var directives []string
	for name, sources := range allowed {
		slices.Sort(sources)
		directives = append(directives, strings.Join(append([]string{name, "'self'"}, slices.Compact(sources)...), " "))
	}
	slices.Sort(directives)
	return strings.Join(directives, "; "), nil
}

var errCSPOrigin = estate.E(estate.Invalid, api.CodeCSPOriginInvalid, "Invalid content security policy entry", "")
