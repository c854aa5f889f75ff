// Package org is the organization console: what people of an organization see of
// their estate, and do with it.
package org

import (
	"time"

	"github.com/freehold-platform/freehold/internal/console/frame"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/provision"
	"github.com/freehold-platform/freehold/internal/tenancy"
	"github.com/freehold-platform/freehold/internal/webhook"
)

// Config is what the pages call.
type Config struct {
	Now        func() time.Time
	Tenancy    *tenancy.Service
	Credential *credential.Service
	Trail      event.Trail
	Webhook    *webhook.Service
	Provision  *provision.Service
}

// Console is the pages of the organization console.
type Console struct{ Config }

// New makes a Console.
func New(c Config) *Console { return &Console{c} }

// Pages is the table of all pages.
func (c *Console) Pages() []frame.Page {
	return []frame.Page{
		{Method: "GET", Path: "/{$}", ID: "overview", Handle: c.overview},
	}
}
