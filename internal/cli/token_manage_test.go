package cli_test

import (
	"strings"
	"testing"
)

func TestTokenInspectAndRevoke(t *testing.T) {
	f := newFake(t, 1)
	s := newSession(t)
	s.use(f, "console", "console")
	token, _ := s.must("token")
	inspect := func(token, want string) {
		t.Helper()
		s.stdin = token
		if stdout, _ := s.must("token", "inspect", "-"); !strings.Contains(stdout, want) {
			t.Errorf("%s does not say %s", stdout, want)
		}
	}
	inspect(token, `"active": true`)
	inspect("garbage", `"active": false`)

	// A token of a sibling host is asked about there.
	elsewhere, _ := s.must("token", "--server", f.url("register.us"))
	inspect(elsewhere, `"active": true`)

	s.stdin = token
	if _, stderr := s.must("token", "revoke", "-"); !strings.Contains(stderr, "revoked at "+f.url("console")) {
		t.Errorf("said %q", stderr)
	}
	inspect(token, `"active": false`)

	t.Run("shows no credential to strangers", func(t *testing.T) {
		foreign := accessToken("console.example.com:" + f.port)
		for _, command := range []string{"inspect", "revoke"} {
			if _, _, err := s.run("token", command, foreign); err == nil || !strings.Contains(err.Error(), "was issued by http://console.example.com") {
				t.Errorf("%s: %v", command, err)
			}
		}
	})
	t.Run("falls back to what the token says", func(t *testing.T) {
		s := newSession(t)
		s.port = f.port
		s.stdin = strings.Repeat("0", 64)
		s.must("context", "create", "wrong", "--server", f.url("console"), "--client-id", clientID, "--client-secret", "-")
		stdout, stderr := s.must("token", "inspect", strings.TrimSpace(token))
		if !strings.Contains(stdout, `"client_id": "`+clientID+`"`) || !strings.Contains(stderr, "not checked") || !strings.Contains(stderr, "does not tell") {
			t.Errorf("%s%s", stdout, stderr)
		}
	})
	t.Run("needs a token", func(t *testing.T) {
		s.stdin = "\n"
		if _, _, err := s.run("token", "inspect", "-"); err == nil {
			t.Error("an empty token was taken")
		}
		if _, _, err := s.run("token", "revoke"); err == nil {
			t.Error("no token was taken")
		}
	})
}
