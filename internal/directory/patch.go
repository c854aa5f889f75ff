package directory

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/freehold-platform/freehold/internal/estate"
)

// PatchOperation is one operation of a patch in the contract's form, which is
// mostly JSON Patch (RFC 6902). Path always begins with a slash.
type PatchOperation struct {
	Op    string
	Path  string
	Value json.RawMessage // nil: none
}

// Patch is a list of operations that are done together or not at all.
type Patch []PatchOperation

// maxPatch is how many operations a patch can have.
const maxPatch = 100

// ParsePatch reads a patch. What its operations mean depends on what is patched
// and is not looked at.
func ParsePatch(text []byte) (Patch, error) {
	var operations []map[string]json.RawMessage // a map, because struct fields match without case
	if err := json.Unmarshal(text, &operations); err != nil || operations == nil {
		return nil, errPatch("", "The body must be a JSON Patch: an array of operations.")
	}
	if len(operations) > maxPatch {
		return nil, errPatch("", fmt.Sprintf("A patch can have at most %d operations.", maxPatch))
	}
	patch := make(Patch, len(operations))
	for i, members := range operations {
		p := &patch[i]
		place := "/" + strconv.Itoa(i)
		if json.Unmarshal(members["op"], &p.Op) != nil || p.Op == "" {
			return nil, errPatch(place+"/op", "op must be the name of an operation, such as replace")
		}
		if json.Unmarshal(members["path"], &p.Path) != nil || p.Path == "" {
			return nil, errPatch(place+"/path", "path must name what to change, such as /name")
		}
		if !strings.HasPrefix(p.Path, "/") { // the contract's clients leave it out for groups
			p.Path = "/" + p.Path
		}
		p.Value = members["value"]
	}
	return patch, nil
}

// change is an operation on its way to be done, with the error that its resource
// has for what is wrong with it.
type change struct {
	PatchOperation

	place string // of the operation in the patch, as a JSON Pointer
	wrong *estate.Error
}

// each does the operations of p in turn with fn. wrong is the error for those that
// can't be done.
func (p Patch) each(wrong *estate.Error, fn func(change) error) error {
	for i, operation := range p {
		if err := fn(change{PatchOperation: operation, place: "/" + strconv.Itoa(i), wrong: wrong}); err != nil {
			return err
		}
	}
	return nil
}

// ops refuses all operations but those named.
func (c change) ops(allowed ...string) error {
	if slices.Contains(allowed, c.Op) {
		return nil
	}
	return c.wrong.At(c.place+"/op", fmt.Sprintf("op for %s must be %s", c.Path, strings.Join(allowed, " or ")))
}

// badPath refuses a path; known are those that can be changed.
func (c change) badPath(known ...string) error {
	return c.wrong.At(c.place+"/path", quoted(c.Path)+" can't be changed; what can is "+strings.Join(known, ", "))
}

// bad refuses the value.
func (c change) bad(detail string) error {
	return c.wrong.At(c.place+"/value", c.Path[1:]+" "+detail)
}

// into reads the value, which has to be of the type of out.
func (c change) into(out any, what string) error {
	if len(c.Value) == 0 || string(c.Value) == "null" || json.Unmarshal(c.Value, out) != nil {
		return c.bad("must be " + what)
	}
	return nil
}

// text reads a value that is a text of up to limit characters; least is 0 or 1.
func (c change) text(out *string, least, limit int) error {
	var text string
	if err := c.into(&text, "a string"); err != nil {
		return err
	}
	text = strings.TrimSpace(text)
	if problem := checkText(text, least, limit); problem != "" {
		return c.bad(problem)
	}
	*out = text
	return nil
}

// textBy is text for an operation that must be one of those allowed.
func (c change) textBy(out *string, least, limit int, allowed ...string) error {
	if err := c.ops(allowed...); err != nil {
		return err
	}
	return c.text(out, least, limit)
}

// update is what a patch changed, as audit records and events tell it.
type update struct {
	Path     string `json:"path"`
	OldValue any    `json:"oldValue"`
	NewValue any    `json:"newValue"`
}

// updates lists which of the members of two maps differ, by path.
func updates(before, after map[string]any) []update {
	var all []update
	for path, was := range before {
		is := after[path]
		old, _ := json.Marshal(was)
		now, _ := json.Marshal(is)
		if string(old) != string(now) {
			all = append(all, update{path, was, is})
		}
	}
	slices.SortFunc(all, func(a, b update) int { return strings.Compare(a.Path, b.Path) })
	return all
}

// withUpdates is the data of an audit record about a change.
func withUpdates(data map[string]any, all []update) map[string]any {
	data["_updates"] = all
	return data
}
