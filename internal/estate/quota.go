package estate

// How many things of a kind a tenant can have.
const (
	MaxWebhooks          = 150
	MaxIdentityProviders = 50
	MaxGroups            = 10_000
	MaxCustomRoles       = 500
)
