package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/bench/load"
	"github.com/freehold-platform/freehold/internal/bench/measure"
)

const (
	webhooks       = 8
	deliverySecret = "benchmark-benchmark-benchmark-00"
	// deliveryEvents is how many tenants are created, each an event for every
	// webhook: a second or two of deliveries.
	deliveryEvents = 400
	// deliveriesWithin bounds how long they may take to arrive.
	deliveriesWithin = 2 * time.Minute
)

// deliveries measures how fast events reach the receivers of several webhooks,
// from the first event to the last arrival.
func (b *bench) deliveries(ctx context.Context) (t table, err error) {
	in, err := b.install(ctx, "deliveries")
	if err != nil {
		return t, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return t, err
	}
	received := &receiver{}
	sink := &http.Server{Handler: received, ReadHeaderTimeout: time.Minute}
	served := make(chan error, 1)
	go func() { served <- sink.Serve(listener) }()
	defer func() {
		err = errors.Join(err, sink.Close())
		if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
			err = errors.Join(err, ended)
		}
	}()

	private := *b
	private.serveArgs = append([]string{"--outbound-allow-private"}, b.serveArgs...) // the receiver is on this machine
	server, err := private.serve(ctx, in)
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	url := "http://" + listener.Addr().String() + "/"
	if err := b.subscribe(ctx, server, in, url); err != nil {
		return t, err
	}
	region := in.Regions[region]
	k, err := newCaller(ctx, server, in, region)
	if err != nil {
		return t, err
	}
	body, err := json.Marshal(api.CreateTenantRequest{LicenseKey: region.LicenseKey})
	if err != nil {
		return t, err
	}
	request := k.request(http.MethodPost, "/api/v1/tenants", string(body))
	arrive := func(ctx context.Context) (measure.Figures, error) { return received.arrivals(ctx, server, request) }
	if _, err := arrive(ctx); err != nil {
		return t, fmt.Errorf("warm-up: %w", err)
	}
	sample := filepath.Join(b.work, "event.json")
	if err := os.WriteFile(sample, received.last(), 0o600); err != nil {
		return t, err
	}
	limit := b.program("deliver", "-url", url, "-body", sample, "-secret", deliverySecret, "-n", strconv.Itoa(webhooks*deliveryEvents), "-connections", strconv.Itoa(webhooks))
	pair, err := b.alternate(ctx, "deliveries", limit, arrive)
	if err != nil {
		return t, err
	}
	l, ours := measure.Median(pair.Limit), measure.Median(pair.Real)
	return table{
		title: "Events delivered to webhooks",
		text: fmt.Sprintf("%d tenants are created by 16 callers, and each is an event for %d webhooks; the figure is deliveries a second from the first request "+
			"to the last arrival, with the creation of the tenants, both signatures and the history of deliveries, and nothing is lost if the process is killed. "+
			"The receiver checks one of the signatures and answers 204. The limit program signs an event both ways and posts it over %d kept connections; it remembers nothing.",
			deliveryEvents, webhooks, webhooks),
		head: []string{"webhooks", "limit/s", "freehold/s", "ratio", "limit CPU µs", "freehold CPU µs", "ratio"},
		rows: [][]string{{
			strconv.Itoa(webhooks), count(l.PerSecond), count(ours.PerSecond), ratio(pair.Ratio(perSecond)), decimal(l.CPU), decimal(ours.CPU), ratio(pair.Ratio(cpu)),
		}},
	}, nil
}

// subscribe makes webhooks of the organization, all for the same address.
func (b *bench) subscribe(ctx context.Context, server *measure.Server, in *installation, url string) error {
	console, err := newCaller(ctx, server, in, in.Console)
	if err != nil {
		return err
	}
	for i := range webhooks {
		var made api.Webhook
		err := console.call(ctx, http.MethodPost, "/api/core/webhooks", api.WebhookRequest{
			Name: fmt.Sprintf("Benchmark %d", i+1), URL: url, EventTypes: []string{"*"}, Enabled: true, Level: "organization", Secret: deliverySecret,
		}, &made)
		if err != nil {
			return err
		}
	}
	return nil
}

// receiver counts the messages that are signed as they should be.
type receiver struct {
	mu       sync.Mutex
	count    int
	unsigned int
	body     []byte
	wanted   int
	complete chan struct{} // closed when wanted have come
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	h := hmac.New(sha256.New, []byte(deliverySecret))
	h.Write(body)
	good := hex.EncodeToString(h.Sum(nil)) == req.Header.Get("Qlik-Signature")
	r.mu.Lock()
	defer r.mu.Unlock()
	r.body = body
	r.count++
	if !good {
		r.unsigned++
	}
	if r.complete != nil && r.count == r.wanted {
		close(r.complete)
	}
	w.WriteHeader(http.StatusNoContent)
}

func (r *receiver) last() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.body
}

// arrivals makes events and waits until all have come from all webhooks.
func (r *receiver) arrivals(ctx context.Context, server *measure.Server, request []byte) (f measure.Figures, err error) {
	complete := make(chan struct{})
	r.mu.Lock()
	r.count, r.unsigned, r.wanted, r.complete = 0, 0, webhooks*deliveryEvents, complete
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.complete = nil
		if r.unsigned > 0 {
			err = errors.Join(err, fmt.Errorf("%d messages were not signed", r.unsigned))
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, deliveriesWithin)
	defer cancel()
	before, cpuErr := measure.CPUTime(server.PID())
	start := time.Now()
	if _, err := load.Run(ctx, load.Config{Addr: server.Addr, Request: request, Connections: 16, Duration: deliveriesWithin, Count: deliveryEvents, Check: checkTenant}); err != nil {
		return f, err
	}
	select {
	case <-complete:
	case <-ctx.Done():
		return f, fmt.Errorf("not all of %d deliveries arrived: %w", webhooks*deliveryEvents, ctx.Err())
	}
	f.PerSecond = webhooks * deliveryEvents / time.Since(start).Seconds()
	if after, err := measure.CPUTime(server.PID()); err == nil && cpuErr == nil {
		f.CPU = micros(after-before) / (webhooks * deliveryEvents)
	}
	return f, nil
}
