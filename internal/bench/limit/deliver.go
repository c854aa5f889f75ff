package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/freehold-platform/freehold/internal/bench/load"
	"github.com/freehold-platform/freehold/internal/bench/measure"
)

// deliver signs a body both ways and posts it, time and again, over connections
// that stay open: what a delivery costs where nothing is remembered.
func deliver(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("deliver", flag.ContinueOnError)
	url := flags.String("url", "", "where to post")
	file := flags.String("body", "", "`file` with the body")
	secret := flags.String("secret", "", "to sign with")
	n := flags.Int64("n", 1000, "how many")
	connections := flags.Int("connections", 8, "posts at a time")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *url == "" || *secret == "" || *n < 1 || *connections < 1 {
		return errors.New("-url and -secret are needed; -n and -connections must be positive")
	}
	body, err := os.ReadFile(*file)
	if err != nil {
		return err
	}
	transport := &http.Transport{MaxIdleConnsPerHost: *connections}
	defer transport.CloseIdleConnections()
	d := deliverer{url: *url, body: body, secret: []byte(*secret), client: &http.Client{Transport: transport, Timeout: time.Minute}}
	latencies, errs := make([]load.Histogram, *connections), make([]error, *connections)
	cpu, cpuErr := measure.CPUTime(os.Getpid())
	start := time.Now()
	var sent atomic.Int64
	var all sync.WaitGroup
	for i := range *connections {
		all.Go(func() {
			for id := sent.Add(1); id <= *n && errs[i] == nil; id = sent.Add(1) {
				before := time.Now()
				errs[i] = d.post(ctx, id, before)
				latencies[i].Record(time.Since(before))
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	latency := new(load.Histogram)
	for i := range latencies {
		latency.Merge(&latencies[i])
	}
	return json.NewEncoder(out).Encode(loopFigures(latency, time.Since(start), cpu, cpuErr))
}

type deliverer struct {
	url          string
	body, secret []byte
	client       *http.Client
}

func (d deliverer) post(ctx context.Context, id int64, now time.Time) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url, bytes.NewReader(d.body))
	if err != nil {
		return err
	}
	name, at := strconv.FormatInt(id, 10), strconv.FormatInt(now.Unix(), 10)
	req.Header.Set("Content-Type", "application/cloudevents+json; charset=utf-8")
	req.Header.Set("Webhook-Id", name)
	req.Header.Set("Webhook-Timestamp", at)
	req.Header.Set("Qlik-Signature", hex.EncodeToString(d.sign(d.body)))
	req.Header.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(d.sign([]byte(name+"."+at+"."), d.body)))
	resp, err := d.client.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("the receiver answered %s", resp.Status)
	}
	return nil
}

func (d deliverer) sign(parts ...[]byte) []byte {
	h := hmac.New(sha256.New, d.secret)
	for _, part := range parts {
		h.Write(part)
	}
	return h.Sum(nil)
}
