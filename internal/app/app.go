// Package app puts Freehold together: configuration, construction, start,
// readiness and shutdown.
package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/freehold-platform/freehold/internal/console"
	"github.com/freehold-platform/freehold/internal/console/frame"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/directory"
	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/event"
	"github.com/freehold-platform/freehold/internal/httpapi"
	"github.com/freehold-platform/freehold/internal/inventory"
	"github.com/freehold-platform/freehold/internal/job"
	"github.com/freehold-platform/freehold/internal/keyring"
	"github.com/freehold-platform/freehold/internal/outbound"
	"github.com/freehold-platform/freehold/internal/peer"
	"github.com/freehold-platform/freehold/internal/provision"
	"github.com/freehold-platform/freehold/internal/signin"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/telemetry"
	"github.com/freehold-platform/freehold/internal/tenancy"
	"github.com/freehold-platform/freehold/internal/throttle"
	"github.com/freehold-platform/freehold/internal/webhook"
)

// App is an opened estate with its services. Serving it is optional: the
// operator's commands use the services directly.
type App struct {
	Config     Config
	Store      *store.Store
	Credential *credential.Service
	Tenancy    *tenancy.Service
	Directory  *directory.Service
	SignIn     *signin.Service
	Jobs       *job.Queue
	Trail      event.Trail
	Webhook    *webhook.Service
	Provision  *provision.Service
	Pages      *frame.Frame
	Peers      *peer.Exchange // nil: there can be no other servers
	Metrics    *telemetry.Metrics
	Version    string // of the program; set before Serve, for metrics and traces to tell

	// FollowInterval is how often the server looks for what others have changed. It
	// is set before Serve, by tests that can't wait.
	FollowInterval time.Duration

	log *slog.Logger
	now func() time.Time
	ca  *ca // of tls=internal

	certificate *certificateFiles // of tls=files

	tracer *telemetry.Tracer        // nil: no traces are kept
	admin  atomic.Pointer[net.Addr] // see AdminAddress

	asking  singleflight.Group // whether the database answers, and is written to
	rates   *throttle.Rates
	proxies []netip.Prefix
}

// Clock is the time that the services see: UTC, in the milliseconds that go
// over the wire, so that a time read from an answer compares equal to the
// stored one.
func Clock() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// Open opens the data folder, making it on first use. It starts nothing.
func Open(ctx context.Context, c Config, log *slog.Logger, now func() time.Time) (*App, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	metrics := telemetry.NewMetrics()
	metrics.Grants(credential.GrantTypes(estate.SurfaceTenant)...)
	options := c.StoreOptions()
	options.Metrics = metrics
	db, err := store.Open(ctx, options)
	if err != nil {
		return nil, err
	}
	keys, err := keyring.Open(ctx, db, keyring.Options{Master: c.MasterKey(), Algorithm: c.SigningAlgorithm, Now: now})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	var authority *ca
	if c.TLS == TLSInternal {
		if authority, err = openCA(c.DataDir, now()); err != nil {
			return nil, errors.Join(fmt.Errorf("development CA: %w", err), db.Close())
		}
	}
	proxies, err := c.trustedProxies()
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	jobs, err := job.Open(db, log, now)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	audit := event.Auditor{Store: db, Log: log, Now: now}
	tenants := tenancy.New(db, keys, audit, now, c.Domain)
	tenants.MinPurgeDays = c.TenantPurgeMinDays
	fetch := outbound.New(c.AllowPrivate, now)
	provisioners := provision.New(db, keys, audit, jobs, fetch, now, c.Domain)
	tenants.Provision = provisioners.Changed
	tenants.Memory = inventory.New(db, log, time.Now)
	a := &App{
		Config:         c,
		Store:          db,
		Credential:     credential.New(db, keys, audit, fetch, now, log),
		Tenancy:        tenants,
		Directory:      directory.New(db, audit, now),
		SignIn:         signin.New(db, keys, audit, fetch, now, log),
		Jobs:           jobs,
		Trail:          event.Trail{Store: db},
		Webhook:        webhook.New(db, keys, audit, jobs, fetch, now, log),
		Provision:      provisioners,
		FollowInterval: followInterval,
		Metrics:        metrics,

		log:     log,
		now:     now,
		ca:      authority,
		rates:   throttle.NewRates(),
		proxies: proxies,
	}
	a.Credential.Accounts = a.SignIn.AccountActor
	a.SignIn.Metrics, a.Jobs.Metrics, a.Webhook.Metrics, a.Provision.Metrics = metrics, metrics, metrics, metrics
	if err := metrics.Look(a.look); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	if c.Database != "" { // on SQLite there is one server
		a.Peers = peer.New(db, log, now, a.shared()...)
	}
	if a.Pages, err = console.New(a.console(keys)); err != nil {
		return nil, errors.Join(fmt.Errorf("pages: %w", err), a.Close())
	}
	return a, nil
}

// RewrapKeys seals the server's keys under the master key in file, which is made
// if it is missing, or in the output of command.
func (a *App) RewrapKeys(ctx context.Context, actor estate.Actor, file string, command []string) (int, error) {
	return a.Credential.RewrapKeys(ctx, actor, keyring.MasterSource{File: file, Command: command})
}

// Close closes the database and the connections to others.
func (a *App) Close() error {
	a.Provision.Close()
	return a.Store.Close()
}

// Time limits of the server. A slow or stuck client must not hold resources;
// the contract's largest bodies are small.
const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = 2 * time.Minute
	shutdownTimeout   = 20 * time.Second
	flushTimeout      = 5 * time.Second // for the last traces
	maxHeaderBytes    = 32 << 10

	followInterval = 200 * time.Millisecond // how stale a cache may be after a change by another process
	trimInterval   = 10 * time.Minute
)

// heapFloor is memory that is reserved and never touched, so that it takes none,
// but that the collector counts: it collects when the heap has doubled, and that
// of a small server under load would double dozens of times a second.
const heapFloor = 32 << 20 // bytes

// Serve serves the estate on listener until ctx ends, and then until running
// requests are done. It closes the listener, and not the App.
func (a *App) Serve(ctx context.Context, listener net.Listener) error {
	tlsConfig, err := a.tlsConfig()
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	if tlsConfig != nil && a.Config.TLSAskClient == ClientAuthRequest {
		// The certificate is not verified against any CA: it counts by its
		// thumbprint alone (RFC 8705 section 6.3).
		tlsConfig.ClientAuth = tls.RequestClientCert
	}
	a.Metrics.Built(a.Version)
	stopAdmin, err := a.serveAdmin(ctx)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	if err := a.startTracing(ctx); err != nil {
		return errors.Join(err, stopAdmin(), listener.Close())
	}
	floor := make([]byte, heapFloor)
	defer runtime.KeepAlive(floor)
	var stopping atomic.Bool
	server := &http.Server{
		Handler:           a.handler(port(listener), &stopping),
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		TLSConfig:         tlsConfig,
		ErrorLog:          slog.NewLogLogger(a.log.Handler(), slog.LevelDebug), // broken handshakes are the clients' business
	}
	server.RegisterOnShutdown(a.Provision.StopWaiting)
	background, stopBackground := context.WithCancel(context.WithoutCancel(ctx))
	var jobs sync.WaitGroup
	jobs.Go(func() { a.Jobs.Run(background) })
	jobs.Go(func() { a.Store.Follow(background, a.log, time.Now, a.FollowInterval) })
	jobs.Go(func() { a.Credential.Run(background) })
	jobs.Go(func() { a.Credential.RotateKeys(background, a.Config.SigningKeyRotation) })
	jobs.Go(func() { a.Credential.Watch(background) })
	jobs.Go(func() { a.Tenancy.Run(background) })
	jobs.Go(func() { a.Tenancy.Memory.Run(background) })
	jobs.Go(func() { a.Webhook.Run(background) })
	jobs.Go(func() { a.trim(background) })
	if a.certificate != nil {
		jobs.Go(func() { a.certificate.follow(background) })
	}
	if a.Peers != nil {
		jobs.Go(func() { a.Peers.Run(background) })
	}

	served := make(chan error, 1)
	go func() {
		if tlsConfig != nil {
			served <- server.ServeTLS(listener, "", "")
		} else {
			served <- server.Serve(listener)
		}
	}()
	if (a.Config.PublicScheme != "" || a.Config.PublicPort != 0) && a.Config.TrustedProxies == "" {
		a.log.Warn("behind a proxy all clients seem to have its address, and delay one another with wrong secrets: set trusted_proxies")
	}
	a.log.Info("serving", "address", listener.Addr().String(), "domain", a.Config.Domain, "tls", a.Config.TLS)
	select {
	case err = <-served:
	case <-ctx.Done():
		stopping.Store(true)
		a.log.Info("shutting down")
		timeout, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		err = server.Shutdown(timeout)
		if serveErr := <-served; !errors.Is(serveErr, http.ErrServerClosed) {
			err = errors.Join(err, serveErr)
		}
	}
	stopBackground()
	jobs.Wait()
	a.Webhook.Close()
	a.stopTracing(ctx)
	return errors.Join(err, stopAdmin())
}

// startTracing has traces sent to the collector, if there is one.
func (a *App) startTracing(ctx context.Context) (err error) {
	if a.Config.TraceEndpoint != "" {
		a.tracer, err = telemetry.NewTracer(ctx, telemetry.TracerOptions{
			Endpoint: a.Config.TraceEndpoint, Ratio: a.Config.TraceSampleRatio, Version: a.Version, Log: a.log,
		})
	}
	a.Jobs.Tracer, a.Webhook.Tracer = a.tracer, a.tracer
	return err
}

// stopTracing sends what is left. A collector that is away is no failure of the
// server's, and its loss is in the log.
func (a *App) stopTracing(ctx context.Context) {
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	if err := a.tracer.Close(within); err != nil {
		a.log.Warn("the last traces are lost", "error", err)
	}
}

func port(listener net.Listener) int {
	if tcp, ok := listener.Addr().(*net.TCPAddr); ok {
		return tcp.Port
	}
	return 0
}

// Handler is what Serve serves, for a server that listens on port.
func (a *App) Handler(port int) http.Handler { return a.handler(port, new(atomic.Bool)) }

func (a *App) handler(port int, stopping *atomic.Bool) http.Handler {
	if a.Config.PublicPort != 0 {
		port = a.Config.PublicPort
	}
	a.Provision.ServeAt(a.Config.Origin(estate.ConsoleLabel+"."+a.Config.Domain, port))
	return httpapi.New(httpapi.Config{
		Credential: a.Credential,
		Tenancy:    a.Tenancy,
		Provision:  a.Provision,
		Directory:  a.Directory,
		SignIn:     a.SignIn,
		Trail:      a.Trail,
		Webhook:    a.Webhook,
		Ready: func(ctx context.Context) map[string]error {
			// Without the database tokens go on, from memory. Every node loses it at the same
			// time, and a load balancer that took them all out would end that too.
			reads := a.databaseAnswers(ctx)
			writes := reads
			if reads == nil {
				writes = a.databaseWrites(ctx)
			}
			checks := map[string]error{"database": httpapi.Degrade(reads), "writes": httpapi.Degrade(writes), "changes": a.outOfTouch(), "serving": nil}
			if stopping.Load() {
				checks["serving"] = errors.New("shutting down")
			}
			return checks
		},
		OutOfTouch: a.outOfTouch,

		Log:   a.log,
		Now:   time.Now, // durations need the monotonic clock
		Clock: a.now,

		Metrics: a.Metrics,
		Tracer:  a.tracer,

		Rates:          a.rates,
		Limits:         a.Config.limits(),
		TrustedProxies: a.proxies,

		Domain: a.Config.Domain,
		Scheme: a.Config.scheme(),
		Port:   port,

		ClientCertificates: a.Config.TLSAskClient == ClientAuthRequest,

		Pages: a.Pages,
	})
}

// tlsConfig returns nil when TLS is off.
func (a *App) tlsConfig() (*tls.Config, error) {
	switch a.Config.TLS {
	case TLSInternal:
		return a.ca.tlsConfig(a.Config.Domain, a.now), nil
	case TLSFiles:
		files, err := loadCertificate(a.Config.TLSCert, a.Config.TLSKey, a.now, a.log)
		if err != nil {
			return nil, err
		}
		a.certificate = files
		return &tls.Config{GetCertificate: files.get, MinVersion: tls.VersionTLS12}, nil
	default:
		return nil, nil //nolint:nilnil // no TLS is no error
	}
}

// trim deletes what is past its retention, now and then, also from memory.
func (a *App) trim(ctx context.Context) {
	ticker := time.NewTicker(trimInterval)
	defer ticker.Stop()
	for {
		a.rates.Trim(a.now())
		a.Credential.Trim()
		err := a.Store.Write(ctx, func(tx *store.Tx) error { return tx.Trim(ctx, a.now()) })
		if err != nil && ctx.Err() == nil {
			a.log.Error("trim", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
