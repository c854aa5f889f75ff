package admin

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/internal/console/frame"
	"github.com/freehold-platform/freehold/internal/console/ui"
	"github.com/freehold-platform/freehold/internal/estate"
)

// kind is how a field of a form is shown.
type kind uint8

const (
	line   kind = iota // of text
	text               // of several lines
	choice             // one of a list
	checks             // any of several
	radios             // one of several
	check              // yes or no
)

// field is a field of a form.
type field struct {
	ui.Field
	Kind kind
}

// form is a page with one form.
type form struct {
	Title  string
	Crumbs []ui.NavItem
	Note   string // above the fields
	Action string
	Cancel string
	Do     string // on the button
	Fields []field

	Problem string // with the form as a whole
	Shown   string // of what is changed by it; see frame.Shown
}

// editing is f as a form that changes something: what it shows of it goes along, so that
// nothing is undone which somebody else has changed meanwhile.
func (f form) editing() form {
	shown := make([]any, 0, len(f.Fields))
	for _, at := range f.Fields {
		shown = append(shown, at.Name, at.Value, slices.Sorted(slices.Values(at.Checked)))
	}
	f.Shown = frame.Shown(shown...)
	return f
}

// again shows the form with what was typed, and what is wrong with it.
func (f form) again(q *frame.Request, problems frame.FieldErrors) error {
	return q.Again(f.Title, formPage(f.typed(q, problems)))
}

func (f form) typed(q *frame.Request, problems frame.FieldErrors) form {
	f.Problem = problems[""]
	for i := range f.Fields {
		at := &f.Fields[i]
		at.Error = problems[at.Name]
		switch {
		case at.Kind == checks:
			at.Checked = q.Values(at.Name)
		case at.Type == "password": // is not written into pages
			at.Value = ""
		default:
			at.Value = q.FormValue(at.Name)
		}
	}
	return f
}

// refused shows the form again with what a service says is wrong with it: names
// leads from pointers to fields, and patch names the fields that the operations
// of a patch are of. An error that the form can't mend is returned.
func (f form) refused(q *frame.Request, err error, names map[string]string, patch ...string) error {
	problems, err := problemsOf(err, names, patch...)
	if err != nil {
		return err
	}
	return f.again(q, problems)
}

func problemsOf(err error, names map[string]string, patch ...string) (frame.FieldErrors, error) {
	all := map[string]string{}
	maps.Copy(all, names)
	for _, f := range frame.Known(err).Fields {
		first, _, _ := strings.Cut(strings.TrimPrefix(f.Pointer, "/"), "/")
		if i, err := strconv.Atoi(first); err == nil && i < len(patch) {
			all[f.Pointer] = patch[i]
			continue
		}
		for pointer, name := range names {
			if _, known := all[f.Pointer]; !known && strings.HasPrefix(f.Pointer, pointer+"/") {
				all[f.Pointer] = name
			}
		}
	}
	return frame.Fields(err, all)
}

// cell is what stands at a place of a table or of a list of facts.
type cell struct {
	Text  string
	Href  string
	Badge string // colour; "-": a badge without one
	Mono  bool
	Copy  string // label of a button that copies the text
	At    time.Time
	Post  *post
}

// post is a button that does something.
type post struct {
	Action string
	Label  string
	About  string // for assistive technology, if the label says it to the eye only
	Name   string // of a value that goes along
	Value  string
}

func plain(s string) cell       { return cell{Text: s} }
func mono(s string) cell        { return cell{Text: s, Mono: true} }
func at(t time.Time) cell       { return cell{At: t} }
func badge(kind, s string) cell { return cell{Text: s, Badge: kind} }

// fact is a row of a list of facts.
type fact struct {
	Label string
	Cells []cell
}

// facts leaves out the texts that are empty.
func facts(all ...fact) (shown []fact) {
	for _, f := range all {
		if c := f.Cells; len(c) != 1 || c[0].Text != "" || !c[0].At.IsZero() {
			shown = append(shown, f)
		}
	}
	return shown
}

func is(label string, cells ...cell) fact { return fact{label, cells} }

// action is a button of a page: a link, one that opens a dialog, or a form.
type action struct {
	Label   string
	Href    string
	Dialog  bool
	Primary bool
	Post    *post
}

// detail is the head of a page about one thing, with facts.
type detail struct {
	Title   string
	Crumbs  []ui.NavItem
	Actions []action
	Facts   []fact
}

// table is a table with its label. Without rows it says Empty.
type table struct {
	Label   string
	Columns []ui.Column
	Rows    [][]cell
	Empty   string
}

func columns(labels ...string) (all []ui.Column) {
	for _, label := range labels {
		c := ui.Column{Label: label}
		if label == "" {
			c = ui.Column{Label: "Actions", Hidden: true}
		}
		all = append(all, c)
	}
	return all
}

// list is a page with a list: filters, rows, pages.
type list struct {
	Title    string
	Note     string
	Actions  []action
	Path     string
	Filters  []field
	Filtered bool // by any of them
	Table    table
	Nothing  string // what an empty list says below its title
	First    string
	Next     string
	Count    string
}

// paged completes a list by its place in the address. total is -1 if nobody
// counted.
func (l list) paged(q *frame.Request, next string, total int64, one, many string) list {
	l.Path = q.URL.Path
	for i := range l.Filters {
		l.Filters[i].Value = q.Value(l.Filters[i].Name)
		l.Filtered = l.Filtered || l.Filters[i].Value != ""
	}
	if q.Value("next") != "" {
		l.First = ui.Query(l.Path, q.URL.Query(), "next", "")
	}
	if next != "" {
		l.Next = ui.Query(l.Path, q.URL.Query(), "next", next)
	}
	where := ""
	if total < 0 {
		total, where = int64(len(l.Table.Rows)), " on this page"
	}
	l.Count = ui.Number(total) + " " + many + where
	if total == 1 {
		l.Count = "1 " + one + where
	}
	return l
}

// removal asks for a name before something is removed.
func removal(what, name, path, cancel string) ui.Confirmation {
	return ui.Confirmation{Title: "Delete " + name + "?", Action: path + "/delete", Cancel: cancel, Do: "Delete " + what, What: "the " + what + "'s name", Word: name}
}

// confirmed does what was confirmed, or asks again.
func confirmed(q *frame.Request, c ui.Confirmation, warning string, do func() error, after, said string) error {
	if c.Typed = q.Value("confirm"); c.Typed != c.Word {
		c.Error = "This is not " + c.What + "."
		return q.Again(c.Title, removePage(c, warning))
	}
	if err := do(); err != nil {
		problems, err := frame.Fields(err, nil)
		if err != nil {
			return err
		}
		c.Form = problems[""]
		return q.Again(c.Title, removePage(c, warning))
	}
	q.Say("success", said)
	return q.Redirect(after)
}

// said leads on after something was done, or tells why it could not be.
func said(q *frame.Request, err error, done, to string) error {
	if err != nil {
		e := frame.Known(err)
		switch e.Kind {
		case estate.Conflict, estate.Precondition, estate.Invalid, estate.Unprocessable:
			problems, _ := frame.Fields(err, nil)
			q.Say("warning", problems[""])
			return q.Redirect(to)
		}
		return err
	}
	q.Say("success", done)
	return q.Redirect(to)
}

func yes(on bool) string {
	if on {
		return "yes"
	}
	return "no"
}

// crumb is the way back to a list.
func crumb(label, href string) []ui.NavItem { return []ui.NavItem{{Label: label, Href: href}} }
