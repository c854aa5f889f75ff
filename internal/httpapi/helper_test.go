package httpapi_test

import (
	"net/http"
	"testing"

	"github.com/freehold-platform/freehold/internal/testenv"
)

// expect fails the test unless the answer has the status and, if it is an error
// answer, the code.
func expect(t *testing.T, what string, a testenv.Answer, status int, code string) {
	t.Helper()
	if have := a.Error().Code; a.Status != status || have != code {
		t.Errorf("%s: %d %s, want %d %s\n%.500s", what, a.Status, have, status, code, a.Body)
	}
}

// sqlExec changes the database behind the server's back, for states that no
// operation leads to yet.
func sqlExec(t *testing.T, e *testenv.Env, statement string, args ...any) {
	t.Helper()
	e.With(t).Exec(statement, args...)
}

// tokenRequest asks the host of origin for a token with a JSON body.
func tokenRequest(origin string, members map[string]any) testenv.Request {
	return testenv.Request{Method: http.MethodPost, URL: origin + "/oauth/token", JSON: members}
}
