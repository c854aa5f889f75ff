package credential

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
)

// PatchOperation is one operation of a JSON Patch (RFC 6902) on a client. Only
// whole members can be changed, so Path is a name with a slash before it, and
// Value a text or a list of texts.
type PatchOperation struct {
	Op    string // "add", "remove" or "replace"
	Path  string
	Value any // string, []string or, of objects, []json.RawMessage; nil with "remove"
}

// maxPatch is how many operations a patch can have.
const maxPatch = 100

// ParsePatch reads a patch. Its errors name the place in the patch that is wrong.
// Whether a path may be changed depends on the client and is not looked at.
func ParsePatch(text []byte) ([]PatchOperation, error) {
	var operations []map[string]json.RawMessage // a map, because struct fields match without case
	if err := json.Unmarshal(text, &operations); err != nil || operations == nil {
		return nil, invalidPatch("", "The body must be a JSON Patch: an array of operations.")
	}
	if len(operations) > maxPatch {
		return nil, invalidPatch("", fmt.Sprintf("A patch can have at most %d operations.", maxPatch))
	}
	patch := make([]PatchOperation, len(operations))
	for i, members := range operations {
		p := &patch[i]
		place := "/" + strconv.Itoa(i)
		if members == nil {
			return nil, invalidPatch(place, "an operation must be an object")
		}
		if json.Unmarshal(members["op"], &p.Op) != nil || !slices.Contains([]string{"add", "remove", "replace"}, p.Op) {
			return nil, invalidPatch(place+"/op", "op must be add, remove or replace")
		}
		if json.Unmarshal(members["path"], &p.Path) != nil || !strings.HasPrefix(p.Path, "/") {
			return nil, invalidPatch(place+"/path", "path must be a JSON Pointer, such as /clientName")
		}
		if p.Op == "remove" {
			continue
		}
		var ok bool
		if p.Value, ok = patchValue(members["value"]); !ok {
			return nil, invalidPatch(place+"/value", "value must be a string, or an array of strings or of keys")
		}
	}
	return patch, nil
}

func patchValue(raw json.RawMessage) (any, bool) {
	var one *string
	if json.Unmarshal(raw, &one) == nil && one != nil {
		return *one, true
	}
	var several []*string
	if json.Unmarshal(raw, &several) != nil || several == nil {
		return patchObjects(raw)
	}
	list := make([]string, len(several))
	for i, s := range several {
		if s == nil {
			return nil, false
		}
		list[i] = *s
	}
	return list, true
}

// patchObjects reads an array of objects.
func patchObjects(raw json.RawMessage) (any, bool) {
	var objects []json.RawMessage
	if json.Unmarshal(raw, &objects) != nil || len(objects) == 0 {
		return nil, false
	}
	for _, object := range objects {
		if object[0] != '{' {
			return nil, false
		}
	}
	return objects, true
}

// member is a part of a client that a patch can change: a text, a list or keys,
// of which exactly one is set.
type member struct {
	text     func(*estate.Client) *string
	list     func(*estate.Client) *[]string
	keys     func(*estate.Client) *[]estate.PublicKey
	required bool // can't be removed or emptied
}

// members are what can be changed of a tenant's client.
var members = map[string]member{
	"/clientName":         {text: func(c *estate.Client) *string { return &c.Name }, required: true},
	"/description":        {text: func(c *estate.Client) *string { return &c.Description }},
	"/clientUri":          {text: func(c *estate.Client) *string { return &c.URI }},
	"/logoUri":            {text: func(c *estate.Client) *string { return &c.LogoURI }},
	"/redirectUris":       {list: func(c *estate.Client) *[]string { return &c.RedirectURIs }},
	"/allowedOrigins":     {list: func(c *estate.Client) *[]string { return &c.AllowedOrigins }},
	"/allowedScopes":      {list: func(c *estate.Client) *[]string { return (*[]string)(&c.Permissions) }, required: true},
	"/allowedGrantTypes":  {list: func(c *estate.Client) *[]string { return &c.GrantTypes }},
	"/allowedAuthMethods": {list: func(c *estate.Client) *[]string { return &c.AuthMethods }},
	"/jwksUri":            {text: func(c *estate.Client) *string { return &c.JWKSURI }},
	"/publicKeys":         {keys: func(c *estate.Client) *[]estate.PublicKey { return &c.PublicKeys }},
}

// machineMembers are what can be changed of a client above the tenants.
var machineMembers = []string{"/clientName", "/description", "/allowedScopes"}

// changeable lists the paths that can be changed at a level, sorted.
func changeable(level estate.Level) []string {
	if level != estate.LevelTenant {
		return slices.Sorted(slices.Values(machineMembers))
	}
	paths := make([]string, 0, len(members))
	for path := range members {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return paths
}

// applyPatch changes c, which must not share its lists with anything.
func applyPatch(c *estate.Client, patch []PatchOperation) error {
	allowed := changeable(c.Level)
	for i, p := range patch {
		place := "/" + strconv.Itoa(i)
		if !slices.Contains(allowed, p.Path) {
			return invalidPatch(place+"/path", fmt.Sprintf("%s can't be changed; what can is %s", quoted(p.Path), strings.Join(allowed, ", ")))
		}
		m := members[p.Path]
		text, isText := p.Value.(string)
		list, isList := p.Value.([]string)
		switch {
		case p.Op == "remove" && m.required:
			return invalidPatch(place+"/op", p.Path+" can't be removed")
		case p.Op == "remove":
		case m.text != nil && !isText:
			return invalidPatch(place+"/value", p.Path+" must be a string")
		case m.list != nil && !isList:
			return invalidPatch(place+"/value", p.Path+" must be an array of strings")
		case m.required && strings.TrimSpace(text+strings.Join(list, "")) == "": // an empty list of scopes must not become the default
			return invalidPatch(place+"/value", p.Path+" must not be empty")
		}
		switch {
		case m.text != nil:
			*m.text(c) = strings.TrimSpace(text)
		case m.list != nil:
			*m.list(c) = slices.Clone(list)
		default:
			keys, err := patchKeys(p.Value)
			if err != nil {
				return inPatch(err, patch[:i+1])
			}
			*m.keys(c) = keys
		}
	}
	c.Permissions = estate.ParsePermissions(c.Permissions.String())
	return nil
}

// patchKeys reads the value for /publicKeys; nothing, or an empty array, is no
// keys.
func patchKeys(value any) ([]estate.PublicKey, error) {
	switch value := value.(type) {
	case nil:
		return nil, nil
	case []json.RawMessage:
		return validatePublicKeys(value)
	case []string:
		if len(value) == 0 {
			return nil, nil
		}
	}
	return nil, invalidClient("/publicKeys", "publicKeys must be an array of JWKs")
}

// ConsentPatch reads a patch of a connection, of which only the consent method can
// be changed.
func ConsentPatch(patch []PatchOperation) (consent estate.Consent, err error) {
	for i, p := range patch {
		place := "/" + strconv.Itoa(i)
		text, _ := p.Value.(string)
		switch consent = estate.Consent(text); {
		case p.Path != "/consentMethod":
			return "", invalidPatch(place+"/path", quoted(p.Path)+" can't be changed; what can is /consentMethod")
		case p.Op == "remove":
			return "", invalidPatch(place+"/op", p.Path+" can't be removed")
		case consent != estate.ConsentRequired && consent != estate.ConsentTrusted:
			return "", invalidPatch(place+"/value", p.Path+" must be required or trusted")
		}
	}
	if consent == "" {
		return "", invalidPatch("", "The patch changes nothing; what can be changed is /consentMethod.")
	}
	return consent, nil
}

// inPatch turns an error about a field of the client into one about the
// operation that set it.
func inPatch(err error, patch []PatchOperation) error {
	e, ok := err.(*estate.Error) //nolint:errorlint // validateClient returns it plain
	if !ok || len(e.Fields) != 1 {
		return err
	}
	pointer := e.Fields[0].Pointer
	for i, p := range slices.Backward(patch) {
		if rest, found := strings.CutPrefix(pointer, p.Path); found && (rest == "" || rest[0] == '/') {
			place := "/" + strconv.Itoa(i) + "/value" + rest
			if e.Kind == estate.Invalid {
				return invalidPatch(place, e.Fields[0].Detail)
			}
			moved := *e
			moved.Fields = nil
			return moved.At(place, e.Fields[0].Detail)
		}
	}
	return err
}

func invalidPatch(pointer, detail string) error {
	e := estate.E(estate.Invalid, api.CodeClientPatch, "Invalid patch", detail)
	if pointer == "" {
		return e
	}
	return e.At(pointer, detail)
}

// quoted shows what a caller sent, on one line and not for long.
func quoted(s string) string {
	const enough = 60
	if len(s) > enough {
		s = strings.ToValidUTF8(s[:enough], "") + "…"
	}
	return strconv.Quote(s)
}
