package estate

import (
	"slices"

	"github.com/freehold-platform/freehold/api"
)

// AccountActor is the actor that an account is. It acts at organization level:
// owned are the subscriptions of which it is an owner, and others those of its
// organization of which it is not.
//
// An owner may do what an organization-level client with the scopes of that level
// may, but for what such a client does to subscriptions of others: the scopes by
// which it would are held only by who owns everything, so that nobody gets to
// another owner's subscriptions by making a client, or by saying who people are. What an owner may do to its
// own subscriptions follows from owning them.
func AccountActor(account Account, owned, others []SubscriptionID) Actor {
	a := Actor{
		Kind: ActorAccount, ID: string(account.ID), Level: LevelOrganization, Scope: Scope{Organization: account.Organization},
		Owned: owned, Others: others,
	}
	switch {
	case len(owned) == 0:
	case len(others) == 0:
		a.Permissions = api.OrganizationClientScopes()
	default:
		a.Permissions = slices.DeleteFunc(Permissions(api.OrganizationScopes()), func(name string) bool {
			return name == api.ScopeOrgSubscriptions || name == api.ScopeOrgIdentityProviders
		})
	}
	return a
}

// IsOwner tells whether a is an account that owns a subscription.
func (a Actor) IsOwner() bool { return a.Kind == ActorAccount && len(a.Owned) > 0 }

// Owns tells whether a is an account that owns the subscription.
func (a Actor) Owns(id SubscriptionID) bool {
	return a.Kind == ActorAccount && slices.Contains(a.Owned, id)
}

// Lacks tells why a may not do at a level what needs permission; nil: it may.
func (a Actor) Lacks(level Level, permission string) error {
	switch {
	case a.Can(level, permission):
		return nil
	case a.Kind != ActorAccount:
		return E(Forbidden, api.CodeInsufficientScope, "Forbidden", "The token lacks the scope "+permission+".")
	case !a.IsOwner():
		return errNoOwner
	}
	return errOtherOwner
}

// LacksFor is Lacks for something of one subscription of a's organization: an
// organization-level client needs permission for it, an account must own it.
func (a Actor) LacksFor(id SubscriptionID, permission string) error {
	switch {
	case a.Kind != ActorAccount:
		return a.Lacks(LevelOrganization, permission)
	case a.Owns(id):
		return nil
	case !a.IsOwner():
		return errNoOwner
	case slices.Contains(a.Others, id):
		return errOtherOwner
	}
	return errNoSubscription
}

// In is the account a at region level, in a subscription that it owns: there it
// may do what a region-level client with all scopes may.
func (a Actor) In(id SubscriptionID, region RegionCode) (Actor, error) {
	if err := a.LacksFor(id, ""); err != nil {
		return Actor{}, err
	}
	if a.Kind != ActorAccount {
		return Actor{}, errOtherOwner
	}
	a.Level, a.Scope.Subscription, a.Scope.Region, a.Permissions = LevelRegion, id, region, api.RegionScopes()
	return a, nil
}

var (
	errNoOwner = E(Forbidden, api.CodeNoOwner, "Not a service account owner",
		"This needs an account that owns a subscription. Who runs the server, or an owner, can name the account an owner.")
	errNoSubscription = E(NotFound, api.CodeEstateNotFound, "Not found", "No such subscription.")
	errOtherOwner     = E(Forbidden, api.CodeOtherOwner, "Not an owner of the subscription",
		"The account owns other subscriptions than the ones this is about. An owner of these can do it.")
)
