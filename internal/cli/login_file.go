package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"

	"github.com/freehold-platform/freehold/client"
)

// loginFile keeps the tokens of one context's sign-in. They have a file of their
// own, apart from the contexts, because commands that run at once change them
// while they work.
type loginFile struct {
	path    string
	context string
	server  string // whose tokens they have to be
}

// storedLogin is its content.
type storedLogin struct {
	Server       string    `json:"server"`
	AccessToken  secret    `json:"accessToken"`
	ExpiresAt    time.Time `json:"expiresAt,omitzero"`
	RefreshToken secret    `json:"refreshToken,omitempty"`
	Scope        string    `json:"scope,omitempty"`
}

func loginsOf(env Env, c storedContext) (*loginFile, error) {
	contexts, err := contextPath(env)
	if err != nil {
		return nil, err
	}
	return &loginFile{path: filepath.Join(filepath.Dir(contexts), "logins", c.name+".json"), context: c.name, server: c.Server}, nil
}

func (l *loginFile) exists() (bool, error) {
	_, err := os.Stat(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// locked does something that no other command does at the same time.
func (l *loginFile) locked(do func() error) error {
	if err := os.MkdirAll(filepath.Dir(l.path), 0o700); err != nil {
		return fmt.Errorf("keep sign-in: %w", err)
	}
	unlock, err := lockedfile.MutexAt(l.path + ".lock").Lock()
	if err != nil {
		return fmt.Errorf("keep sign-in: %w", err)
	}
	defer unlock()
	return do()
}

// keep is a [client.TokenKeeper].
func (l *loginFile) keep(_ context.Context, renew func(client.PersonTokens) (client.PersonTokens, error)) error {
	return l.locked(func() error {
		kept, err := l.read()
		if err != nil {
			return err
		}
		if kept.Server != l.server {
			return fmt.Errorf("the context %s is signed in at %s, and its tokens are not for %s", l.context, kept.Server, l.server)
		}
		renewed, err := renew(client.PersonTokens{
			AccessToken: string(kept.AccessToken), ExpiresAt: kept.ExpiresAt, RefreshToken: string(kept.RefreshToken), Scope: kept.Scope,
		})
		switch {
		case errors.Is(err, client.ErrSignedOut):
			return fmt.Errorf(`%w; sign in again with "freehold login --context %s"`, err, l.context)
		case err != nil || renewed.AccessToken == string(kept.AccessToken) && renewed.ExpiresAt.Equal(kept.ExpiresAt):
			return err
		}
		return l.write(renewed)
	})
}

func (l *loginFile) store(tokens client.PersonTokens) error {
	return l.locked(func() error { return l.write(tokens) })
}

func (l *loginFile) remove() error {
	return l.locked(func() error {
		if err := os.Remove(l.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("forget sign-in: %w", err)
		}
		return nil
	})
}

func (l *loginFile) read() (kept storedLogin, err error) {
	text, err := os.ReadFile(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return kept, fmt.Errorf(`nobody is signed in with the context %s; do so with "freehold login --context %s"`, l.context, l.context)
	}
	if err == nil {
		err = json.Unmarshal(text, &kept)
	}
	if err != nil {
		return kept, fmt.Errorf("read sign-in of the context %s: %w", l.context, err)
	}
	return kept, nil
}

func (l *loginFile) write(tokens client.PersonTokens) error {
	text, err := json.MarshalIndent(storedLogin{
		Server: l.server, AccessToken: secret(tokens.AccessToken), ExpiresAt: tokens.ExpiresAt,
		RefreshToken: secret(tokens.RefreshToken), Scope: tokens.Scope,
	}, "", "  ")
	if err != nil {
		return err
	}
	if err := writePrivate(l.path, text); err != nil {
		return fmt.Errorf("keep sign-in: %w", err)
	}
	return nil
}
