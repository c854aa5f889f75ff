package apitest

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

const jsonType = "application/json"

// bodies checks JSON bodies against the schemas of one document. The schemas of
// OpenAPI 3.1 are those of JSON Schema, so the document as a whole is the resource
// that they are compiled from, each of them once: kin-openapi, which checks all
// else of an exchange, compiles the schema of a body for every body.
type bodies struct {
	mu       sync.Mutex // compilers are for one goroutine
	compiler *jsonschema.Compiler
	compiled map[string]*jsonschema.Schema // by pointer into the document
}

// documentURL is the name of the document for the compiler.
const documentURL = "urn:freehold:openapi"

func newBodies(data []byte) (*bodies, error) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := c.AddResource(documentURL, document); err != nil {
		return nil, err
	}
	return &bodies{compiler: c, compiled: make(map[string]*jsonschema.Schema)}, nil
}

func (b *bodies) schema(pointer string) (*jsonschema.Schema, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.compiled[pointer]; s != nil {
		return s, nil
	}
	s, err := b.compiler.Compile(documentURL + "#" + pointer)
	if err != nil {
		return nil, err
	}
	b.compiled[pointer] = s
	return s, nil
}

// check says what is wrong with a body, one line a mistake, each beginning with
// where it is.
func (b *bodies) check(where, pointer string, body []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s: not one JSON value", where)
	}
	s, err := b.schema(pointer)
	if err != nil {
		return fmt.Errorf("%s: the schema at %s: %w", where, pointer, err)
	}
	err = s.Validate(value)
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return err
	}
	var lines []string
	mistakes(where, invalid, func(line string) { lines = append(lines, line) })
	slices.Sort(lines)
	return errors.New(strings.Join(slices.Compact(lines), "\n\t"))
}

// mistakes walks to the innermost causes of an error: what lies around them only
// says that something inside is wrong.
func mistakes(where string, e *jsonschema.ValidationError, add func(line string)) {
	for _, cause := range e.Causes {
		mistakes(where, cause, add)
	}
	if len(e.Causes) > 0 {
		return
	}
	if len(e.InstanceLocation) > 0 {
		where += " /" + strings.Join(e.InstanceLocation, "/")
	}
	add(where + ": " + e.ErrorKind.LocalizedString(english))
}

var english = message.NewPrinter(language.English)

// ofRequest is the pointer to the schema of an operation's JSON request body;
// empty if it has none, or the request is not JSON.
func ofRequest(route *routers.Route, header http.Header) string {
	body := route.Operation.RequestBody
	if body == nil || !isJSON(header) || !hasJSON(body.Value.Content) {
		return ""
	}
	if body.Ref != "" {
		return pointer(body.Ref, "")
	}
	return pointer("", operationAt(route)+"/requestBody")
}

// ofAnswer is the same for the JSON answer with a status.
func ofAnswer(route *routers.Route, status int, header http.Header) string {
	code := strconv.Itoa(status)
	answer := route.Operation.Responses.Value(code)
	if answer == nil {
		code = "default"
		answer = route.Operation.Responses.Default()
	}
	if answer == nil || !isJSON(header) || !hasJSON(answer.Value.Content) {
		return ""
	}
	if answer.Ref != "" {
		return pointer(answer.Ref, "")
	}
	if route.Path == "" {
		return "" // stands in for an operation, and is nowhere in the document
	}
	return pointer("", operationAt(route)+"/responses/"+code)
}

func hasJSON(content openapi3.Content) bool {
	return content[jsonType] != nil && content[jsonType].Schema != nil
}

// pointer is the JSON pointer to the schema of the JSON body that a request body
// or answer has, which is at a reference or at a place.
func pointer(reference, at string) string {
	if reference != "" {
		at = strings.TrimPrefix(reference, "#")
	}
	return at + "/content/" + escape(jsonType) + "/schema"
}

func operationAt(route *routers.Route) string {
	return "/paths/" + escape(route.Path) + "/" + strings.ToLower(route.Method)
}

// escape makes a key a segment of a JSON pointer in the fragment of a URL.
func escape(key string) string {
	return strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(key)
}
