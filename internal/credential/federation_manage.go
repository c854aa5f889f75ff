package credential

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/store"
)

// AddFederatedCredential lets a client of realm authenticate by tokens of one more
// outside issuer, at once and everywhere. Like a secret it is a way to act as the
// client, so the same people may make it.
func (s *Service) AddFederatedCredential(ctx context.Context, actor estate.Actor, realm Realm, id estate.ClientID, f estate.FederatedCredential) error {
	return s.change(ctx, actor, realm, id, "oauth-client.federated-credential.create", func(tx *store.Tx, c estate.Client) (map[string]any, error) {
		if err := mayHand(actor, c); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(c.Federated, func(other estate.FederatedCredential) bool { return other.Name == f.Name }) {
			return nil, errFederatedExists
		}
		c.Federated = append(slices.Clone(c.Federated), f)
		c.UpdatedAt = s.now()
		if err := s.validateTrust(c); err != nil {
			return nil, aboutLastFederated(err, len(c.Federated)-1)
		}
		return describeFederated(f), tx.UpdateClient(ctx, c.Scope, c)
	})
}

// RemoveFederatedCredential ends a client's trust in an outside issuer, at once and
// everywhere. Tokens got by it stay, as those of a secret that is deleted do.
func (s *Service) RemoveFederatedCredential(ctx context.Context, actor estate.Actor, realm Realm, id estate.ClientID, name string) error {
	return s.change(ctx, actor, realm, id, "oauth-client.federated-credential.delete", func(tx *store.Tx, c estate.Client) (map[string]any, error) {
		i := slices.IndexFunc(c.Federated, func(f estate.FederatedCredential) bool { return f.Name == name })
		if i < 0 {
			return nil, errNoFederated
		}
		removed := c.Federated[i]
		c.Federated = slices.Delete(slices.Clone(c.Federated), i, i+1)
		c.UpdatedAt = s.now()
		return describeFederated(removed), tx.UpdateClient(ctx, c.Scope, c)
	})
}

func describeFederated(f estate.FederatedCredential) map[string]any {
	return map[string]any{"name": f.Name, "issuer": f.Issuer, "audience": f.Audience, "subject": f.Subject, "condition": f.Condition}
}

// aboutLastFederated turns an error about a client whose last entry is new into
// one about that entry.
func aboutLastFederated(err error, last int) error {
	var e *estate.Error
	if !errors.As(err, &e) || len(e.Fields) != 1 {
		return err
	}
	of := federatedPointer(last)
	if member, found := strings.CutPrefix(e.Fields[0].Pointer, of); found {
		return invalidClient(member, e.Fields[0].Detail)
	}
	return invalidClient("", e.Fields[0].Detail)
}

var (
	errFederatedExists = estate.E(estate.Conflict, api.CodeFederatedExists, "Federated credential exists", "The client has a federated credential of this name.")
	errNoFederated     = estate.E(estate.NotFound, api.CodeFederatedNotFound, "Not found", "The client has no federated credential of this name.")
)
