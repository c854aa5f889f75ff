// Package apitest holds tests to the OpenAPI documents in package api: it
// checks that an HTTP exchange is one that the document of its surface
// describes, and tells which operations a document has.
//
// Exchanges are matched to operations by method and path alone, so a test
// server may listen on any host and port.
package apitest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/freehold-platform/freehold/api"
)

// Operation is one operation of a document.
type Operation struct {
	Method      string
	Path        string // with parameters in braces, as in the document
	OperationID string
}

// Operations returns the operations in the document of surface, "console",
// "register" or "tenant", sorted by path and method. It is nil for any other
// name.
func Operations(surface string) []Operation {
	d, err := documentOf(surface)
	if err != nil {
		return nil // Check says why
	}
	return d.operations()
}

// Check fails the test if the exchange is not one that the document of surface
// describes:
//
//   - The status is documented for the operation. "default" stands only for
//     429 and 503, which any operation may answer; an error that is an
//     operation's own has to be written down there.
//   - The answer has the headers, the content type and the body that go with
//     the status.
//   - If the answer is of the 2xx or 3xx kind, the request was as documented
//     too. A request that was refused may have been wrong in any way.
//   - A path that is not in the document was answered 404, and a method that
//     its path does not have 405, unless the request was refused before. HEAD
//     is GET.
//
// The bodies are passed separately, so that the ones in req and res may have
// been read; Check touches neither. It may be called from any goroutine.
func Check(t testing.TB, surface string, req *http.Request, reqBody []byte, res *http.Response, resBody []byte) {
	t.Helper()
	d, err := documentOf(surface)
	if err == nil {
		err = d.check(req, reqBody, res, resBody)
	}
	if err != nil {
		t.Errorf("%s %s at the %s surface, answered %d: %v", req.Method, req.URL.Path, surface, res.StatusCode, err)
	}
}

// undocumented lists the statuses that "default" stands for.
var undocumented = map[int]bool{
	http.StatusTooManyRequests:    true,
	http.StatusServiceUnavailable: true,
}

// lacksCSRFToken tells whether an answer is the one to a browser's request that
// shows no CSRF token, which every operation may get.
func lacksCSRFToken(status int, body []byte) bool {
	var answer api.ErrorBody
	return status == http.StatusForbidden && json.Unmarshal(body, &answer) == nil && answer.Code == api.CodeCSRF
}

// beforeRouting lists the statuses that a request may get before its path is
// looked at.
var beforeRouting = map[int]bool{
	http.StatusUnauthorized:        true, // no tenant, or a deactivated one, at the host
	http.StatusMisdirectedRequest:  true,
	http.StatusTooManyRequests:     true,
	http.StatusInternalServerError: true,
	http.StatusServiceUnavailable:  true,
}

func (d *document) check(req *http.Request, reqBody []byte, res *http.Response, resBody []byte) error {
	if req.Method == http.MethodOptions && res.StatusCode == http.StatusNoContent && res.Header.Get("Access-Control-Allow-Methods") != "" && len(resBody) == 0 {
		return nil // a CORS preflight: about operations, and none itself
	}
	route, parameters, err := d.find(req)
	switch status := res.StatusCode; {
	case errors.Is(err, errNoPath) && status != http.StatusNotFound && !beforeRouting[status],
		errors.Is(err, errNoMethod) && status != http.StatusMethodNotAllowed && !beforeRouting[status]:
		return err
	case err != nil:
		route = d.unrouted(route, status)
	case route.Operation.Responses.Status(status) == nil && !undocumented[status] && !lacksCSRFToken(status, resBody):
		return fmt.Errorf("the status is not documented for %s", route.Operation.OperationID)
	}

	input := &openapi3filter.RequestValidationInput{
		Request:    copyRequest(req, reqBody),
		PathParams: parameters,
		Route:      route,
		Options: &openapi3filter.Options{
			IncludeResponseStatus: true,
			MultiError:            true,
			SkipSettingDefaults:   true,
			AuthenticationFunc:    openapi3filter.NoopAuthenticationFunc,

			RejectWhenRequestBodyNotSpecified: true,
		},
	}
	if res.StatusCode < 400 {
		var schema string
		if len(reqBody) > 0 {
			schema = ofRequest(route, req.Header)
		}
		input.Options.ExcludeRequestBody = schema != ""
		err := openapi3filter.ValidateRequest(context.Background(), input)
		if err != nil {
			err = plain(err)
		}
		if schema != "" {
			err = cmp.Or(err, d.bodies.check("request body", schema, bytes.TrimPrefix(reqBody, []byte("\ufeff")))) // which a reader may pass over (RFC 8259 section 8.1)
		}
		if err != nil {
			return fmt.Errorf("accepted a request that %s does not allow: %w", route.Operation.OperationID, err)
		}
	}
	if req.Method == http.MethodHead {
		return nil
	}
	if isJSON(res.Header) && !json.Valid(resBody) {
		return errors.New("the answer is not one JSON value")
	}
	answer := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input,
		Status:                 res.StatusCode,
		Header:                 res.Header,
		Options:                input.Options,
	}
	schema := ofAnswer(route, res.StatusCode, res.Header)
	input.Options.ExcludeResponseBody = schema != ""
	err = openapi3filter.ValidateResponse(context.Background(), answer.SetBodyBytes(resBody))
	if err != nil {
		err = plain(err)
	}
	if schema != "" {
		err = cmp.Or(err, d.bodies.check("body", schema, resBody))
	}
	if err != nil {
		return fmt.Errorf("not an answer of %s: %w", route.Operation.OperationID, err)
	}
	return nil
}

// unrouted stands in for an operation where a request has none: its answer of
// status is an error like any other. The errors of a path have the form that
// the operations of the path give them, which the token endpoint's have of
// their own.
func (d *document) unrouted(path *routers.Route, status int) *routers.Route {
	answer := d.Components.Responses[errorResponse]
	if path != nil {
		for _, operation := range path.PathItem.Operations() {
			answer = operation.Responses.Default()
		}
	}
	return &routers.Route{
		Spec:     d.T,
		PathItem: &openapi3.PathItem{},
		Operation: &openapi3.Operation{
			OperationID: "an unrouted request",
			Responses:   openapi3.NewResponses(openapi3.WithStatus(status, answer)),
		},
	}
}

// copyRequest makes a request that the validator may read and change. It has
// the path and query of req, but not its host.
func copyRequest(req *http.Request, body []byte) *http.Request {
	return &http.Request{
		Method:        req.Method,
		URL:           &url.URL{Path: req.URL.Path, RawPath: req.URL.RawPath, RawQuery: req.URL.RawQuery},
		Header:        req.Header.Clone(),
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
	}
}

func isJSON(header http.Header) bool {
	mediaType, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	return err == nil && mediaType == "application/json"
}

// plain rewrites an error of the validator as one line a mistake, saying where
// it is and what is wrong. The validator's own text repeats the schemas.
func plain(err error) error {
	var lines []string
	collect("", err, func(line string) { lines = append(lines, line) })
	return errors.New(strings.Join(lines, "\n\t"))
}

func collect(where string, err error, add func(line string)) {
	// The order matters: MultiError matches any of its elements in errors.As.
	switch e := err.(type) { //nolint:errorlint // walks the tree itself
	case openapi3.MultiError:
		for _, each := range e {
			collect(where, each, add)
		}
	case *openapi3filter.RequestError:
		where = "request body"
		if e.Parameter != nil {
			where = fmt.Sprintf("%s parameter %q", e.Parameter.In, e.Parameter.Name)
		}
		collectCause(where, e.Reason, e.Err, add)
	case *openapi3filter.ResponseError:
		where = "answer"
		if strings.HasPrefix(e.Reason, "response body doesn't match") {
			where = "body"
		}
		collectCause(where, e.Reason, e.Err, add)
	case *openapi3.SchemaError:
		var causes openapi3.MultiError
		if e.Origin != nil && errors.As(e.Origin, &causes) {
			collect(where, causes, add)
			return
		}
		add(describe(where, e))
	default:
		add(where + ": " + err.Error())
	}
}

// collectCause adds what a schema or a decoder says against a part of the
// exchange, and the reason alone if there is no more to say.
func collectCause(where, reason string, cause error, add func(line string)) {
	if cause == nil {
		add(where + ": " + reason)
		return
	}
	if strings.HasPrefix(reason, "response header") {
		where = reason
	}
	collect(where, cause, add)
}

// describe makes one line of a mistake at a single value.
func describe(where string, e *openapi3.SchemaError) string {
	pointer := ""
	if path := e.JSONPointer(); len(path) > 0 {
		pointer = "/" + strings.Join(path, "/")
		where += " " + pointer
	}
	reason := e.Reason
	// The JSON Schema validator puts the place into the text as well.
	if _, after, ok := strings.Cut(reason, "at '"+pointer+"': "); ok {
		reason = after
	}
	return where + ": " + reason
}
