package org

import "github.com/freehold-platform/freehold/internal/console/frame"

func (c *Console) overview(q *frame.Request) error {
	n, err := c.Tenancy.CountInventory(q.Context(), q.Actor, "")
	if err != nil {
		return err
	}
	return q.Render("Overview", overviewPage(overview{Tenants: n}))
}
