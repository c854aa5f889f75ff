package app_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/pgtest"
	"github.com/freehold-platform/freehold/internal/tenancy"
	"github.com/freehold-platform/freehold/internal/testenv"
)

// nodesOn opens as many nodes on one new PostgreSQL database, without serving.
func nodesOn(b *testing.B, n int) []*testenv.Env {
	b.Helper()
	dir := b.TempDir()
	config := testenv.Config(b, dir)
	config.Database = pgtest.New(b, nil)
	nodes := []*testenv.Env{testenv.OpenWith(b, config, dir)}
	for range n - 1 {
		nodes = append(nodes, nodes[0].Another())
	}
	return nodes
}

// BenchmarkNodes_Create is what nodes on one database cost one another when each
// of 16 callers creates tenants at one of them: all their writes pass one lock.
func BenchmarkNodes_Create(b *testing.B) {
	const callers = 16
	for n := 1; n <= 3; n++ {
		b.Run(fmt.Sprint("nodes=", n), func(b *testing.B) {
			nodes := nodesOn(b, n)
			sub := nodes[0].Subscription(1_000_000, "us")
			var left atomic.Int64
			left.Store(int64(b.N))
			var group sync.WaitGroup
			b.ResetTimer()
			for caller := range callers {
				at := nodes[caller%n].App.Tenancy
				group.Go(func() {
					for left.Add(-1) >= 0 {
						if _, err := at.CreateTenantFor(context.Background(), testenv.Operator, sub.ID, "us", tenancy.NewTenant{}); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			group.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "creates/s")
		})
	}
}

// BenchmarkFlush is what the use of clients costs that is written behind the token
// path: of as many clients as operations, each with one token since the last time.
func BenchmarkFlush(b *testing.B) {
	e := nodesOn(b, 1)[0]
	tenant := e.Tenant(e.Subscription(10, "us"), "us")
	surface := estate.Surface{Kind: estate.SurfaceTenant, Origin: "http://tenant.us.freehold.localhost", Tenant: tenant}
	clients := make([]testenv.Credentials, min(b.N, 2000))
	length := 0
	issue := func(c testenv.Credentials) {
		token, err := e.App.Credential.IssueToken(b.Context(), surface, credential.TokenRequest{
			GrantType: api.GrantClientCredentials, Credentials: credential.Credentials{ClientID: string(c.ID), Secret: estate.Secret(c.Secret)},
		})
		if err != nil {
			b.Fatal(err)
		}
		length = len(token.Value)
	}
	for i := range clients {
		clients[i] = e.TenantClient(tenant)
		issue(clients[i]) // the first makes its bot
	}
	e.App.Credential.Flush(b.Context())
	b.ResetTimer()
	for done := 0; done < b.N; {
		b.StopTimer()
		n := min(len(clients), b.N-done)
		for _, c := range clients[:n] {
			issue(c)
		}
		b.StartTimer()
		e.App.Credential.Flush(b.Context())
		done += n
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "clients/s")
	b.ReportMetric(float64(length), "token-bytes")
}
