package credential

import (
	"context"
	"slices"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
)

// proveClient proves who asks. Whatever is wrong, the answer is the same
// and takes about as long: an unknown client is compared with a secret too.
func (s *Service) proveClient(ctx context.Context, c Credentials) (estate.Client, error) {
	if c.ClientID == "" {
		return estate.Client{}, errInvalidRequest.InParameter("client_id", "client_id is missing")
	}
	if c.Secret == "" {
		return estate.Client{}, errInvalidRequest.InParameter("client_secret", "client_secret is missing")
	}
	id := estate.ClientID(c.ClientID)
	client := estate.Client{Secrets: []estate.ClientSecret{nobody}}
	if id.Valid() {
		found, err := s.clients.Get(ctx, id)
		switch {
		case err == nil:
			client = found
		case !estate.HasCode(err, api.CodeClientNotFound):
			return estate.Client{}, err
		}
	}
	now := s.now()
	matches, hint := false, ""
	for _, stored := range client.Secrets {
		if s.keys.SecretMatches(stored, id, c.Secret) && stored.ValidAt(now) {
			matches, hint = true, stored.Hint
		}
	}
	if !matches || client.ID == "" || !client.DisabledAt.IsZero() {
		return estate.Client{}, errInvalidClient
	}
	s.usage.usedSecret(client, hint, now)
	return client, nil
}

// nobody's secret has a hash that no secret has: it is shorter than any.
var nobody = estate.ClientSecret{Hash: []byte{}}

// AllowsOrigin tells whether pages of a web origin may read what is answered to
// a client.
func (s *Service) AllowsOrigin(ctx context.Context, id estate.ClientID, origin string) bool {
	client, err := s.clients.Get(ctx, id)
	return err == nil && slices.Contains(client.AllowedOrigins, origin)
}
