package org

import (
	"net/url"
	"strings"

	"github.com/freehold-platform/freehold/internal/console/frame"
	"github.com/freehold-platform/freehold/internal/console/ui"
	"github.com/freehold-platform/freehold/internal/estate"
)

// viewLists are the lists whose views can be kept under a name, with their paths.
var viewLists = map[string]string{"tenants": "/tenants", "clients": oauthPath}

func (c *Console) viewPages() []frame.Page {
	const all = "/views/{list}"
	return []frame.Page{
		{Method: "GET", Path: all + "/new", ID: "view.ask-save", Handle: c.askSaveView},
		{Method: "POST", Path: all + "/new", ID: "view.save", Handle: c.saveView},
		{Method: "GET", Path: all + "/{view}/rename", ID: "view.ask-rename", Handle: c.askRenameView},
		{Method: "POST", Path: all + "/{view}/rename", ID: "view.rename", Handle: c.renameView},
		{Method: "POST", Path: all + "/{view}/delete", ID: "view.delete", Handle: c.deleteView},
	}
}

// savedViews are the views of a list that the visitor keeps, as its page offers
// them.
type savedViews struct {
	List    string
	All     []estate.SavedView
	Current estate.SavedView // that is open; without an id: none
	Changed bool             // what is open is not as it is kept
	Link    string           // to what is open, for others
	query   string           // of what is open
}

// viewQuery is the part of a list's address that makes it a view: not the place in
// it, nor the name.
func viewQuery(query url.Values) string {
	kept := url.Values{}
	for name, values := range query {
		if name != "next" && name != "view" && len(values) > 0 && values[0] != "" {
			kept.Set(name, values[0])
		}
	}
	return kept.Encode()
}

// views reads what the visitor keeps of the list that is open.
func (c *Console) views(q *frame.Request, list string) (v savedViews, err error) {
	query := q.URL.Query()
	v.List, v.query = list, viewQuery(query)
	v.Link = ui.Query(q.Surface.Origin+viewLists[list], nil)
	if v.query != "" {
		v.Link += "?" + v.query
	}
	if v.All, err = c.Views.List(q.Context(), q.Actor, list); err != nil {
		return v, err
	}
	for _, one := range v.All {
		if string(one.ID) == query.Get("view") || v.Current.ID == "" && query.Get("view") == "" && one.Query == v.query && v.query != "" {
			v.Current, v.Changed = one, one.Query != v.query
		}
	}
	return v, nil
}

// href is where a view leads.
func (v savedViews) href(one estate.SavedView) string {
	query, _ := url.ParseQuery(one.Query) // it was one when it was kept
	return ui.Query(viewLists[v.List], query, "view", string(one.ID))
}

func (v savedViews) path(one estate.SavedView, rest string) string {
	return "/views/" + v.List + "/" + string(one.ID) + rest
}

// save is the address of the page that keeps what is open.
func (v savedViews) save() string {
	return ui.Query("/views/"+v.List+"/new", nil, "query", v.query, "name", v.Current.Name)
}

// viewForm asks for the name of a view.
type viewForm struct {
	Title, Action, Cancel, Do string
	Name, Query               string
	Note                      string
	Problems                  frame.FieldErrors
}

// listOf is the list that a page about views is of.
func listOf(q *frame.Request) (list, path string, err error) {
	list = q.PathValue("list")
	if path = viewLists[list]; path == "" {
		return "", "", errNoPage
	}
	return list, path, nil
}

func (c *Console) saveForm(q *frame.Request) (f viewForm, err error) {
	list, path, err := listOf(q)
	if err != nil {
		return f, err
	}
	query, err := url.ParseQuery(q.Value("query"))
	if err != nil {
		query = nil
	}
	f = viewForm{Title: "Save this view", Action: "/views/" + list + "/new", Cancel: ui.Query(path, query), Do: "Save view", Name: q.Value("name"), Query: viewQuery(query)}
	f.Note = "Keeps the search, filters, order and columns. A view of yours that has the name is replaced."
	return f, nil
}

func (c *Console) askSaveView(q *frame.Request) error {
	f, err := c.saveForm(q)
	if err != nil {
		return err
	}
	return q.Render(f.Title, viewFormPage(f))
}

func (c *Console) saveView(q *frame.Request) error {
	f, err := c.saveForm(q)
	if err != nil {
		return err
	}
	list, _, _ := listOf(q)
	made, err := c.Views.Save(q.Context(), q.Actor, list, f.Name, f.Query)
	if err != nil {
		if f.Problems, err = frame.Fields(err, map[string]string{"/name": "name"}); err != nil {
			return err
		}
		return q.Again(f.Title, viewFormPage(f))
	}
	q.Say("success", "The view "+made.Name+" is saved.")
	return q.Redirect(savedViews{List: list}.href(made))
}

func (c *Console) renameForm(q *frame.Request) (f viewForm, v estate.SavedView, err error) {
	list, _, err := listOf(q)
	if err != nil {
		return f, v, err
	}
	if v, err = c.Views.Get(q.Context(), q.Actor, list, estate.SavedViewID(q.PathValue("view"))); err != nil {
		return f, v, err
	}
	kept := savedViews{List: list}
	return viewForm{Title: "Rename " + v.Name, Action: kept.path(v, "/rename"), Cancel: kept.href(v), Do: "Rename", Name: v.Name}, v, nil
}

func (c *Console) askRenameView(q *frame.Request) error {
	f, _, err := c.renameForm(q)
	if err != nil {
		return err
	}
	return q.Render(f.Title, viewFormPage(f))
}

func (c *Console) renameView(q *frame.Request) error {
	f, v, err := c.renameForm(q)
	if err != nil {
		return err
	}
	f.Name = q.Value("name")
	if err := c.Views.Rename(q.Context(), q.Actor, v.List, v.ID, f.Name); err != nil {
		if f.Problems, err = frame.Fields(err, map[string]string{"/name": "name"}); err != nil {
			return err
		}
		if taken := f.Problems[""]; taken != "" && f.Problems["name"] == "" {
			f.Problems = frame.FieldErrors{"name": taken}
		}
		return q.Again(f.Title, viewFormPage(f))
	}
	q.Say("success", "The view is called "+strings.TrimSpace(f.Name)+".")
	return q.Redirect(savedViews{List: v.List}.href(v))
}

func (c *Console) deleteView(q *frame.Request) error {
	list, path, err := listOf(q)
	if err != nil {
		return err
	}
	v, err := c.Views.Get(q.Context(), q.Actor, list, estate.SavedViewID(q.PathValue("view")))
	if err != nil {
		return err
	}
	if err := c.Views.Delete(q.Context(), q.Actor, v.ID); err != nil {
		return err
	}
	q.Say("success", "The view "+v.Name+" is deleted. What it showed is as it was.")
	return q.Redirect(path)
}
