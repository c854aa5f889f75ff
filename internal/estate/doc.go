// Package estate is the vocabulary of Freehold: the things a platform consists
// of, who acts on them, how far an actor reaches, and the errors that come of
// it. It holds no behaviour that needs a database or a network.
//
//	Organization ─┬─ Account (a person; owner of some subscriptions)
//	              ├─ Client (organization level)
//	              └─ Subscription (entitlement: tenant count, regions, validity)
//	                    ├─ Client (region level, one region)
//	                    └─ Tenant (region, host names, status) ─┬─ User (people and bots)
//	                                                            └─ Client (tenant level)
package estate
