package signin

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// defaultSettings are those of tenants that have none of their own.
var defaultSettings = estate.AuthSettings{
	Idle: 20 * time.Minute, Lifespan: 24 * time.Hour, RegistrationMethods: []string{api.RegistrationMethodNone, api.RegistrationMethodSecret},
}

// Bounds of settings, in minutes.
const (
	maxIdleMinutes     = 30 * 24 * 60
	maxLifespanMinutes = 90 * 24 * 60
	lifespanStep       = 60
)

// AuthSettings returns those of the actor's tenant.
func (s *Service) AuthSettings(ctx context.Context, actor estate.Actor) (estate.AuthSettings, error) {
	if err := mayAdminister(actor); err != nil {
		return estate.AuthSettings{}, err
	}
	return s.settings.Get(ctx, keyOf(actor.Scope, ""))
}

// UpdateAuthSettings changes those of the actor's tenant by a patch: all of it or,
// after an error, nothing. They hold for sessions that are there already, too.
func (s *Service) UpdateAuthSettings(ctx context.Context, actor estate.Actor, patch []PatchOperation) (settings estate.AuthSettings, err error) {
	defer s.audit.Refused(ctx, actor, "auth-settings.update", string(actor.Scope.Tenant), &err)
	if err := mayAdminister(actor); err != nil {
		return settings, err
	}
	err = s.store.Write(ctx, func(tx *store.Tx) error {
		settings = defaultSettings
		own, err := tx.AuthSettings(ctx, actor.Scope)
		if err != nil {
			return err
		}
		if own != nil {
			settings = *own
		}
		for i, op := range patch {
			if err := applySetting(&settings, op); err != nil {
				return inPatch(err, i)
			}
		}
		settings.UpdatedAt = s.now()
		if err := tx.SetAuthSettings(ctx, actor.Scope, settings); err != nil {
			return err
		}
		return s.audit.Done(ctx, tx, actor, actor.Scope, "auth-settings.update", string(actor.Scope.Tenant), map[string]any{
			"userSessionInactivityTimeoutMinutes": int64(settings.Idle / time.Minute), "maxUserSessionLifespanMinutes": int64(settings.Lifespan / time.Minute),
			"dynamicClientRegistrationEnabled": settings.Registration, "dcrAllowedAuthenticationMethods": settings.RegistrationMethods,
		})
	})
	return settings, err
}

func applySetting(s *estate.AuthSettings, op PatchOperation) error {
	if op.Op != "replace" {
		return badSetting("/op", "must be replace")
	}
	minutes := func(least, most, step int64) (time.Duration, error) {
		var n int64
		if json.Unmarshal(op.Value, &n) != nil || n < least || n > most || n%step != 0 {
			detail := "must be a whole number from " + strconv.FormatInt(least, 10) + " to " + strconv.FormatInt(most, 10)
			if step > 1 {
				detail += " that " + strconv.FormatInt(step, 10) + " divides"
			}
			return 0, badSetting("/value", detail)
		}
		return time.Duration(n) * time.Minute, nil
	}
	var err error
	switch op.Path {
	case "/userSessionInactivityTimeoutMinutes":
		s.Idle, err = minutes(1, maxIdleMinutes, 1)
	case "/maxUserSessionLifespanMinutes":
		s.Lifespan, err = minutes(lifespanStep, maxLifespanMinutes, lifespanStep)
	case "/dynamicClientRegistrationEnabled":
		var enabled *bool
		if json.Unmarshal(op.Value, &enabled) != nil || enabled == nil {
			return badSetting("/value", "must be true or false")
		}
		s.Registration = *enabled
	case "/dcrAllowedAuthenticationMethods":
		s.RegistrationMethods, err = registrationMethods(op.Value)
	default:
		err = badSetting("/path", "must be /userSessionInactivityTimeoutMinutes, /maxUserSessionLifespanMinutes, /dynamicClientRegistrationEnabled or /dcrAllowedAuthenticationMethods")
	}
	return err
}

func badSetting(pointer, detail string) error {
	return estate.E(estate.Invalid, api.CodeAuthSettings, "Invalid auth settings", detail).At(pointer, detail)
}
