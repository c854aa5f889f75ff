package app

import (
	"fmt"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
)

// outOfTouch tells whether this server has not heard of the changes of others for
// longer than the configuration allows. While the database is away everybody goes
// on with what is in memory; but who alone is cut off must not go on for ever with
// clients and tokens that the others have ended.
func (a *App) outOfTouch() error {
	heard := a.Store.Heard()
	if a.Config.StaleLimit == 0 || heard.IsZero() {
		return nil // before it was first told, nothing is in memory
	}
	away := time.Since(heard)
	if away <= a.Config.StaleLimit {
		return nil
	}
	e := estate.E(estate.Unavailable, api.CodeUnavailable, "Service unavailable", "This server is cut off from its database.")
	return e.Because(fmt.Errorf("no changes heard for %s, which is more than stale_limit", away.Truncate(time.Second)))
}
