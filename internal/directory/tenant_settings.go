package directory

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// StartPages are the pages where people can begin, the default first.
func StartPages() []api.StartPage {
	return []api.StartPage{
		{Route: "/insights", Value: "analytics-hub"},
		{Route: "/qdi", Value: "data-integration-hub"},
		{Route: "/console", Value: "management-console"},
		{Route: "/analytics", Value: "analytics-creation-hub"},
	}
}

var releaseCadences = []string{"monthly", "continuous"}

// TenantSettings returns those of the actor's tenant, which are dated from the
// tenant's creation if nobody has set any.
func (s *Service) TenantSettings(ctx context.Context, actor estate.Actor) (settings estate.TenantPreferences, err error) {
	if err := needs(actor, api.ScopeAdminClassic); err != nil {
		return settings, err
	}
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		settings, _, err = tenantSettings(ctx, tx, actor.Scope)
		return err
	})
	return settings, err
}

// tenantSettings tells also whether the settings are the tenant's own.
func tenantSettings(ctx context.Context, tx *store.Tx, scope estate.Scope) (estate.TenantPreferences, bool, error) {
	own, err := tx.TenantPreferences(ctx, scope)
	if err != nil {
		return estate.TenantPreferences{}, false, err
	}
	if own != nil {
		return *own, true, nil
	}
	tenant, err := tx.Tenant(ctx, scope, scope.Tenant)
	settings := estate.DefaultTenantPreferences()
	settings.CreatedAt, settings.UpdatedAt, settings.CreatedBy = tenant.CreatedAt, tenant.CreatedAt, tenant.CreatedBy
	return settings, false, err
}

// CreateTenantSettings gives the actor's tenant settings of its own. Some must be
// given; the others are as by default.
func (s *Service) CreateTenantSettings(ctx context.Context, actor estate.Actor, in api.CreateTenantSettingsRequest) (estate.TenantPreferences, error) {
	return s.setTenantSettings(ctx, actor, "tenant-settings.create", func(settings *estate.TenantPreferences, own bool) error {
		switch {
		case own:
			return errTenantSettingsExist
		case in.PreferredStartPage == "" && in.CustomizeNoAccess == nil:
			return badSetting("", "preferredStartPage or customizeNoAccess must be given")
		}
		document := tenantSettingsDocument(*settings)
		if in.PreferredStartPage != "" {
			document["preferredStartPage"] = in.PreferredStartPage
		}
		if in.CustomizeNoAccess != nil {
			document["customizeNoAccess"] = in.CustomizeNoAccess
		}
		text, err := json.Marshal(document)
		if err != nil {
			return err
		}
		settings.CreatedAt, settings.CreatedBy = s.now(), by(actor)
		return readTenantSettings(text, settings)
	})
}

// UpdateTenantSettings changes those of the actor's tenant by a JSON Patch (RFC
// 6902): all of it or, after an error, nothing.
func (s *Service) UpdateTenantSettings(ctx context.Context, actor estate.Actor, patch []byte) (estate.TenantPreferences, error) {
	return s.setTenantSettings(ctx, actor, "tenant-settings.update", func(settings *estate.TenantPreferences, own bool) error {
		text, err := json.Marshal(tenantSettingsDocument(*settings))
		if err != nil {
			return err
		}
		if text, err = applyJSONPatch(text, patch); err != nil {
			return err
		}
		if !own {
			settings.CreatedAt, settings.CreatedBy = s.now(), by(actor)
		}
		return readTenantSettings(text, settings)
	})
}

// setTenantSettings changes the settings of the actor's tenant by fn, which is told
// whether they are the tenant's own.
func (s *Service) setTenantSettings(ctx context.Context, actor estate.Actor, action string, fn func(settings *estate.TenantPreferences, own bool) error) (settings estate.TenantPreferences, err error) {
	target := string(actor.Scope.Tenant)
	defer s.audit.Refused(ctx, actor, action, target, &err)
	if err := needs(actor, api.ScopeAdminClassic); err != nil {
		return settings, err
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.LockDirectory(ctx, actor.Scope); err != nil {
			return err
		}
		var own bool
		if settings, own, err = tenantSettings(ctx, tx, actor.Scope); err != nil {
			return err
		}
		before := tenantSettingsMembers(settings)
		if err := fn(&settings, own); err != nil {
			return err
		}
		changed := updates(before, tenantSettingsMembers(settings))
		if own && len(changed) == 0 {
			return nil
		}
		settings.UpdatedAt, settings.UpdatedBy = s.now(), by(actor)
		if err := tx.SetTenantPreferences(ctx, actor.Scope, settings); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, actor.Scope, action, target, withUpdates(map[string]any{}, changed))
	})
	return settings, err
}

// DeleteTenantSettings makes the settings of the actor's tenant those by default.
func (s *Service) DeleteTenantSettings(ctx context.Context, actor estate.Actor) (err error) {
	const action = "tenant-settings.delete"
	target := string(actor.Scope.Tenant)
	defer s.audit.Refused(ctx, actor, action, target, &err)
	if err := needs(actor, api.ScopeAdminClassic); err != nil {
		return err
	}
	return s.store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.DeleteTenantPreferences(ctx, actor.Scope); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, actor.Scope, action, target, nil)
	})
}

// WireTenantSettings are settings as they are shown.
func WireTenantSettings(p estate.TenantPreferences, tenant estate.TenantID) api.TenantSettings {
	return api.TenantSettings{
		ID: string(tenant), TenantID: string(tenant), PreferredStartPage: startPage(p.StartPage), CustomizeNoAccess: api.CustomizeNoAccess(p.NoAccess),
		ReleaseCadence: p.ReleaseCadence, SessionReplayOptOut: p.NoSessionReplay, CrossRegionDataProcessing: p.CrossRegionProcessing,
		CreatedAt: api.Time{Time: p.CreatedAt}, CreatedBy: p.CreatedBy, UpdatedAt: api.Time{Time: p.UpdatedAt}, UpdatedBy: p.UpdatedBy,
	}
}

func startPage(value string) api.StartPage {
	pages := StartPages()
	return pages[max(0, slices.IndexFunc(pages, func(p api.StartPage) bool { return p.Value == value }))]
}

// tenantSettingsDocument is what a patch is applied to: what can be changed, as it
// is shown, with the texts that are empty, so that they can be replaced.
func tenantSettingsDocument(p estate.TenantPreferences) map[string]any {
	n := p.NoAccess
	return map[string]any{
		"preferredStartPage": startPage(p.StartPage), "releaseCadence": p.ReleaseCadence,
		"customizeNoAccess":   map[string]any{"linkEnabled": n.LinkEnabled, "linkLabel": n.LinkLabel, "linkUrl": n.LinkURL, "message": n.Message},
		"sessionReplayOptOut": p.NoSessionReplay, "crossRegionDataProcessing": p.CrossRegionProcessing,
	}
}

func tenantSettingsMembers(p estate.TenantPreferences) map[string]any {
	members := map[string]any{}
	for name, value := range tenantSettingsDocument(p) {
		members["/"+name] = value
	}
	return members
}

// Limits of texts of settings.
const (
	maxLinkLabel = 256
	maxLinkURL   = 2048
	maxMessage   = 2048
)

// readTenantSettings sets what a document says; what it lacks is as by default.
func readTenantSettings(document []byte, p *estate.TenantPreferences) error {
	members, err := exactMembers(document, "", "preferredStartPage", "customizeNoAccess", "releaseCadence", "sessionReplayOptOut", "crossRegionDataProcessing")
	if err != nil {
		return err
	}
	fresh := estate.DefaultTenantPreferences()
	if raw, ok := members["preferredStartPage"]; ok {
		if fresh.StartPage, err = readStartPage(raw); err != nil {
			return err
		}
	}
	if raw, ok := members["releaseCadence"]; ok {
		if json.Unmarshal(raw, &fresh.ReleaseCadence) != nil || !slices.Contains(releaseCadences, fresh.ReleaseCadence) {
			return badSetting("/releaseCadence", "must be "+strings.Join(releaseCadences, " or "))
		}
	}
	if raw, ok := members["customizeNoAccess"]; ok {
		if fresh.NoAccess, err = readNoAccess(raw); err != nil {
			return err
		}
	}
	for name, into := range map[string]*bool{"sessionReplayOptOut": &fresh.NoSessionReplay, "crossRegionDataProcessing": &fresh.CrossRegionProcessing} {
		if err := readMember(members, "", name, into, "true or false"); err != nil {
			return err
		}
	}
	fresh.CreatedAt, fresh.CreatedBy, fresh.UpdatedAt, fresh.UpdatedBy = p.CreatedAt, p.CreatedBy, p.UpdatedAt, p.UpdatedBy
	*p = fresh
	return nil
}

// readStartPage takes the value alone, as settings are created with, or with its
// route, as they are shown.
func readStartPage(raw json.RawMessage) (value string, err error) {
	if json.Unmarshal(raw, &value) != nil {
		members, err := exactMembers(raw, "/preferredStartPage", "value", "route")
		if err != nil {
			return "", err
		}
		raw = members["value"]
	}
	var names []string
	for _, p := range StartPages() {
		names = append(names, p.Value)
	}
	if json.Unmarshal(raw, &value) != nil || !slices.Contains(names, value) {
		return "", badSetting("/preferredStartPage", "must be one of "+strings.Join(names, ", "))
	}
	return value, nil
}

func readNoAccess(raw json.RawMessage) (n estate.NoAccess, err error) {
	const at = "/customizeNoAccess"
	members, err := exactMembers(raw, at, "linkEnabled", "linkLabel", "linkUrl", "message")
	if err != nil {
		return n, err
	}
	if _, ok := members["linkEnabled"]; !ok {
		return n, badSetting(at+"/linkEnabled", "is missing")
	}
	if err := readMember(members, at, "linkEnabled", &n.LinkEnabled, "true or false"); err != nil {
		return n, err
	}
	for _, m := range []struct {
		name string
		into *string
		most int
	}{{"linkLabel", &n.LinkLabel, maxLinkLabel}, {"linkUrl", &n.LinkURL, maxLinkURL}, {"message", &n.Message, maxMessage}} {
		if err := readMember(members, at, m.name, m.into, "a string"); err != nil {
			return n, err
		}
		if problem := checkText(strings.ReplaceAll(*m.into, "\n", ""), 0, m.most); problem != "" {
			return n, badSetting(at+"/"+m.name, problem)
		}
	}
	link, err := url.Parse(n.LinkURL)
	if n.LinkURL == "" && !n.LinkEnabled {
		return n, nil
	}
	if err != nil || link.Scheme != "https" && link.Scheme != "http" && link.Scheme != "mailto" || link.Scheme != "mailto" && link.Host == "" {
		return n, badSetting(at+"/linkUrl", "must be a URL that begins with https:, http: or mailto:")
	}
	return n, nil
}

// exactMembers reads an object that has none but the members named, in exactly this
// spelling, and none that is null.
func exactMembers(raw json.RawMessage, at string, names ...string) (map[string]json.RawMessage, error) {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil || members == nil {
		return nil, badSetting(at, "must be an object")
	}
	for name, value := range members {
		switch {
		case !slices.Contains(names, name):
			return nil, badSetting(at, fmt.Sprintf("can't have %s; what it can have is %s", quoted(name), strings.Join(names, ", ")))
		case string(value) == "null":
			return nil, badSetting(at+"/"+name, "must not be null; remove it to have what is so by default")
		}
	}
	return members, nil
}

func readMember(members map[string]json.RawMessage, at, name string, into any, what string) error {
	if raw, ok := members[name]; ok && json.Unmarshal(raw, into) != nil {
		return badSetting(at+"/"+name, "must be "+what)
	}
	return nil
}

// badSetting names the setting: the value of a patch that is wrong may have been
// put there by several operations.
func badSetting(setting, detail string) error {
	return estate.E(estate.Invalid, api.CodeTenantSettingsInvalid, errTenantSettings.Title, strings.TrimSpace(strings.TrimPrefix(setting, "/")+" "+detail))
}

var (
	errTenantSettings      = estate.E(estate.Invalid, api.CodeTenantSettingsInvalid, "Invalid tenant settings", "")
	errTenantSettingsTest  = estate.E(estate.Conflict, api.CodeTenantSettingsTest, "Test failed", "A test of the patch does not hold, and nothing was changed.")
	errTenantSettingsExist = estate.E(estate.Conflict, api.CodeTenantSettingsExist, "Already exists", "The tenant has settings of its own. Change them by a patch.")
)
