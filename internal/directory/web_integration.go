package directory

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
	"github.com/freehold-platform/freehold/internal/store"
)

var webIntegrationList = few[estate.WebIntegration]{
	name:  "web-integrations",
	idOf:  func(w estate.WebIntegration) string { return string(w.ID) },
	order: []string{"name"},
	by: map[string]func(estate.WebIntegration) string{
		"name": func(w estate.WebIntegration) string { return filter.Fold(w.Name) },
	},
	after: "startingAfter", before: "endingBefore",
}

// WebIntegrations lists the web integrations of the actor's tenant.
func (s *Service) WebIntegrations(ctx context.Context, actor estate.Actor, q FewQuery) (page FewPage[estate.WebIntegration], err error) {
	if err := needs(actor, api.ScopeAdminClassic); err != nil {
		return page, err
	}
	var all []estate.WebIntegration
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		all, err = tx.WebIntegrations(ctx, actor.Scope)
		return err
	})
	if err != nil {
		return page, err
	}
	return webIntegrationList.cut(all, q)
}

// WebIntegration returns a web integration of the actor's tenant.
func (s *Service) WebIntegration(ctx context.Context, actor estate.Actor, id estate.WebIntegrationID) (w estate.WebIntegration, err error) {
	if err := needs(actor, api.ScopeAdminClassic); err != nil {
		return w, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		w, err = tx.WebIntegration(ctx, actor.Scope, id)
		return err
	})
	return w, err
}

// CreateWebIntegration makes a web integration in the actor's tenant.
func (s *Service) CreateWebIntegration(ctx context.Context, actor estate.Actor, name string, origins []string) (w estate.WebIntegration, err error) {
	const action = "web-integration.create"
	defer s.audit.Refused(ctx, actor, action, "", &err)
	if err := needs(actor, api.ScopeAdminClassic); err != nil {
		return w, err
	}
	w = estate.WebIntegration{
		ID: estate.NewWebIntegrationID(), Organization: actor.Scope.Organization, Tenant: actor.Scope.Tenant, Name: strings.TrimSpace(name), CreatedAt: s.now(), CreatedBy: by(actor),
	}
	w.UpdatedAt = w.CreatedAt
	if problem := checkText(w.Name, 1, maxName); problem != "" {
		return w, errWebIntegration.At("/name", "name "+problem)
	}
	if w.Origins, err = webOrigins(origins, "/validOrigins"); err != nil {
		return w, err
	}
	return w, s.store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.LockDirectory(ctx, actor.Scope); err != nil {
			return err
		}
		all, err := tx.WebIntegrations(ctx, actor.Scope)
		switch {
		case err != nil:
			return err
		case len(all) >= estate.MaxWebIntegrations:
			return estate.E(estate.Forbidden, api.CodeWebIntegrationLimit, "Too many web integrations", fmt.Sprintf("A tenant can have %d of them.", estate.MaxWebIntegrations))
		}
		if err := tx.InsertWebIntegration(ctx, w); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, actor.Scope, action, string(w.ID), webIntegrationData(w))
	})
}

func webOrigins(given []string, at string) ([]string, error) {
	if len(given) > estate.MaxWebIntegrationOrigins {
		return nil, errWebIntegration.At(at, fmt.Sprintf("there can be at most %d origins", estate.MaxWebIntegrationOrigins))
	}
	origins := []string{}
	for i, text := range given {
		o, ok := origin(text, webOriginPattern)
		if !ok {
			return nil, errWebIntegration.At(at+"/"+strconv.Itoa(i), "must be an origin such as https://portal.example.com")
		}
		if !slices.Contains(origins, o) {
			origins = append(origins, o)
		}
	}
	return origins, nil
}

func webIntegrationData(w estate.WebIntegration) map[string]any {
	return map[string]any{"id": w.ID, "name": w.Name, "validOrigins": w.Origins}
}

// UpdateWebIntegration changes a web integration of the actor's tenant by a patch: all
// of it or, after an error, nothing.
func (s *Service) UpdateWebIntegration(ctx context.Context, actor estate.Actor, id estate.WebIntegrationID, patch Patch) error {
	return s.changeWebIntegration(ctx, actor, "web-integration.update", id, func(tx *store.Tx, w estate.WebIntegration) error {
		err := patch.each(errWebIntegration, func(c change) (err error) {
			switch c.Path {
			case "/name":
				return c.textBy(&w.Name, 1, maxName, "replace")
			case "/validOrigins":
				if err := c.ops("replace"); err != nil {
					return err
				}
				var origins []string
				if err := c.into(&origins, "a list of origins"); err != nil {
					return err
				}
				w.Origins, err = webOrigins(origins, c.place+"/value")
				return err
			}
			return c.badPath("/name", "/validOrigins")
		})
		if err != nil {
			return err
		}
		w.UpdatedAt = s.now()
		return tx.UpdateWebIntegration(ctx, actor.Scope, w)
	})
}

// DeleteWebIntegration deletes a web integration of the actor's tenant.
func (s *Service) DeleteWebIntegration(ctx context.Context, actor estate.Actor, id estate.WebIntegrationID) error {
	return s.changeWebIntegration(ctx, actor, "web-integration.delete", id, func(tx *store.Tx, _ estate.WebIntegration) error {
		return tx.DeleteWebIntegration(ctx, actor.Scope, id)
	})
}

func (s *Service) changeWebIntegration(ctx context.Context, actor estate.Actor, action string, id estate.WebIntegrationID,
	fn func(tx *store.Tx, w estate.WebIntegration) error,
) (err error) {
	defer s.audit.Refused(ctx, actor, action, string(id), &err)
	if err := needs(actor, api.ScopeAdminClassic); err != nil {
		return err
	}
	return s.store.Write(ctx, func(tx *store.Tx) error {
		w, err := tx.WebIntegration(ctx, actor.Scope, id)
		if err != nil {
			return err
		}
		if err := fn(tx, w); err != nil {
			return err
		}
		after := w
		if action != "web-integration.delete" {
			if after, err = tx.WebIntegration(ctx, actor.Scope, id); err != nil {
				return err
			}
		}
		return s.audit.Done(ctx, tx, actor, actor.Scope, action, string(id), webIntegrationData(after))
	})
}

// AdmitsPage tells whether a web integration of a tenant names the origin of a page.
func (s *Service) AdmitsPage(ctx context.Context, scope estate.Scope, id estate.WebIntegrationID, page string) bool {
	page, ok := origin(page, webOriginPattern)
	if !ok {
		return false
	}
	var w estate.WebIntegration
	err := s.store.Read(ctx, func(tx *store.Tx) (err error) {
		w, err = tx.WebIntegration(ctx, scope, id)
		return err
	})
	return err == nil && slices.ContainsFunc(w.Origins, func(pattern string) bool {
		return pattern == page || strings.Contains(pattern, "*") && coversOrigin(pattern, page)
	})
}

// coversOrigin tells whether an origin with * for the first labels, or for the port,
// covers another.
func coversOrigin(pattern, page string) bool {
	scheme, want, _ := strings.Cut(pattern, "://")
	pageScheme, have, _ := strings.Cut(page, "://")
	if scheme != pageScheme {
		return false
	}
	wantHost, wantPort, _ := strings.Cut(want, ":")
	haveHost, havePort, _ := strings.Cut(have, ":")
	if wantPort != "*" && wantPort != havePort {
		return false
	}
	rest, wildcard := strings.CutPrefix(wantHost, "*")
	if !wildcard {
		return wantHost == haveHost
	}
	return strings.HasSuffix(haveHost, rest) && len(haveHost) > len(rest)
}

var errWebIntegration = estate.E(estate.Invalid, api.CodeWebIntegrationInvalid, "Invalid web integration", "")
