package tenancy

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/telemetry"
)

// PatchOperation is one operation of a JSON Patch on a tenant.
type PatchOperation struct {
	Op    string
	Path  string
	Value json.RawMessage
}

// maxPatch is how many operations a patch can have.
const maxPatch = 100

// ParsePatch reads a patch. What its operations mean is not looked at.
func ParsePatch(text []byte) ([]PatchOperation, error) {
	var operations []map[string]json.RawMessage // a map, because struct fields match without case
	if err := json.Unmarshal(text, &operations); err != nil || operations == nil {
		return nil, errPatch("The body must be a JSON Patch: an array of operations.")
	}
	if len(operations) > maxPatch {
		return nil, errPatch(fmt.Sprintf("A patch can have at most %d operations.", maxPatch))
	}
	patch := make([]PatchOperation, len(operations))
	var found problems
	for i, members := range operations {
		p := &patch[i]
		p.Value = members["value"]
		if json.Unmarshal(members["path"], &p.Path) != nil || !strings.HasPrefix(p.Path, "/") {
			found.add("/"+strconv.Itoa(i), patchPath, "An operation must have a path, such as /name")
			continue
		}
		if json.Unmarshal(members["op"], &p.Op) != nil || p.Op != "replace" {
			found.add(p.Path, patchOp, "The only operation is replace")
		}
	}
	return patch, found.err()
}

// UpdateTenant changes a tenant by a patch: all of it or, after an error, nothing.
// At the tenant's own host its administrators change what the contract documents;
// at the register host a region-level client changes also what is the platform's:
// labels and deletion protection.
func (s *Service) UpdateTenant(ctx context.Context, actor estate.Actor, id estate.TenantID, patch []PatchOperation) (err error) {
	ctx, span := telemetry.Start(ctx, "tenancy.UpdateTenant", telemetry.Internal)
	defer span.End()
	defer s.audit.Refused(ctx, actor, "tenant.update", string(id), &err)
	if actor, err = s.owner(ctx, actor, id); err != nil {
		return err
	}
	platform := actor.Scope.Tenant == ""
	switch {
	case !actor.Permissions.Holds(api.ScopeAdminClassic):
		return errNeedsScope(api.ScopeAdminClassic)
	case platform && actor.Level != estate.LevelRegion:
		return errRegionOnly
	}
	return s.store.Write(ctx, func(tx *store.Tx) error {
		before, err := tx.Tenant(ctx, actor.Scope, id)
		switch {
		case err != nil:
			return err
		case before.Status == estate.TenantDeleted:
			return errGone
		}
		t, err := s.applyPatch(ctx, tx, before, patch, platform)
		if err != nil {
			return err
		}
		_, err = s.updateTenant(ctx, tx, actor, before, t)
		return err
	})
}

// updateTenant stores what has become of a tenant, with its records, and returns
// it; nothing happens if it is as before.
func (s *Service) updateTenant(ctx context.Context, tx *store.Tx, actor estate.Actor, before, t estate.Tenant) (estate.Tenant, error) {
	updates := s.describeUpdates(before, t)
	if len(updates) == 0 {
		return before, nil
	}
	t.UpdatedAt = s.now()
	err := tx.UpdateTenant(ctx, actor.Scope, t)
	if t.Alias != before.Alias {
		err = aliasTaken(err)
	}
	if err == nil {
		err = s.provision(ctx, tx, &t, estate.TenantWasUpdated)
	}
	if err != nil {
		return t, err
	}
	err = s.audit.Done(ctx, tx, actor, t.Scope(), "tenant.update", string(t.ID), map[string]any{
		"id": t.ID, "hostnames": s.hostnames(t), "licenseId": t.Subscription, "updates": updates,
	})
	if err != nil || t.Protected == before.Protected {
		return t, err
	}
	action := "tenant.allowed-deactivate"
	if t.Protected {
		action = "tenant.disallowed-deactivate"
	}
	return t, s.audit.Done(ctx, tx, actor, t.Scope(), action, string(t.ID), map[string]any{"id": t.ID, "name": t.Name, "hostnames": s.hostnames(t)})
}

// switches are the properties of a tenant that are on or off.
var switches = map[string]func(*estate.Tenant) *bool{
	"/autoAssignCreateSharedSpacesRoleToProfessionals": func(t *estate.Tenant) *bool {
		return &t.Settings.AutoAssignCreateSharedSpacesRoleToProfessionals
	},
	"/autoAssignPrivateAnalyticsContentCreatorRoleToProfessionals": func(t *estate.Tenant) *bool {
		return &t.Settings.AutoAssignPrivateAnalyticsContentCreatorRoleToProfessionals
	},
	"/autoAssignDataServicesContributorRoleToProfessionals": func(t *estate.Tenant) *bool {
		return &t.Settings.AutoAssignDataServicesContributorRoleToProfessionals
	},
	"/enableAnalyticCreation":   func(t *estate.Tenant) *bool { return &t.Settings.EnableAnalyticCreation },
	"/enableAppOpeningFeedback": func(t *estate.Tenant) *bool { return &t.Settings.EnableAppOpeningFeedback },
	pathProtection:              func(t *estate.Tenant) *bool { return &t.Protected },
}

const (
	pathName       = "/name"
	pathAlias      = "/hostnames/1"
	pathLabels     = "/labels"
	pathProtection = "/deletionProtection"
)

// applyPatch returns what patch makes of t, or all that is wrong with it.
func (s *Service) applyPatch(ctx context.Context, tx *store.Tx, t estate.Tenant, patch []PatchOperation, platform bool) (estate.Tenant, error) {
	t.Labels = maps.Clone(t.Labels)
	alias := t.Alias
	var found problems
	for _, p := range patch {
		label, isLabel := strings.CutPrefix(p.Path, pathLabels+"/")
		change, isSwitch := switches[p.Path]
		switch {
		case !platform && (p.Path == pathLabels || isLabel || p.Path == pathProtection):
			found.add(p.Path, patchPath, "This property is changed at the register host")
		case p.Path == pathName:
			patchName(&t, p.Value, &found)
		case p.Path == pathAlias:
			s.patchAlias(&t, p.Value, &found)
		case isSwitch:
			var on *bool
			if json.Unmarshal(p.Value, &on) != nil || on == nil {
				found.add(p.Path, patchValue, "Value must be true or false")
				continue
			}
			*change(&t) = *on
		case p.Path == pathLabels:
			t.Labels = nil
			if json.Unmarshal(p.Value, &t.Labels) != nil {
				found.add(p.Path, patchValue, "Value must be an object of strings")
			}
		case isLabel:
			var value *string
			if json.Unmarshal(p.Value, &value) != nil {
				found.add(p.Path, patchValue, "Value must be a string, or null to remove the label")
				continue
			}
			t.Labels = relabelled(t.Labels, map[string]*string{strings.NewReplacer("~1", "/", "~0", "~").Replace(label): value})
		default:
			found.add(p.Path, patchPath, "This property can't be changed")
		}
	}
	if pointer, problem := labelsProblem(t.Labels); problem != "" {
		found.add(pointer, patchValue, "Label: "+problem)
	}
	if t.Alias != alias && t.Alias != "" {
		free, err := tx.HostnameFree(ctx, t.Alias)
		if err != nil {
			return t, err
		}
		if !free {
			found.add(pathAlias, patchTaken, patchTaken.Title)
		}
	}
	return t, found.err()
}

func patchName(t *estate.Tenant, value json.RawMessage, found *problems) {
	var name *string
	if json.Unmarshal(value, &name) != nil || name == nil || strings.TrimSpace(*name) == "" {
		found.add(pathName, patchValue, "Name must be a string that is not empty")
		return
	}
	if problem := nameProblem(*name); problem != "" {
		found.add(pathName, patchValue, "Name "+problem)
		return
	}
	t.Name = strings.TrimSpace(*name)
}

// patchAlias gives t another alias; null or an empty text takes it away.
func (s *Service) patchAlias(t *estate.Tenant, value json.RawMessage, found *problems) {
	var name *string
	if value == nil || json.Unmarshal(value, &name) != nil {
		found.add(pathAlias, patchValue, "Alias must be a host name, or null to remove it")
		return
	}
	if name == nil || *name == "" {
		t.Alias = ""
		return
	}
	suffix := string(t.Region) + "." + s.domain
	label, rest, _ := strings.Cut(strings.ToLower(*name), ".")
	problem := estate.CheckAliasLabel(label)
	if rest != suffix {
		problem = "Alias must be of the form <subdomain>." + suffix
	}
	if problem != "" {
		found.add(pathAlias, patchAlias, problem)
		return
	}
	t.Alias = estate.NewHostname(label, t.Region)
}

// relabelled is labels with changes; nil removes one.
func relabelled(labels map[string]string, changes map[string]*string) map[string]string {
	changed := maps.Clone(labels)
	if changed == nil {
		changed = map[string]string{}
	}
	for name, value := range changes {
		if value == nil {
			delete(changed, name)
		} else {
			changed[name] = *value
		}
	}
	return changed
}

// describeUpdates lists what differs, as the contract's events do.
func (s *Service) describeUpdates(before, after estate.Tenant) (updates []map[string]any) {
	differ := func(property string, was, is any) {
		if !reflect.DeepEqual(was, is) {
			updates = append(updates, map[string]any{"property": property, "oldValue": was, "newValue": is})
		}
	}
	differ("name", before.Name, after.Name)
	differ("hostnames", s.hostnames(before), s.hostnames(after))
	for _, path := range slices.Sorted(maps.Keys(switches)) {
		differ(path[1:], *switches[path](&before), *switches[path](&after))
	}
	if !maps.Equal(before.Labels, after.Labels) {
		differ("labels", relabelled(before.Labels, nil), relabelled(after.Labels, nil))
	}
	return updates
}

// problems are what is wrong with a patch, by the path that it is wrong with.
type problems struct {
	paths []string
	metas map[string][]api.PatchErrorMeta
}

func (p *problems) add(path string, kind *estate.Error, title string) {
	if p.metas == nil {
		p.metas = map[string][]api.PatchErrorMeta{}
	}
	if p.metas[path] == nil {
		p.paths = append(p.paths, path)
	}
	p.metas[path] = append(p.metas[path], api.PatchErrorMeta{Code: kind.Code, Title: title})
}

// err is the documented error: one entry a path, whose meta is an object or, where
// several things are wrong, an array of them.
func (p *problems) err() error {
	if len(p.paths) == 0 {
		return nil
	}
	e := errPatch("")
	for _, path := range p.paths {
		metas := p.metas[path]
		field := estate.Field{Pointer: path, Detail: metas[0].Title, Meta: metas[0]}
		if len(metas) > 1 {
			field.Meta = metas
		}
		e.Fields = append(e.Fields, field)
	}
	return e
}

// What can be wrong with a property.
var (
	patchOp    = estate.E(estate.Invalid, api.CodeTenantPatchOp, "Wrong operation", "")
	patchPath  = estate.E(estate.Invalid, api.CodeTenantPatchPath, "Wrong property", "")
	patchValue = estate.E(estate.Invalid, api.CodeTenantPatchValue, "Wrong value", "")
	patchAlias = estate.E(estate.Invalid, api.CodeTenantPatchAlias, "Wrong alias", "")
	patchTaken = estate.E(estate.Conflict, api.CodeTenantHostnameTaken, "Hostname already taken", "")
)

// aliasTaken turns the store's word for a host name that somebody took meanwhile
// into that of a patch.
func aliasTaken(err error) error {
	if estate.HasCode(err, api.CodeTenantHostnameTaken) {
		var found problems
		found.add(pathAlias, patchTaken, patchTaken.Title)
		return found.err()
	}
	return err
}

func errPatch(detail string) *estate.Error {
	return estate.E(estate.Invalid, api.CodeTenantPatch, "Invalid PATCH request", detail)
}
