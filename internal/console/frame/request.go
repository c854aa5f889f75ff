package frame

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/freehold-platform/freehold/internal/console/ui"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/visit"
)

// Request is a request for a page, and how it is answered. Its Visit says who
// asks where.
type Request struct {
	*http.Request
	*visit.Visit
	W http.ResponseWriter

	frame   *Frame
	site    *site
	asset   func(string) string
	message *ui.Message
}

// Now is the present.
func (q *Request) Now() time.Time { return q.frame.now() }

// Value is what was typed into a field of the form that was sent, or the
// parameter of the address, without the spaces around it.
func (q *Request) Value(name string) string { return strings.TrimSpace(q.FormValue(name)) }

// Values are all values of a field.
func (q *Request) Values(name string) []string {
	_ = q.Request.ParseForm() // done before for forms; of an address, what can't be read is not there
	return q.Request.Form[name]
}

// Render answers with a page in the shell with the navigation. Scripts are
// assets that this page needs besides those of all pages.
func (q *Request) Render(title string, body templ.Component, scripts ...string) error {
	q.write(http.StatusOK, title, ui.App(scripts...), body)
	return nil
}

// Again shows a form again that could not be accepted, with what was typed and
// what is wrong.
func (q *Request) Again(title string, body templ.Component, scripts ...string) error {
	q.write(http.StatusUnprocessableEntity, title, ui.App(scripts...), body)
	return nil
}

// RenderNarrow answers with a page in the shell without navigation.
func (q *Request) RenderNarrow(status int, title string, body templ.Component, scripts ...string) error {
	q.write(status, title, ui.Narrow(false, scripts...), body)
	return nil
}

// AllowFormsTo lets the forms of this page lead to where uri is too, by redirects:
// an origin, or a program that has a scheme of its own.
func (q *Request) AllowFormsTo(uri string) {
	if source := formSource(uri); source != "" {
		q.security([]string{source})
	}
}

var plainHost = regexp.MustCompile(`^[A-Za-z0-9.-]+(:[0-9]+)?$`)

// formSource is what the content security policy calls where uri is; empty: no form
// may lead there.
func formSource(uri string) string {
	u, err := url.Parse(uri)
	if err != nil {
		return ""
	}
	switch u.Scheme {
	case "", "javascript", "data", "blob", "vbscript", "file":
		return ""
	case "http", "https":
		if !plainHost.MatchString(u.Host) {
			return ""
		}
		return u.Scheme + "://" + u.Host
	}
	return u.Scheme + ":"
}

// Leave makes the rest of the answer one to nobody: its session has just ended.
func (q *Request) Leave() { q.Actor = estate.Actor{} }

// Redirect sends the browser on after something was done; GET shows what came of
// it. Path is one of this host.
func (q *Request) Redirect(path string) error {
	http.Redirect(q.W, q.Request, Local(path), http.StatusSeeOther)
	return nil
}

// Local is path if it leads to this host, and the start page if not.
func Local(path string) string {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n\t") {
		return "/"
	}
	return path
}

// Say tells something at the top of the next page: "success", "warning", "error"
// or "info".
func (q *Request) Say(kind, text string) { q.Pass("message", ui.Message{Kind: kind, Text: text}) }

// ShownField is the hidden field of a form that changes something: what the page showed
// of that, as Shown has it.
const ShownField = "shown"

// Shown stands for what a page shows of something that a form on it changes.
func Shown(what ...any) string {
	text, _ := json.Marshal(what) // texts and lists of them
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// Overtaken tells whether somebody has changed what a form changes since its page was
// made: now is what Shown makes of it today. Saving the form would undo that. The next
// page says so.
func (q *Request) Overtaken(now string) bool {
	was := q.FormValue(ShownField)
	if was == "" || was == now { // without the field, it is no form of a page
		return false
	}
	q.Say("warning", "Somebody has changed this since you opened the page, so nothing was saved. Look at it, and change it again.")
	return true
}

// passFor is how long something waits to be taken.
const passFor = 5 * time.Minute

type passed struct {
	Until time.Time       `json:"until"`
	Value json.RawMessage `json:"value"`
}

// Pass hands value on to the next page that takes it, through a cookie that only
// servers of this estate can read. It is how a secret that was just made gets
// shown once.
func (q *Request) Pass(name string, value any) {
	encoded, err := json.Marshal(value)
	if err == nil {
		encoded, err = json.Marshal(passed{Until: q.Now().Add(passFor), Value: encoded})
	}
	var sealed []byte
	if err == nil {
		sealed, err = q.frame.keys.Seal(passPurpose, q.sealID(name), encoded)
	}
	if err != nil {
		q.Visit.Err = err
		return
	}
	http.SetCookie(q.W, q.cookie("pass."+name, base64.RawURLEncoding.EncodeToString(sealed), int(passFor.Seconds())))
}

const passPurpose = "page hand-over"

// sealID binds what browsers carry to who is signed in where.
func (q *Request) sealID(name string) string {
	return name + "\x00" + q.Surface.Origin + "\x00" + string(q.Actor.Kind) + "\x00" + q.Actor.ID
}

// Take takes what was passed on under name, once.
func (q *Request) Take(name string, into any) bool {
	c, err := q.Cookie("pass." + name)
	if err != nil {
		return false
	}
	http.SetCookie(q.W, q.cookie("pass."+name, "", -1))
	sealed, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil {
		return false
	}
	plain, err := q.frame.keys.Open(passPurpose, q.sealID(name), sealed)
	if err != nil {
		return false
	}
	var p passed
	return json.Unmarshal(plain, &p) == nil && q.Now().Before(p.Until) && json.Unmarshal(p.Value, into) == nil
}

func (q *Request) cookie(name, value string, maxAge int) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // Secure wherever the server is reached by https
		Name: name, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true,
		Secure: strings.HasPrefix(q.Surface.Origin, "https:"), SameSite: http.SameSiteLaxMode,
	}
}

// chrome is what stands around the page.
func (q *Request) chrome(title string) *ui.Chrome {
	c := &ui.Chrome{
		Title: title, Path: q.URL.RequestURI(), Asset: q.asset, Now: q.Now(),
		Token: func() string { return q.mint() },
	}
	if q.Method != http.MethodGet {
		c.Path = "/"
		if from, err := url.Parse(q.Referer()); err == nil {
			c.Path = from.RequestURI()
		}
	}
	if theme, err := q.Cookie(themeCookie); err == nil && (theme.Value == "light" || theme.Value == "dark") {
		c.Theme = theme.Value
	}
	if q.site.Place != nil {
		c.Place = q.site.Place(q)
	}
	if q.message == nil {
		var m ui.Message
		if q.Take("message", &m) {
			q.message = &m
		}
	}
	c.Message = q.message
	if q.Actor.Kind == "" {
		return c
	}
	c.SignOut, c.Account = q.site.SignOut, q.site.Account
	if q.site.Person != nil {
		c.Person = q.site.Person(q)
	}
	if q.site.Nav != nil {
		c.Nav = q.site.Nav(q)
		for _, group := range c.Nav {
			for i, item := range group.Items {
				group.Items[i].Here = q.URL.Path == item.Href || item.Href != "/" && strings.HasPrefix(q.URL.Path, item.Href+"/")
			}
		}
	}
	return c
}

const (
	themePath   = "/-/theme"
	themeCookie = "theme"
)

// setTheme is the toggle where no script runs.
func setTheme(q *Request) error {
	if theme := q.Value("theme"); theme == "light" || theme == "dark" {
		c := q.cookie(themeCookie, theme, int((365 * 24 * time.Hour).Seconds())) //nolint:gosec // see cookie
		c.HttpOnly = false                                                       // the toggle sets it too
		http.SetCookie(q.W, c)
	}
	return q.Redirect(q.Value("to"))
}

// FieldErrors are what is wrong with the fields of a form, by their names. What
// belongs to none of them is under the empty name.
type FieldErrors map[string]string

// Fields tells what a service refused by the names of a form's fields: names
// leads from pointers and parameters to them, and what it doesn't name is said of
// the form as a whole. Errors that a form can't mend come back as they are.
func Fields(err error, names map[string]string) (FieldErrors, error) {
	e := Known(err)
	switch e.Kind {
	case estate.Invalid, estate.Conflict, estate.Precondition, estate.Unprocessable, estate.RateLimited, estate.Forbidden:
	default:
		return nil, err
	}
	found := FieldErrors{}
	for _, f := range e.Fields {
		at := f.Pointer
		if at == "" {
			at = f.Parameter
		}
		name, ok := names[at]
		text := f.Detail
		if !ok {
			text = e.Title + ": " + f.Detail
		}
		if text == "" {
			text = e.Title
		}
		found[name] = text
	}
	if len(found) == 0 {
		found[""] = e.Title
		if e.Detail != "" {
			found[""] = e.Detail
		}
	}
	return found, nil
}

// FieldsBelow is Fields where everything below a pointer is of one field.
func FieldsBelow(err error, names map[string]string, below, field string) (FieldErrors, error) {
	all := maps.Clone(names)
	for _, f := range Known(err).Fields {
		if strings.HasPrefix(f.Pointer, below) {
			all[f.Pointer] = field
		}
	}
	return Fields(err, all)
}
