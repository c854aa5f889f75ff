package cli_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"testing"
)

func TestContext_assertionFile(t *testing.T) {
	s := newSession(t)
	s.must("context", "create", "a", "--server", console, "--client-id", clientID, "--assertion-file", filepath.Join(s.dir, "token"))
	var view map[string]any
	text, _ := s.must("context", "get", "--output", "json")
	if err := json.Unmarshal([]byte(text), &view); err != nil {
		t.Fatal(err)
	}
	if _, ok := view["clientSecret"]; ok || view["assertionFile"] != filepath.Join(s.dir, "token") {
		t.Errorf("context %v", view)
	}
	if _, _, err := s.run("tenant", "list"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without the file: %v", err)
	}
	if _, _, err := s.run("context", "create", "b", "--server", console, "--client-id", clientID, "--assertion-file", "x", "--client-secret", "-"); err == nil {
		t.Error("a secret and an assertion: no error")
	}
}
