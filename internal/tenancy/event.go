package tenancy

import "github.com/freehold-platform/freehold/internal/estate"

// tenantEvent is the documented data of the events about a tenant, for
// event.KeyEvent. Events that tell more or less add and drop keys.
func (s *Service) tenantEvent(t estate.Tenant) map[string]any {
	names := []string{string(t.Hostname) + "." + s.domain}
	if t.Alias != "" {
		names = append(names, string(t.Alias)+"."+s.domain)
	}
	return map[string]any{"id": t.ID, "name": t.Name, "hostnames": names, "licenseId": t.Subscription}
}
