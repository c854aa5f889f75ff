package app

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestCertificateFiles replaces a certificate under a server that shows it.
func TestCertificateFiles(t *testing.T) {
	dir := t.TempDir()
	certificate, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	written := now
	write := func(path string, text []byte) {
		t.Helper()
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, written, written); err != nil {
			t.Fatal(err)
		}
	}
	issue := func(serial int64) {
		t.Helper()
		written = written.Add(time.Second)
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: now.AddDate(1, 0, 0)}
		der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
		if err != nil {
			t.Fatal(err)
		}
		text, err := x509.MarshalPKCS8PrivateKey(private)
		if err != nil {
			t.Fatal(err)
		}
		write(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
		write(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text}))
	}
	issue(1)
	var log bytes.Buffer
	f, err := loadCertificate(certificate, key, func() time.Time { return now }, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	shows := func(when string, want int64) {
		t.Helper()
		got, err := f.get(nil)
		if err != nil || got.Leaf.SerialNumber.Int64() != want {
			t.Errorf("%s: %v, %v; want %d", when, got.Leaf.SerialNumber, err, want)
		}
	}
	shows("at first", 1)
	issue(2)
	shows("at once", 1)
	now = now.Add(certificateInterval)
	shows("later", 2)

	// Between the writing of the two files, and while there is only one.
	now = now.Add(certificateInterval)
	write(key, []byte("no key"))
	shows("with a wrong key", 2)
	if err := os.Remove(certificate); err != nil {
		t.Fatal(err)
	}
	now = now.Add(certificateInterval)
	shows("without a certificate", 2)
	issue(3)
	now = now.Add(certificateInterval)
	shows("when both are there again", 3)
	if text := log.String(); strings.Count(text, "level=ERROR") != 1 || strings.Count(text, "was replaced") != 2 {
		t.Errorf("logged\n%s", text)
	}

	if _, err := loadCertificate(certificate, certificate, time.Now, slog.Default()); err == nil {
		t.Error("a file without a key was taken")
	}
}
