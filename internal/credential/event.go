package credential

import (
	"cmp"
	"context"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// clientEvent is the documented data of the event of an action on a client; nil:
// there is none, and what the audit record says is told. before is the client as
// it was.
func clientEvent(ctx context.Context, tx *store.Tx, action string, before estate.Client, data map[string]any) (map[string]any, error) {
	switch action {
	case "oauth-client.secret.create", "oauth-client.secret.delete":
		return map[string]any{"clientId": before.ID, "hint": data["hint"]}, nil
	case "oauth-client.delete":
		return describeClient(before), nil
	case "oauth-client.create", "oauth-client.update", "oauth-client.publish":
		c, err := tx.Client(ctx, before.Scope, before.ID)
		return describeClient(c), err
	}
	return nil, nil //nolint:nilnil // as said
}

// revocation is the documented data of the event that a token, or all tokens of a
// grant or of an approval, were revoked. bearer tells whether a program gave up a
// token that it has.
func revocation(actor estate.Actor, at time.Time, id string, client estate.ClientID, user string, grant estate.GrantID, bearer bool) map[string]any {
	of := map[string]any{"clientId": client}
	for name, value := range map[string]string{"userId": user, "grantId": string(grant), "tenantId": string(actor.Scope.Tenant)} {
		if value != "" {
			of[name] = value
		}
	}
	return map[string]any{
		"id": id, "revokedAt": api.Time{Time: at}, "revokedBy": cmp.Or(string(actor.User), actor.ID), "revokedContext": of, "revokedByBearer": bearer,
	}
}

// describeClient is how events tell of a client.
func describeClient(c estate.Client) map[string]any {
	told := map[string]any{
		"clientId": c.ID, "clientName": c.Name, "appType": c.AppType, "ownerType": c.Level, "tenantId": c.Scope.Tenant,
		"createdAt": api.Time{Time: c.CreatedAt}, "createdById": c.CreatedBy, "createdByType": c.CreatedByType,
	}
	for name, list := range map[string][]string{"allowedScopes": c.Permissions, "allowedOrigins": c.AllowedOrigins, "redirectUris": c.RedirectURIs} {
		if len(list) > 0 {
			told[name] = list
		}
	}
	switch c.Level {
	case estate.LevelTenant:
		told["ownerId"] = c.Scope.Tenant
	case estate.LevelRegion:
		told["ownerId"] = c.Scope.Subscription
	case estate.LevelOrganization:
		told["ownerId"], told["organizationId"] = c.Scope.Organization, c.Scope.Organization
	}
	if !c.PublishedAt.IsZero() {
		told["publishedAt"] = api.Time{Time: c.PublishedAt}
	}
	if !c.DisabledAt.IsZero() {
		told["disableTag"] = api.DisableTagOperator
	}
	return told
}
