package testenv

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/apitest"
	"github.com/freehold-platform/freehold/internal/estate"
)

// Request is what Do sends. Without Method it is GET, or POST with a body.
type Request struct {
	Method string
	URL    string
	Host   string // Host header, if not the URL's
	Token  string // bearer token
	Header map[string]string

	JSON any        // body, to be encoded; or
	Form url.Values // body, as a form; or
	Body string     // body as it is, with its Content-Type in Header
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte

	t testing.TB
}

// Do sends a request and checks that the exchange is one that the OpenAPI
// document of its surface describes. It may be called from any goroutine; when
// there is no answer at all the test fails and Status is 0.
func (e *Env) Do(r Request) Answer {
	e.t.Helper()
	answer := Answer{Header: http.Header{}, t: e.t}
	req, body, err := r.build(e)
	if err != nil {
		e.t.Errorf("%s: %v", r.URL, err)
		return answer
	}
	res, err := e.Client.Do(req)
	if err != nil {
		e.t.Errorf("%s %s: %v", req.Method, r.URL, err)
		return answer
	}
	defer res.Body.Close()
	if answer.Body, err = io.ReadAll(res.Body); err != nil {
		e.t.Errorf("%s %s: %v", req.Method, r.URL, err)
		return answer
	}
	answer.Status, answer.Header = res.StatusCode, res.Header
	apitest.Check(e.t, surfaceOf(req.Host, e.App.Config.Domain), req, []byte(body), res, answer.Body)
	return answer
}

func (r Request) build(e *Env) (*http.Request, string, error) {
	body, contentType := r.Body, ""
	switch {
	case r.JSON != nil:
		encoded, err := json.Marshal(r.JSON)
		if err != nil {
			return nil, "", err
		}
		body, contentType = string(encoded), "application/json"
	case r.Form != nil:
		body, contentType = r.Form.Encode(), "application/x-www-form-urlencoded"
	}
	method := r.Method
	if method == "" {
		method = http.MethodGet
		if body != "" {
			method = http.MethodPost
		}
	}
	req, err := http.NewRequestWithContext(e.t.Context(), method, r.URL, strings.NewReader(body))
	if err != nil {
		return nil, "", err
	}
	if r.Host != "" {
		req.Host = r.Host
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if r.Token != "" {
		req.Header.Set("Authorization", "Bearer "+r.Token)
	}
	for name, value := range maps.All(r.Header) {
		req.Header.Set(name, value)
	}
	return req, body, nil
}

// surfaceOf names the document that describes what host answers. A host that is
// nobody's answers like a tenant that is gone, and one outside the domain has
// only what every surface has.
func surfaceOf(host, domain string) string {
	name, _, _ := strings.Cut(strings.ToLower(host), ":")
	labels, below := strings.CutSuffix(strings.TrimSuffix(name, "."), "."+domain)
	region, register := strings.CutPrefix(labels, estate.RegisterLabel+".")
	switch {
	case !below, labels == estate.ConsoleLabel:
		return string(estate.SurfaceConsole)
	case register && slices.Contains(regions, estate.RegionCode(region)):
		return string(estate.SurfaceRegister)
	default:
		return string(estate.SurfaceTenant)
	}
}

// Into decodes the body.
func (a Answer) Into(v any) {
	a.t.Helper()
	if err := json.Unmarshal(a.Body, v); err != nil {
		a.t.Errorf("%v in %q", err, a.Body)
	}
}

// Error is the first error of the body, or a zero one.
func (a Answer) Error() api.Error {
	var body api.ErrorBody
	if json.Unmarshal(a.Body, &body) != nil || len(body.Errors) == 0 {
		return api.Error{}
	}
	return body.Errors[0]
}
