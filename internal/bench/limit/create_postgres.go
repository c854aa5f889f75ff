package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/freehold-platform/freehold/internal/bench/load"
	"github.com/freehold-platform/freehold/internal/bench/measure"
)

// createPostgres is create for the other engine: each writer has a connection of
// its own and commits one row at a time, which the engine can group.
func createPostgres(ctx context.Context, url string, writers int, duration time.Duration, out io.Writer) (err error) {
	conns := make([]*pgx.Conn, writers)
	for i := range conns {
		if conns[i], err = pgx.Connect(ctx, url); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, conns[i].Close(context.WithoutCancel(ctx))) }()
	}
	if _, err := conns[0].Exec(ctx, strings.NewReplacer(" integer ", " bigint ", ") strict", ")").Replace(createSchema)); err != nil {
		return fmt.Errorf("make table: %w", err)
	}
	latencies, errs := make([]*load.Histogram, writers), make([]error, writers)
	cpu, cpuErr := measure.CPUTime(os.Getpid())
	start := time.Now()
	var running sync.WaitGroup
	for i, conn := range conns {
		latencies[i] = new(load.Histogram)
		running.Go(func() {
			for before := start; before.Sub(start) < duration && ctx.Err() == nil && errs[i] == nil; {
				errs[i] = insertRow(ctx, conn, before)
				after := time.Now()
				latencies[i].Record(after.Sub(before))
				before = after
			}
		})
	}
	running.Wait()
	elapsed := time.Since(start)
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("insert: %w", err)
	}
	for _, more := range latencies[1:] {
		latencies[0].Merge(more)
	}
	return json.NewEncoder(out).Encode(loopFigures(latencies[0], elapsed, cpu, cpuErr))
}

func insertRow(ctx context.Context, conn *pgx.Conn, now time.Time) error {
	var random [24]byte
	_, _ = rand.Read(random[:])
	id := base64.RawURLEncoding.EncodeToString(random[:])
	label := id[:15]
	_, err := conn.Exec(ctx, "insert into tenants values ($1, $2, $3, $4, $5, $6, $7, $8, $9)", id, "org_abcdefghijklmnopqrstuvwxyz", "1234567890123456", "us",
		label, label+".us", "active", now.UnixMicro(), now.UnixMicro())
	return err
}
