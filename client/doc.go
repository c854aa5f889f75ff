// Package client is the Go client of Freehold's HTTP surfaces.
//
// A Client talks to one host: the console, a region's register host, or a
// tenant. It fetches access tokens itself, keeps them until shortly before they
// expire, and repeats calls that are safe to repeat:
//
//	register, err := client.New("https://register.us.example.com",
//		client.WithCredentials(client.Credentials{ClientID: id, ClientSecret: secret}))
//	if err != nil {
//		return err
//	}
//	tenant, err := register.CreateTenant(ctx, api.CreateTenantRequest{LicenseKey: key}, nil)
//
// A token is accepted only by the host that issued it. The same credential at
// another host therefore means another token, and [Client.Host] makes the
// Client that goes with it; both share connections and credential:
//
//	target, err := register.Host("https://" + tenant.Hostnames[0])
//	me, err := target.GetMyUser(ctx)
//
// A secret need not be shown to every host: [Client.Exchange] makes a Client
// that buys its tokens with those of another. With [WithDPoP] a stolen token is
// worth nothing.
//
// A client needs no secret where it can sign ([AssertionKey]) or where its
// platform gives it tokens that the server trusts ([AssertionFile]).
//
// A program that acts for a person gets their approval with [Client.SignIn], and
// calls with [WithPersonTokens].
//
// What the server refuses comes back as an [*Error]. Answers that point to
// another origin, by a redirect or by the link of a next page, are refused with
// [ErrForeignOrigin], so that no token and no secret leaves the host it is for.
//
// Names ending in ".localhost" are resolved to the loopback addresses inside
// the client, so that a server on this machine needs no DNS.
//
// All methods may be called from several goroutines at once.
package client
