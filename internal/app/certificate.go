package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// certificateFiles is the certificate in two files, which whoever renews it replaces
// while the server runs.
type certificateFiles struct {
	certificate, key string
	now              func() time.Time
	log              *slog.Logger

	mu     sync.Mutex
	loaded *tls.Certificate
	stamp  [2]fileStamp // of what was read last, in order or not
	looked time.Time
}

// fileStamp tells one version of a file from another.
type fileStamp struct {
	changed time.Time
	size    int64
}

// certificateInterval is how long a certificate that was replaced may still be shown.
const certificateInterval = 10 * time.Second

func loadCertificate(certificate, key string, now func() time.Time, log *slog.Logger) (*certificateFiles, error) {
	f := &certificateFiles{certificate: certificate, key: key, now: now, log: log}
	if err := f.look(); err != nil {
		return nil, err
	}
	return f, nil
}

// get is tls.Config's GetCertificate.
func (f *certificateFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.now().Sub(f.looked) >= certificateInterval {
		f.again()
	}
	return f.loaded, nil
}

// again reads files that have changed. If there is something wrong with them, the
// certificate stays as it is: one of the two may not be written yet.
func (f *certificateFiles) again() {
	before := f.stamp
	switch err := f.look(); {
	case err != nil && f.stamp != before:
		f.log.Error("the new TLS certificate can't be read, the one before goes on", "error", err)
	case err == nil && f.stamp != before:
		f.log.Info("the TLS certificate was replaced")
	}
}

func (f *certificateFiles) look() error {
	f.looked = f.now()
	var stamp [2]fileStamp
	for i, path := range []string{f.certificate, f.key} {
		info, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("TLS certificate: %w", err)
		}
		stamp[i] = fileStamp{info.ModTime(), info.Size()}
	}
	if stamp == f.stamp {
		return nil
	}
	f.stamp = stamp
	pair, err := tls.LoadX509KeyPair(f.certificate, f.key)
	if err != nil {
		return fmt.Errorf("TLS certificate: %w", err)
	}
	f.loaded = &pair
	return nil
}

// follow looks at once when the process is told to (SIGHUP), until ctx ends.
func (f *certificateFiles) follow(ctx context.Context) {
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGHUP)
	defer signal.Stop(told)
	for {
		select {
		case <-ctx.Done():
			return
		case <-told:
			f.mu.Lock()
			f.again()
			f.mu.Unlock()
		}
	}
}
