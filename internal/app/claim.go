package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// claimFile is the file in the data folder that the serving process has locked. It
// stays; the operating system ends the lock with the process, however that ends.
const claimFile = "serve.lock"

// errClaimed says that somebody else serves the data folder.
var errClaimed = errors.New("another server runs on this data folder; on SQLite there can be one. Stop that one first, or use PostgreSQL for several")

// Claim makes this process the one that serves the data folder, until release is
// called or the process ends. What only reads or changes the database, such as the
// operator's commands, needs no claim. On PostgreSQL any number of processes serve
// the same estate, and nothing is claimed.
func Claim(c Config) (release func() error, err error) {
	if c.Database != "" {
		return func() error { return nil }, nil
	}
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	lock := flock.New(filepath.Join(c.DataDir, claimFile), flock.SetPermissions(0o600))
	locked, err := lock.TryLock()
	if err == nil && !locked {
		err = errClaimed
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("data folder %s: %w", c.DataDir, err), lock.Close())
	}
	return lock.Close, nil
}

// Resume has the jobs made again that a process before this one left unfinished
// when it was killed. It is for who holds the claim, before Serve. On PostgreSQL
// they may be running elsewhere, and the queue makes them again after their time.
func (a *App) Resume(ctx context.Context) error {
	if a.Config.Database != "" {
		return nil
	}
	n, err := a.Jobs.Resume(ctx)
	if err != nil {
		return err
	}
	if n > 0 {
		a.log.InfoContext(ctx, "jobs go on that were cut off", "jobs", n)
	}
	return nil
}
