// Package approve is the pages on which people let programs act for them: the
// consent page, and the one where the code of a device is typed.
package approve

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/console/frame"
	"github.com/freehold-platform/freehold/internal/console/ui"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/signin"
)

// Pages are the pages of one surface. Name is how who is signed in is called.
type Pages struct {
	Credential *credential.Service
	Name       func(*frame.Request) string
}

// Tenant are the pages of tenant hosts.
func (p Pages) Tenant() []frame.Page {
	return append([]frame.Page{
		{Method: http.MethodGet, Path: api.ConsentPath, ID: "consent", Handle: p.consent},
		{Method: http.MethodPost, Path: api.ConsentPath, ID: "consent.decide", Handle: p.decideConsent},
	}, p.Console()...)
}

// Console are the pages of the console host.
func (p Pages) Console() []frame.Page {
	return []frame.Page{
		{Method: http.MethodGet, Path: api.DevicePath, ID: "device", Handle: p.device},
		{Method: http.MethodPost, Path: api.DevicePath, ID: "device.decide", Handle: p.decideDevice},
		{Method: http.MethodGet, Path: api.DevicePath + "/done", ID: "device.done", Handle: done},
		{Method: http.MethodGet, Path: programsPath, ID: "programs", Handle: p.programs},
		{Method: http.MethodPost, Path: programsPath + "/{id}/withdraw", ID: "program.withdraw", Handle: p.withdraw},
	}
}

// programsPath is where people see which programs act for them.
const programsPath = signin.AccountPath + "/programs"

func (p Pages) programs(q *frame.Request) error {
	all, err := p.Credential.Approvals(q.Context(), q.Actor)
	if err != nil {
		return err
	}
	return q.Render("Programs that act for you", programs(all))
}

func (p Pages) withdraw(q *frame.Request) error {
	err := p.Credential.WithdrawApproval(q.Context(), q.Actor, q.PathValue("id"))
	switch {
	case estate.HasKind(err, estate.NotFound):
		q.Say("info", "It had ended already.")
	case err != nil:
		return err
	default:
		q.Say("success", "It is taken back. The program can't act for you any more.")
	}
	return q.Redirect(programsPath)
}

// question is what a page asks.
type question struct {
	Client  string
	Home    string
	Person  string
	Place   string
	To      string
	Connect bool
	Scopes  []ui.Option
	Checked []string
	Error   string
	Action  string
	Code    string
}

func person(q *frame.Request) credential.Person {
	return credential.Person{Actor: q.Actor, AuthenticatedAt: q.Session.CreatedAt}
}

func (p Pages) ask(q *frame.Request, about credential.Question) question {
	v := question{Client: about.Client.Name, Home: about.Client.URI, Connect: about.Connect, Person: p.Name(q), Place: strings.TrimPrefix(strings.TrimPrefix(q.Surface.Origin, "https://"), "http://")}
	for _, name := range about.Scopes {
		v.Scopes = append(v.Scopes, ui.Option{Value: name, Label: describe(name)})
	}
	v.Checked = about.Scopes
	return v
}

// consent shows what a program asks for.
func (p Pages) consent(q *frame.Request) error {
	return p.showConsent(q, http.StatusOK, "")
}

func (p Pages) showConsent(q *frame.Request, status int, problem string) error {
	query := q.URL.Query()
	about, next, err := p.Credential.Consent(q.Context(), q.Surface, query, person(q))
	if err != nil {
		return err
	}
	if about == nil {
		http.Redirect(q.W, q.Request, next, http.StatusSeeOther)
		return nil
	}
	v := p.ask(q, *about)
	v.Action, v.Error = api.ConsentPath+"?"+query.Encode(), problem
	if to, err := url.Parse(query.Get("redirect_uri")); err == nil && to.Host != "" {
		v.To = to.Scheme + "://" + to.Host
	}
	q.AllowFormsTo(query.Get("redirect_uri")) // where the answer to the form leads
	return q.RenderNarrow(status, "Let "+v.Client+" act for you?", consent(v))
}

// decideConsent takes the answer of the person back to the program.
func (p Pages) decideConsent(q *frame.Request) error {
	query, scopes := q.URL.Query(), q.PostForm["scope"]
	if q.Value("deny") != "" {
		next, err := p.Credential.Deny(q.Context(), q.Surface, query, person(q))
		return leave(q, next, err)
	}
	if len(scopes) == 0 {
		return p.showConsent(q, http.StatusUnprocessableEntity, "Choose at least one, or refuse.")
	}
	next, err := p.Credential.Approve(q.Context(), q.Surface, query, person(q), scopes)
	return leave(q, next, err)
}

// leave sends the browser to where the credential service says, which may be
// another origin: that of the program.
func leave(q *frame.Request, to string, err error) error {
	if err == nil {
		http.Redirect(q.W, q.Request, to, http.StatusSeeOther)
	}
	return err
}

// device asks for the code of a device, and then about the device.
func (p Pages) device(q *frame.Request) error {
	typed := q.Value("user_code")
	if typed == "" {
		return q.RenderNarrow(http.StatusOK, "Connect a device", code("", ""))
	}
	about, err := p.Credential.DeviceQuestion(q.Context(), q.Surface, person(q), typed)
	if err != nil {
		return wrongCode(q, typed, err)
	}
	v := p.ask(q, about)
	v.Code = typed
	return q.RenderNarrow(http.StatusOK, "Let "+v.Client+" act for you?", device(v))
}

func (p Pages) decideDevice(q *frame.Request) error {
	approve := q.Value("deny") == ""
	if _, err := p.Credential.DecideDevice(q.Context(), q.Surface, person(q), q.Value("user_code"), approve); err != nil {
		return wrongCode(q, q.Value("user_code"), err)
	}
	if approve {
		return q.Redirect(api.DevicePath + "/done?approved=yes")
	}
	return q.Redirect(api.DevicePath + "/done")
}

func done(q *frame.Request) error {
	approved := q.Value("approved") != ""
	title := "Refused"
	if approved {
		title = "Approved"
	}
	return q.RenderNarrow(http.StatusOK, title, decided(approved))
}

// wrongCode asks for the code again, beside what is wrong with it.
func wrongCode(q *frame.Request, typed string, err error) error {
	e := frame.Known(err)
	if e.Kind != estate.NotFound && e.Kind != estate.RateLimited {
		return err
	}
	return q.RenderNarrow(http.StatusUnprocessableEntity, "Connect a device", code(typed, e.Detail))
}

// describe says what a scope lets a program do.
func describe(scope string) string {
	switch scope {
	case api.ScopeUserDefault:
		return "Use your account and what is yours, as you can"
	case api.ScopeAdminClassic:
		return "Administer, where you are an administrator"
	case api.ScopeOfflineAccess:
		return "Go on while you are away, for thirty days after its last use"
	}
	action := "Read and manage"
	name := scope
	if at := strings.IndexByte(scope, ':'); at >= 0 {
		name = scope[:at]
		switch verb := scope[at+1:]; verb {
		case "read":
			action = "Read"
		default:
			return scope
		}
	}
	name = strings.NewReplacer("-", " ", ".", " ", "cloud-console.", "").Replace(name)
	return action + " " + name
}
