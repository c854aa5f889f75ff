package apitest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/freehold-platform/freehold/api"
)

// errorResponse names the component that describes an error which does not
// depend on the operation.
const errorResponse = "Error"

var (
	errNoPath   = errors.New("the path is not in the document, so the answer should be 404")
	errNoMethod = errors.New("the document has no such method at the path, so the answer should be 405")
)

// document is a loaded and validated OpenAPI document.
type document struct {
	*openapi3.T
	bodies *bodies
}

func surfaces() []string { return []string{"console", "register", "tenant"} }

var documents = sync.OnceValues(func() (map[string]*document, error) {
	openapi3filter.RegisterBodyDecoder("application/token-introspection+jwt", openapi3filter.PlainBodyDecoder)
	loaded := make(map[string]*document)
	for _, surface := range surfaces() {
		d, err := load(api.OpenAPI(surface))
		if err != nil {
			return nil, fmt.Errorf("OpenAPI document of the %s surface: %w", surface, err)
		}
		loaded[surface] = d
	}
	return loaded, nil
})

func documentOf(surface string) (*document, error) {
	all, err := documents()
	if err != nil {
		return nil, err
	}
	d, ok := all[surface]
	if !ok {
		return nil, fmt.Errorf("there is no surface %q", surface)
	}
	return d, nil
}

// load reads a document and validates it, but for the examples: they take
// longer than all the rest, and this package's own tests check them.
func load(data []byte) (*document, error) {
	t, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		return nil, err
	}
	if err := t.Validate(context.Background(), openapi3.DisableExamplesValidation()); err != nil {
		return nil, err
	}
	if t.Components == nil || t.Components.Responses[errorResponse] == nil {
		return nil, fmt.Errorf("components/responses has no %q", errorResponse)
	}
	b, err := newBodies(data)
	if err != nil {
		return nil, err
	}
	return &document{t, b}, nil
}

func (d *document) operations() []Operation {
	var all []Operation
	for path, item := range d.Paths.Map() {
		for method, operation := range item.Operations() {
			all = append(all, Operation{Method: method, Path: path, OperationID: operation.OperationID})
		}
	}
	slices.SortFunc(all, func(a, b Operation) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
	})
	return all
}

// find returns the operation of req and the values of its path parameters. It
// looks at nothing but the method and the path. HEAD is GET without the body.
// With errNoMethod the route has the path, but no operation.
func (d *document) find(req *http.Request) (*routers.Route, map[string]string, error) {
	path, parameters, ok := d.match(req.URL)
	if !ok {
		return nil, nil, errNoPath
	}
	method := req.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	item := d.Paths.Value(path)
	route := &routers.Route{Spec: d.T, Path: path, PathItem: item, Method: method, Operation: item.GetOperation(method)}
	if route.Operation == nil {
		return route, nil, errNoMethod
	}
	return route, parameters, nil
}

// match finds the path of the document that u's path is an instance of. A
// literal path wins over one with parameters, as "/users/me" over
// "/users/{userId}".
func (d *document) match(u *url.URL) (path string, parameters map[string]string, ok bool) {
	segments := strings.Split(u.EscapedPath(), "/")
	for candidate := range d.Paths.Map() {
		values, matches := instance(strings.Split(candidate, "/"), segments)
		if matches && (!ok || len(values) < len(parameters)) {
			path, parameters, ok = candidate, values, true
		}
	}
	return path, parameters, ok
}

// instance matches the segments of a path with those of a pattern, in which
// "{name}" stands for any segment that is not empty.
func instance(pattern, segments []string) (map[string]string, bool) {
	if len(pattern) != len(segments) {
		return nil, false
	}
	values := make(map[string]string)
	for i, want := range pattern {
		segment, err := url.PathUnescape(segments[i])
		switch {
		case err != nil:
			return nil, false
		case strings.HasPrefix(want, "{") && segment != "":
			values[strings.Trim(want, "{}")] = segment
		case want != segment:
			return nil, false
		}
	}
	return values, true
}
