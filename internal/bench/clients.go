package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/bench/measure"
)

// manyClients measures tokens that are asked for by many clients in turn, on each
// engine.
func (b *bench) manyClients(ctx context.Context) (t table, err error) {
	t = table{
		title: "Tokens for many clients",
		text: fmt.Sprintf("As above, at the register host, by so many clients in turn, %d connections. The limit program has one client. "+
			"Resident memory is that of the server after its clients were all busy.", b.connections),
		targets: "as above, and flat from 10 to 100,000 clients on either engine; under 512 MiB",
		head:    append(append([]string{"engine", "clients"}, tokenHead[1:]...), "memory MiB"),
	}
	for _, engine := range b.engines {
		if err := b.clientsOn(ctx, engine, &t); err != nil {
			return t, fmt.Errorf("%s: %w", engine, err)
		}
	}
	return t, nil
}

func (b *bench) clientsOn(ctx context.Context, engine string, t *table) (err error) {
	in, err := b.installOn(ctx, engine, "clients")
	if err != nil {
		return err
	}
	server, err := b.serve(ctx, in)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	limit, err := b.limitTokenServer(ctx, in.Regions[region])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, limit.Stop()) }()
	console, err := newCaller(ctx, server, in, in.Console)
	if err != nil {
		return err
	}
	host := in.host(in.Regions[region])
	var requests [][]byte
	for _, n := range b.numbers {
		more, err := b.makeClients(ctx, console, host, n-len(requests))
		if err != nil {
			return err
		}
		requests = append(requests, more...)
		var turn atomic.Int64
		next := func() []byte { return requests[int(turn.Add(1)%int64(n))] }
		onLimit := target{server: limit, request: tokenRequest(in.Regions[region], host), connections: b.connections, check: checkToken}
		onServer := target{server: server, next: next, connections: b.connections, check: checkToken}
		name := fmt.Sprintf("tokens for %d clients on %s", n, engine)
		// All clients have been busy before the measurement, and are known.
		all := onServer
		all.count = int64(n)
		for _, w := range []measurement{b.window(all, maxWindow), b.window(onServer, b.warmup), b.window(onLimit, b.warmup)} {
			if _, err := w(ctx); err != nil {
				return fmt.Errorf("%s, warm-up: %w", name, err)
			}
		}
		pair, err := b.alternate(ctx, name, b.window(onLimit, b.duration), b.window(onServer, b.duration))
		if err != nil {
			return err
		}
		memory := ""
		if bytes, err := measure.Memory(server.PID()); err == nil {
			memory = fmt.Sprintf("%.0f", mebibytes(bytes))
		}
		row := append([]string{engine, count(float64(n))}, tokenRow("", pair)[1:]...)
		t.rows = append(t.rows, append(row, memory))
	}
	return nil
}

// makers is how many clients are made at the same time.
const makers = 16

// makeClients makes clients of the region and returns their requests for a token.
func (b *bench) makeClients(ctx context.Context, console *caller, host string, n int) ([][]byte, error) {
	var subscriptions api.SubscriptionList
	if err := console.call(ctx, http.MethodGet, "/api/core/subscriptions", nil, &subscriptions); err != nil {
		return nil, err
	}
	if len(subscriptions.Data) == 0 {
		return nil, errors.New("quickstart made no subscription")
	}
	if n > makers {
		fmt.Fprintf(b.progress, "making %d clients\n", n)
	}
	requests, errs := make([][]byte, n), make([]error, makers)
	var made atomic.Int64
	var running sync.WaitGroup
	for maker := range makers {
		running.Go(func() {
			for errs[maker] == nil && ctx.Err() == nil {
				i := int(made.Add(1)) - 1
				if i >= n {
					return
				}
				var client api.OAuthClient
				errs[maker] = console.call(ctx, http.MethodPost, "/api/core/subscriptions/"+subscriptions.Data[0].ID+"/oauth-clients",
					api.CreateRegionOAuthClientRequest{RegionCode: region, ClientName: "bench " + strconv.Itoa(i)}, &client)
				requests[i] = tokenRequest(credentials{ClientID: client.ClientID, ClientSecret: client.ClientSecret}, host)
			}
		})
	}
	running.Wait()
	return requests, errors.Join(errors.Join(errs...), ctx.Err())
}
