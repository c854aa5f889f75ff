package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// CopyEstate copies everything of one database into another, new one. A database
// is named sqlite:PATH, of a file or of a data folder, or by its postgres:// URL. The
// folder to copy to is made if it is not there. progress is told how many rows of a
// table are copied so far.
func CopyEstate(ctx context.Context, from, to string, progress func(table string, rows int64)) error {
	source, err := database(from)
	if err != nil {
		return fmt.Errorf("from: %w", err)
	}
	found, err := store.Inspect(ctx, source) // opening it would make an empty one
	switch {
	case err != nil:
		return fmt.Errorf("from: %w", err)
	case found.Schema == 0:
		return errors.New("from: there is no estate in the database")
	}
	target, err := database(to)
	if err != nil {
		return fmt.Errorf("to: %w", err)
	}
	if target.URL == "" {
		if err := os.MkdirAll(filepath.Dir(target.Path), 0o700); err != nil {
			return fmt.Errorf("to: %w", err)
		}
	}
	return store.Copy(ctx, source, target, progress)
}

func database(name string) (store.Options, error) {
	if path, ok := strings.CutPrefix(name, "sqlite:"); ok && path != "" {
		if filepath.Ext(path) == "" {
			path = filepath.Join(path, databaseFile)
		}
		return store.Options{Path: path}, nil
	}
	if isPostgres(name) {
		return store.Options{URL: estate.Secret(name)}, nil
	}
	return store.Options{}, errors.New("not sqlite:FILE, sqlite:FOLDER or a postgres:// URL") // the name may hold a password
}

func isPostgres(name string) bool {
	return strings.HasPrefix(name, "postgres://") || strings.HasPrefix(name, "postgresql://")
}
