package client_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/client"
)

func errorOf(t testing.TB, status int, answer string) *client.Error {
	c, err := client.New("https://a.example", client.WithMaxAttempts(1), client.WithHTTPClient(&http.Client{
		Transport: inMemory{http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(answer))
		})},
	}))
	if err != nil {
		t.Fatal(err)
	}
	var e *client.Error
	if err := c.Do(t.Context(), http.MethodGet, "/", nil, nil, nil); !errors.As(err, &e) {
		t.Fatalf("got %v, want an *Error", err)
	}
	return e
}

func TestError(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status int
		body   string
		want   string
		code   string
	}{
		{
			"full", 403,
			`{"errors":[{"code":"TENANTS-22","title":"License quota limit reached","detail":"5 of 5 tenants exist.","status":"403"}],"traceId":"9a3a"}`,
			"License quota limit reached: 5 of 5 tenants exist. (403, TENANTS-22, trace 9a3a)", api.CodeTenantQuota,
		},
		{
			"several, with places", 400,
			`{"errors":[{"code":"TENANTS-30","title":"Invalid","source":{"pointer":"/name"}},{"code":"TENANTS-30","title":"Invalid","detail":"Too long","source":{"parameter":"x"}}]}`,
			"Invalid (400, TENANTS-30, /name); Invalid: Too long (TENANTS-30, x)", api.CodeTenantInvalid,
		},
		{
			"numeric status", 404, `{"errors":[{"code":"USERS-7","title":"Not found","status":404}]}`,
			"Not found (404, USERS-7)", api.CodeUserNotFound,
		},
		{
			"RFC 6749 only", 400, `{"error":"invalid_scope","error_description":"Unknown scope."}`,
			"invalid_scope: Unknown scope. (400, invalid_scope)", "invalid_scope",
		},
		{
			"both forms", 401,
			`{"error":"invalid_client","error_description":"No.","errors":[{"code":"OAUTH-14","title":"Invalid client"}]}`,
			"Invalid client (401, OAUTH-14)", api.CodeOAuthInvalidClient,
		},
		{"error is an object", 400, `{"error":{"message":"x"}}`, `Bad Request: {"error":{"message":"x"}} (400)`, ""},
		{"errors is a string", 400, `{"errors":"x"}`, `Bad Request: {"errors":"x"} (400)`, ""},
		{"entry without a title", 418, `{"errors":[{"code":"X"}]}`, "I'm a teapot (418, X)", "X"},
		{"HTML", 502, "<html>\n  <h1>Bad\tgateway</h1>\x1b]0;x\x07", "Bad Gateway: <html> <h1>Bad gateway</h1> ]0;x (502)", ""},
		{"nothing", 503, "", "Service Unavailable (503)", ""},
		{"unheard-of status", 599, "", "Unknown error (599)", ""},
		{
			"control characters", 400, `{"errors":[{"code":"X","title":"a\u001b[31mb"}]}`,
			"a [31mb (400, X)", "X",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := errorOf(t, tt.status, tt.body)
			if got := e.Error(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if got := client.Code(fmt.Errorf("wrapped: %w", e)); got != tt.code {
				t.Errorf("Code %q, want %q", got, tt.code)
			}
		})
	}
	if got := client.Code(errors.New("other")); got != "" {
		t.Errorf("Code of another error is %q", got)
	}
}

func FuzzError(f *testing.F) {
	f.Add(500, []byte(`{"errors":[{"code":"X","title":"t","status":7,"source":null}],"traceId":"1"}`))
	f.Add(400, []byte(`{"error":"invalid_request","error_description":null}`))
	f.Add(502, []byte("\xff\xfe<html>"))
	f.Add(502, []byte(strings.Repeat("ä", 2000)))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		status = 400 + (status%200+200)%200
		e := errorOf(t, status, string(body))
		if len(e.Errors) == 0 || e.Errors[0].Title == "" || e.StatusCode != status {
			t.Errorf("%+v", e)
		}
		text := e.Error()
		if strings.ContainsAny(text, "\x1b\n\r\x00") || !utf8.ValidString(text) {
			t.Errorf("%q is not fit for a terminal", text)
		}
	})
}
