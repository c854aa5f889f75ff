package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/freehold-platform/freehold/internal/bench/measure"
)

var tokenHead = []string{
	"token for", "limit/s", "freehold/s", "ratio",
	"limit CPU µs", "freehold CPU µs", "ratio", "limit p99 ms", "freehold p99 ms", "load CPU µs",
}

// tokens measures the issue of access tokens for all three kinds of client and
// host.
func (b *bench) tokens(ctx context.Context) (t table, err error) {
	in, err := b.install(ctx, "tokens")
	if err != nil {
		return t, err
	}
	tenant, err := in.tenant(region)
	if err != nil {
		return t, err
	}
	server, err := b.serve(ctx, in)
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	atRest, memoryErr := measure.Memory(server.PID())

	t = table{
		title: "Tokens",
		text: fmt.Sprintf("POST /oauth/token, client_credentials, secret in the form, %d connections. The limit program parses the form, "+
			"compares an HMAC of the secret, signs with ES256 and writes JSON.", b.connections),
		targets: "at least 0.80 of the limit's tokens per second; p99 under 8 ms at 32 connections",
		head:    tokenHead,
	}
	for _, c := range []struct {
		name   string
		client credentials
		host   string
	}{
		{"region client at the register host", in.Regions[region], in.host(in.Regions[region])},
		{"region client at a tenant's host", in.Regions[region], in.host(tenant)},
		{"organization client at the console", in.Console, in.host(in.Console)},
	} {
		limit, err := b.limitTokenServer(ctx, c.client)
		if err != nil {
			return t, err
		}
		pair, err := b.tokenPair(ctx, c.name, tokenRequest(c.client, c.host), limit, server)
		if err := errors.Join(err, limit.Stop()); err != nil {
			return t, err
		}
		t.rows = append(t.rows, tokenRow(c.name, pair))
	}
	t.notes = append(t.notes, fmt.Sprintf("Ready %d ms after the start of the process (target: under 150 ms).", server.Ready.Milliseconds()))
	if loaded, err := measure.Memory(server.PID()); err == nil && memoryErr == nil {
		t.notes = append(t.notes, fmt.Sprintf("Resident memory: %.0f MiB at rest (target: under 64 MiB), %.0f MiB after the load.",
			mebibytes(atRest), mebibytes(loaded)))
	}
	return t, nil
}

// self measures the limit program against itself: what a ratio shows besides 1
// is noise of the machine and the method.
func (b *bench) self(ctx context.Context) (t table, err error) {
	client := credentials{ClientID: rand.Text(), ClientSecret: rand.Text() + rand.Text()}
	var servers [2]*measure.Server
	for i := range servers {
		if servers[i], err = b.limitTokenServer(ctx, client); err != nil {
			return t, err
		}
		defer func() { err = errors.Join(err, servers[i].Stop()) }()
	}
	const name = "the limit program itself"
	pair, err := b.tokenPair(ctx, name, tokenRequest(client, "register."+region+"."+domain), servers[0], servers[1])
	if err != nil {
		return t, err
	}
	return table{
		title: "The method",
		text:  "The limit program for tokens in both places. Its ratios should be 1; how far they are from it is the noise of the other tables.",
		head:  tokenHead,
		rows:  [][]string{tokenRow(name, pair)},
	}, nil
}

// limitTokenServer starts the limit program for one client.
func (b *bench) limitTokenServer(ctx context.Context, c credentials) (*measure.Server, error) {
	port, err := measure.FreePort(ctx)
	if err != nil {
		return nil, err
	}
	cmd := measure.Command(ctx, b.core, b.limit, "token", "-listen", fmt.Sprintf("127.0.0.1:%d", port),
		"-client-id", c.ClientID, "-client-secret", c.ClientSecret)
	return measure.StartServer(ctx, cmd, port, "limit", filepath.Join(b.work, "limit.log"))
}

// tokenPair sends the same request to both servers in turn.
func (b *bench) tokenPair(ctx context.Context, name string, request []byte, limit, server *measure.Server) (measure.Pair, error) {
	t := target{request: request, connections: b.connections, check: checkToken}
	onLimit, onServer := t, t
	onLimit.server, onServer.server = limit, server
	for _, t := range []target{onLimit, onServer} {
		if _, err := b.window(t, b.warmup)(ctx); err != nil {
			return measure.Pair{}, fmt.Errorf("%s, warm-up: %w", name, err)
		}
	}
	return b.alternate(ctx, name, b.window(onLimit, b.duration), b.window(onServer, b.duration))
}

func tokenRow(name string, pair measure.Pair) []string {
	limit, ours := measure.Median(pair.Limit), measure.Median(pair.Real)
	return []string{
		name, count(limit.PerSecond), count(ours.PerSecond), ratio(pair.Ratio(perSecond)),
		decimal(limit.CPU), decimal(ours.CPU), ratio(pair.Ratio(cpu)),
		decimal(limit.P99 / 1000), decimal(ours.P99 / 1000), decimal(ours.LoadCPU),
	}
}

func mebibytes(bytes int64) float64 { return float64(bytes) / (1 << 20) }
