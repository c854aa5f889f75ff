package credential_test

import (
	"errors"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// expectError fails the test unless err is an *estate.Error of the kind and code,
// and returns the fields that it names.
func expectError(t *testing.T, what string, err error, kind estate.Kind, code string) []estate.Field {
	t.Helper()
	var known *estate.Error
	if !errors.As(err, &known) || known.Kind != kind || known.Code != code {
		t.Errorf("%s: %v, want %s of kind %d", what, err, code, kind)
		return nil
	}
	return known.Fields
}

var (
	console  = estate.Surface{Kind: estate.SurfaceConsole, Origin: "https://console.example.com"}
	register = estate.Surface{Kind: estate.SurfaceRegister, Origin: "https://register.us.example.com", Region: "us"}
)

// at is the surface of a tenant.
func at(t estate.Tenant) estate.Surface {
	return estate.Surface{Kind: estate.SurfaceTenant, Origin: "https://" + string(t.Hostname) + ".example.com", Tenant: t}
}

// issue gets a token from s.
func issue(t *testing.T, s *credential.Service, surface estate.Surface, c testenv.Credentials) string {
	t.Helper()
	token, err := s.IssueToken(t.Context(), surface, request(c))
	if err != nil {
		t.Fatal(err)
	}
	return token.Value
}

func request(c testenv.Credentials) credential.TokenRequest {
	return credential.TokenRequest{GrantType: api.GrantClientCredentials, Credentials: credential.Credentials{ClientID: string(c.ID), Secret: estate.Secret(c.Secret)}}
}

// records are the audit records of an action by a client, the oldest first.
func records(t *testing.T, e *testenv.Env, action string, client estate.ClientID) (found []estate.AuditRecord) {
	t.Helper()
	err := e.App.Store.Read(t.Context(), func(tx *store.Tx) error {
		all, err := tx.AuditRecords(t.Context(), estate.Scope{Organization: e.Organization.ID}, 1000)
		for _, r := range all {
			if r.Action == action && r.Actor.ID == string(client) {
				found = append([]estate.AuditRecord{r}, found...)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
