package admin

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/console/frame"
	"github.com/freehold-platform/freehold/internal/console/ui"
	"github.com/freehold-platform/freehold/internal/directory"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/signin"
)

func (c *Console) settingsPages() []frame.Page {
	return []frame.Page{
		{Method: "GET", Path: settingsPath, ID: "admin.settings", Handle: c.settings},
		{Method: "POST", Path: settingsPath + "/sign-in", ID: "admin.settings.sign-in", Handle: c.signInSettings},
		{Method: "POST", Path: settingsPath + "/tenant", ID: "admin.settings.tenant", Handle: c.tenantSettings},
	}
}

// settingsView is the page of settings: two forms, each saved by itself.
type settingsView struct {
	SignIn form
	Tenant form
}

func (c *Console) settingsView(q *frame.Request) (v settingsView, err error) {
	sessions, err := c.SignIn.AuthSettings(q.Context(), q.Actor)
	if err != nil {
		return v, err
	}
	own, err := c.Directory.TenantSettings(q.Context(), q.Actor)
	if err != nil {
		return v, err
	}
	return settingsView{signInForm(sessions).editing(), tenantForm(own).editing()}, nil
}

func signInForm(s estate.AuthSettings) form {
	minutes := func(d time.Duration) string { return strconv.FormatInt(int64(d/time.Minute), 10) }
	return form{Action: settingsPath + "/sign-in", Do: "Save", Fields: []field{
		{ui.Field{Name: "idle", Label: "Minutes without a request after which people are signed out", Value: minutes(s.Idle), Type: "number", Min: "1"}, line},
		{ui.Field{Name: "lifespan", Label: "Minutes after which they are in any case", Value: minutes(s.Lifespan), Type: "number", Min: "60", Hint: "Whole hours: 60, 120 and so on."}, line},
		{ui.Field{Name: "register", Label: "Programs may register themselves as clients", Value: yes(s.Registration)}, check},
		{ui.Field{Name: "methods", Label: "Those show who they are by", Checked: s.RegistrationMethods, Options: []ui.Option{
			{Value: api.RegistrationMethodNone, Label: "nothing: they keep no secret, and people approve what they do"}, {Value: api.RegistrationMethodSecret, Label: "a secret"},
		}}, checks},
	}}
}

func tenantForm(s estate.TenantPreferences) form {
	var pages []ui.Option
	for _, p := range directory.StartPages() {
		pages = append(pages, ui.Option{Value: p.Value, Label: p.Value})
	}
	return form{Action: settingsPath + "/tenant", Do: "Save", Fields: []field{
		{ui.Field{Name: "start", Label: "Where people begin", Value: s.StartPage, Options: pages}, choice},
		{ui.Field{Name: "cadence", Label: "New releases", Value: s.ReleaseCadence, Options: []ui.Option{{Value: "continuous", Label: "as they come"}, {Value: "monthly", Label: "once a month"}}}, choice},
		{ui.Field{Name: "message", Label: "What people are told who may not use the tenant", Value: s.NoAccess.Message, Rows: 3}, text},
		{ui.Field{Name: "link", Label: "Show them a link", Value: yes(s.NoAccess.LinkEnabled)}, check},
		{ui.Field{Name: "linkLabel", Label: "Text of the link", Value: s.NoAccess.LinkLabel}, line},
		{ui.Field{Name: "linkUrl", Label: "Address of the link", Value: s.NoAccess.LinkURL, Hint: "Begins with https:, http: or mailto:."}, line},
		{ui.Field{Name: "replay", Label: "No session replay", Value: yes(s.NoSessionReplay)}, check},
		{ui.Field{Name: "cross", Label: "Data may be processed in other regions", Value: yes(s.CrossRegionProcessing)}, check},
	}}
}

func (c *Console) settings(q *frame.Request) error {
	v, err := c.settingsView(q)
	if err != nil {
		return err
	}
	return q.Render("Settings", settingsPage(v))
}

func (c *Console) signInSettings(q *frame.Request) error {
	v, err := c.settingsView(q)
	if err != nil {
		return err
	}
	if q.Overtaken(v.SignIn.Shown) {
		return q.Redirect(settingsPath)
	}
	fields := []string{"idle", "lifespan", "register", "methods"}
	_, err = c.SignIn.UpdateAuthSettings(q.Context(), q.Actor, []signin.PatchOperation{
		providerReplace("/userSessionInactivityTimeoutMinutes", number(q.Value("idle"))), providerReplace("/maxUserSessionLifespanMinutes", number(q.Value("lifespan"))),
		providerReplace("/dynamicClientRegistrationEnabled", q.Value("register") == "yes"), providerReplace("/dcrAllowedAuthenticationMethods", append([]string{}, q.Values("methods")...)),
	})
	if err != nil {
		problems, err := problemsOf(err, nil, fields...)
		if err != nil {
			return err
		}
		v.SignIn = v.SignIn.typed(q, problems)
		return q.Again("Settings", settingsPage(v))
	}
	q.Say("success", "Saved.")
	return q.Redirect(settingsPath)
}

// number is a number that was typed, or the text, which the service refuses.
func number(text string) any {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	return text
}

func (c *Console) tenantSettings(q *frame.Request) error {
	v, err := c.settingsView(q)
	if err != nil {
		return err
	}
	if q.Overtaken(v.Tenant.Shown) {
		return q.Redirect(settingsPath)
	}
	patch, err := json.Marshal([]api.JSONPatchOperation{
		{Op: "replace", Path: "/preferredStartPage", Value: q.Value("start")},
		{Op: "replace", Path: "/releaseCadence", Value: q.Value("cadence")},
		{Op: "replace", Path: "/customizeNoAccess", Value: map[string]any{
			"linkEnabled": q.Value("link") == "yes", "linkLabel": q.Value("linkLabel"), "linkUrl": q.Value("linkUrl"), "message": strings.ReplaceAll(q.Value("message"), "\r\n", "\n"),
		}},
		{Op: "replace", Path: "/sessionReplayOptOut", Value: q.Value("replay") == "yes"},
		{Op: "replace", Path: "/crossRegionDataProcessing", Value: q.Value("cross") == "yes"},
	})
	if err == nil {
		_, err = c.Directory.UpdateTenantSettings(q.Context(), q.Actor, patch)
	}
	if err != nil {
		problems, err := frame.Fields(err, nil)
		if err != nil {
			return err
		}
		v.Tenant = v.Tenant.typed(q, settingProblems(problems))
		return q.Again("Settings", settingsPage(v))
	}
	q.Say("success", "Saved.")
	return q.Redirect(settingsPath)
}

// settingProblems finds the field in what the service says: its errors begin with
// the name of the setting, and have no pointers.
func settingProblems(problems frame.FieldErrors) frame.FieldErrors {
	setting, detail, _ := strings.Cut(problems[""], " ")
	for name, field := range map[string]string{
		"preferredStartPage": "start", "releaseCadence": "cadence", "customizeNoAccess/linkLabel": "linkLabel",
		"customizeNoAccess/linkUrl": "linkUrl", "customizeNoAccess/message": "message",
	} {
		if setting == name {
			return frame.FieldErrors{field: detail}
		}
	}
	return problems
}
