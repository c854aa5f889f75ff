package tenancy

import (
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/filter"
	"github.com/freehold-platform/freehold/internal/paging"
	"github.com/freehold-platform/freehold/internal/store"
)

// formatCursor makes a cursor of a position. That of none is where reading begins: the
// start of the list, or its end for who reads backward.
func formatCursor(p store.TenantPosition, sort []filter.SortKey) string {
	return paging.Format(paging.Sorted("tenants", sort), paging.Place{Values: p.Values, ID: string(p.ID)})
}

func parseCursor(text string, sort []filter.SortKey) (*store.TenantPosition, error) {
	place, err := paging.Parse[paging.Place](paging.Sorted("tenants", sort), text)
	if err != nil {
		return nil, err
	}
	if len(place.Values) == 0 && place.ID == "" {
		return nil, nil //nolint:nilnil // where reading begins has no position
	}
	p := &store.TenantPosition{Values: place.Values, ID: estate.TenantID(place.ID)}
	if !p.Fits(sort) {
		return nil, paging.ErrCursor
	}
	return p, nil
}
