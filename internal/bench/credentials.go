package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/bench/load"
	"github.com/freehold-platform/freehold/internal/bench/measure"
)

// operation is one row of the scenario credentials: the same thing asked of both.
type operation struct {
	name          string
	limit, server target
}

// credentials measures what is done about credentials beside the token by secret.
func (b *bench) credentials(ctx context.Context) (t table, err error) {
	in, err := b.install(ctx, "credentials")
	if err != nil {
		return t, err
	}
	server, err := b.serve(ctx, in)
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	s, err := newSender()
	if err != nil {
		return t, err
	}
	console, err := newCaller(ctx, server, in, in.Console)
	if err != nil {
		return t, err
	}
	id, err := s.registered(ctx, console)
	if err != nil {
		return t, err
	}
	client := in.Regions[region]
	limit, err := b.limitCredentialServer(ctx, client, s)
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, limit.Stop()) }()

	t = table{
		title: "Credentials",
		text: fmt.Sprintf("What is done about credentials beside the token by secret, %d connections, ES256 throughout. The limit program verifies what "+
			"has to be verified, remembers the ids that may come once in its memory, signs what has to be signed and writes the answer. The load generator "+
			"signs a new assertion or proof for each request.", b.connections),
		targets: "introspection at least 9,000 a second",
		head:    append([]string{"operation"}, tokenHead[1:]...),
		notes: []string{
			"The server writes the id of each assertion to its database before it answers, so that another node refuses it; the limit program's are lost with it.",
		},
	}
	for _, prepare := range []func(context.Context, *installation, *sender, string, *measure.Server, *measure.Server) (operation, error){
		byAssertion, withProof, introspection, verification,
	} {
		op, err := prepare(ctx, in, s, id, limit, server)
		if err != nil {
			return t, err
		}
		op.limit.connections, op.server.connections = b.connections, b.connections
		op.limit.server, op.server.server = limit, server
		pair, err := b.pair(ctx, op)
		if err != nil {
			return t, err
		}
		t.rows = append(t.rows, tokenRow(op.name, pair))
	}
	return t, nil
}

func (b *bench) pair(ctx context.Context, op operation) (measure.Pair, error) {
	for _, t := range []target{op.limit, op.server} {
		if _, err := b.window(t, b.warmup)(ctx); err != nil {
			return measure.Pair{}, fmt.Errorf("%s, warm-up: %w", op.name, err)
		}
	}
	return b.alternate(ctx, op.name, b.window(op.limit, b.duration), b.window(op.server, b.duration))
}

// limitCredentialServer starts the limit program for a client and a sender.
func (b *bench) limitCredentialServer(ctx context.Context, c credentials, s *sender) (*measure.Server, error) {
	port, err := measure.FreePort(ctx)
	if err != nil {
		return nil, err
	}
	cmd := measure.Command(ctx, b.core, b.limit, "credential", "-listen", fmt.Sprintf("127.0.0.1:%d", port),
		"-client-id", c.ClientID, "-client-secret", c.ClientSecret, "-client-key", s.x+"."+s.y)
	return measure.StartServer(ctx, cmd, port, "limit", filepath.Join(b.work, "limit.log"))
}

func byAssertion(_ context.Context, in *installation, s *sender, id string, _, _ *measure.Server) (operation, error) {
	c := in.Regions[region]
	host := in.host(c)
	return operation{
		"token by private_key_jwt",
		target{next: s.assertions(c.ClientID, host, "/assertion"), check: checkToken},
		target{next: s.assertions(id, host, api.TokenPath), check: checkToken},
	}, nil
}

func withProof(ctx context.Context, in *installation, s *sender, _ string, _, server *measure.Server) (operation, error) {
	c := in.Regions[region]
	host := in.host(c)
	first, err := s.nonce(ctx, server.Addr, host, c)
	if err != nil {
		return operation{}, err
	}
	return operation{
		"token by secret with DPoP",
		target{next: s.proofs(c, host, "/dpop", first), check: checkToken},
		target{next: s.proofs(c, host, api.TokenPath, first), check: checkToken},
	}, nil
}

func introspection(ctx context.Context, in *installation, _ *sender, _ string, limit, server *measure.Server) (operation, error) {
	c := in.Regions[region]
	ask := func(at *measure.Server, path string) (target, error) {
		k, err := holder(ctx, at, in, c)
		if err != nil {
			return target{}, err
		}
		form := url.Values{"token": {k.token}, "client_id": {c.ClientID}, "client_secret": {c.ClientSecret}}
		return target{request: load.NewRequest(http.MethodPost, k.host, path, form.Encode(),
			"Content-Type: application/x-www-form-urlencoded", "Accept: application/json"), check: checkActive}, nil
	}
	onLimit, err := ask(limit, "/introspect")
	onServer, err2 := ask(server, "/oauth/introspect")
	return operation{"introspection", onLimit, onServer}, errors.Join(err, err2)
}

// verification is what every request with a token pays: of the resources, "users/me"
// costs least beside it.
func verification(ctx context.Context, in *installation, _ *sender, _ string, limit, server *measure.Server) (operation, error) {
	tenant, err := in.tenant(region)
	if err != nil {
		return operation{}, err
	}
	at := in.Regions[region]
	at.URL, at.RegisterURL = tenant.URL, ""
	get := func(at *measure.Server, c credentials, path string) (target, error) {
		k, err := holder(ctx, at, in, c)
		if err != nil {
			return target{}, err
		}
		return target{request: k.request(http.MethodGet, path, ""), status: http.StatusFound}, nil
	}
	onLimit, err := get(limit, at, "/verify")
	onServer, err2 := get(server, at, "/api/v1/users/me")
	return operation{"verification of a token", onLimit, onServer}, errors.Join(err, err2)
}

// holder gets a token by a form, which the limit program understands too.
func holder(ctx context.Context, server *measure.Server, in *installation, c credentials) (*caller, error) {
	k := &caller{addr: server.Addr, host: in.host(c)}
	form := url.Values{"grant_type": {api.GrantClientCredentials}, "client_id": {c.ClientID}, "client_secret": {c.ClientSecret}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+k.addr+api.TokenPath, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Host = k.host
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	var answer api.TokenResponse
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.AccessToken == "" {
		return nil, errors.Join(fmt.Errorf("no token: %s", resp.Status), err)
	}
	k.token = answer.AccessToken
	return k, nil
}

// checkActive accepts an answer about a token that is active.
func checkActive(body []byte) error {
	if !bytes.Contains(body, []byte(`"active":true`)) {
		return errors.New("the token is not active")
	}
	return nil
}
