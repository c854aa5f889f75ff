package app

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/internal/estate"
	"github.com/freehold-platform/freehold/internal/httpapi"
	"github.com/freehold-platform/freehold/internal/keyring"
	"github.com/freehold-platform/freehold/internal/store"
	"github.com/freehold-platform/freehold/internal/tenancy"
	"github.com/freehold-platform/freehold/internal/throttle"
)

// Config is everything that can be set. The tags name the keys of the
// configuration file; the environment variables are FREEHOLD_ and the key in
// upper case, and the flags are the key with hyphens.
type Config struct {
	DataDir    string        `key:"data_dir" doc:"folder of the database and the key file"`
	Database   string        `key:"database" doc:"database at a PostgreSQL server, as a URL such as postgres://user:password@host:5432/name; default: an SQLite file in the data folder"`
	KeyFile    string        `key:"key_file" doc:"file with the key that seals the server's keys; default: master.key in the data folder"`
	StaleLimit time.Duration `key:"stale_limit" doc:"how long the server goes on with what it has in memory while it can't hear of changes by the database; after that it refuses requests, and readiness says so; at least 5s, 0s: for ever"`

	Domain       string `key:"domain" doc:"base domain of all hosts"`
	Listen       string `key:"listen" doc:"address to listen on"`
	TLS          string `key:"tls" doc:"whether the server speaks TLS itself: off, internal (a development CA in the data folder) or files"`
	TLSCert      string `key:"tls_cert" doc:"certificate file (PEM, with chain), for tls=files"`
	TLSKey       string `key:"tls_key" doc:"private key file (PEM), for tls=files"`
	TLSAskClient string `key:"tls_client_auth" doc:"whether TLS clients are asked for a certificate, so that tokens can be bound to it: off or request; no CA is needed"`
	PublicScheme string `key:"public_scheme" doc:"scheme by which clients reach the server, if a proxy changes it: http or https"`
	PublicPort   int    `key:"public_port" doc:"port by which clients reach the server, if a proxy changes it"`
	AllowPrivate bool   `key:"outbound_allow_private" doc:"fetch key sets and issuer metadata also from private addresses, and over http"`

	RateLimits         string `key:"rate_limits" doc:"whether callers that exceed the limits below are refused: off or contract; a subscription's own limits hold in any case"`
	RateTier1PerMinute int    `key:"rate_tier1_per_minute" doc:"requests of each caller per minute, averaged over five: most reads"`
	RateTier2PerMinute int    `key:"rate_tier2_per_minute" doc:"requests of each caller per minute, averaged over five: writes, searches and tokens"`
	TrustedProxies     string `key:"trusted_proxies" doc:"addresses or networks (CIDR) of proxies whose X-Forwarded-For is believed, separated by commas"`

	TenantPurgeMinDays int `key:"tenant_purge_min_days" doc:"least number of days between deactivation and purge of a tenant that callers may ask for, 0 to 90"`

	LogLevel  string `key:"log_level" doc:"least severe messages that are logged: debug, info, warn or error"`
	LogFormat string `key:"log_format" doc:"form of the log: text or json"`

	AdminListen      string  `key:"admin_listen" doc:"address to serve /metrics and /debug/pprof/ at, such as 127.0.0.1:8481; never one that the public reaches; default: nowhere"`
	TraceEndpoint    string  `key:"trace_endpoint" doc:"where traces are sent (OTLP over HTTP): the URL of an OpenTelemetry collector, such as http://127.0.0.1:4318; default: none are kept"`
	TraceSampleRatio float64 `key:"trace_sample_ratio" doc:"share of the traces that is kept, 0 to 1, where the caller's traceparent does not decide"`

	KeyCommand         string        `key:"key_command" doc:"command whose output is the key that seals the server's keys, instead of key_file; program and arguments separated by spaces, without a shell"`
	SigningAlgorithm   string        `key:"signing_algorithm" doc:"signature of access tokens: ES256, ES384 or EdDSA"`
	SigningKeyRotation time.Duration `key:"signing_key_rotation" doc:"how long a key signs access tokens before the next one does, at least 12h; 0s: for ever"`
}

// Defaults returns the configuration of a server that nobody configured: it
// listens to this machine only.
func Defaults() Config {
	return Config{
		DataDir:    "freehold-data",
		StaleLimit: 15 * time.Minute,
		Domain:     "freehold.localhost",
		Listen:     "127.0.0.1:8480",
		TLS:        TLSOff,

		RateLimits:         RateLimitsOff,
		RateTier1PerMinute: int(throttle.Contract.Tier1),
		RateTier2PerMinute: int(throttle.Contract.Tier2),

		TenantPurgeMinDays: tenancy.DefaultMinPurgeDays,

		LogLevel:  "info",
		LogFormat: "text",

		TraceSampleRatio: 0.1,

		TLSAskClient:       ClientAuthOff,
		SigningAlgorithm:   "ES256",
		SigningKeyRotation: 30 * 24 * time.Hour,
	}
}

// The values of Config.TLS.
const (
	TLSOff      = "off"
	TLSInternal = "internal"
	TLSFiles    = "files"
)

// The values of Config.RateLimits.
const (
	RateLimitsOff      = "off"
	RateLimitsContract = "contract"
)

// The values of Config.TLSAskClient.
const (
	ClientAuthOff     = "off"
	ClientAuthRequest = "request"
)

var domainPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)

// Validate reports every problem at once, each with its key.
func (c Config) Validate() error {
	var problems []error
	check := func(ok bool, key, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf(key+": "+format, args...))
		}
	}
	check(c.DataDir != "", "data_dir", "is missing")
	check(c.Database == "" || isPostgres(c.Database), "database", "is not a URL like postgres://user@host:5432/name")
	check(!ambiguous(c.Database), "database", "has an @ or # too many: write @ # / %% and ? of a password as %%40 %%23 %%2F %%25 and %%3F")
	check(!isPostgres(c.Database) || store.ValidURL(estate.Secret(c.Database)), "database", "can't be read: write %% of a password as %%25; and files that the URL names must be there")
	check(c.StaleLimit == 0 || c.StaleLimit >= minStaleLimit, "stale_limit", "%s is not 0s or at least %s", c.StaleLimit, minStaleLimit)
	check(domainPattern.MatchString(c.Domain) && len(c.Domain) <= 180, "domain", "%q is not a domain in lower case", c.Domain)
	checkAddress := func(key, address string) {
		_, port, err := net.SplitHostPort(address)
		check(err == nil, key, "%q is not host:port", address)
		if err == nil {
			n, err := strconv.Atoi(port)
			check(err == nil && n >= 0 && n <= 65535, key, "%q is not a port number", port)
		}
	}
	checkAddress("listen", c.Listen)
	switch c.TLS {
	case TLSOff, TLSInternal:
		check(c.TLSCert == "" && c.TLSKey == "", "tls_cert", "goes with tls=files")
	case TLSFiles:
		check(c.TLSCert != "" && c.TLSKey != "", "tls", "files needs tls_cert and tls_key")
	default:
		check(false, "tls", "%q is not off, internal or files", c.TLS)
	}
	check(c.TLSAskClient == ClientAuthOff || c.TLSAskClient == ClientAuthRequest, "tls_client_auth", "%q is not off or request", c.TLSAskClient)
	check(c.TLSAskClient != ClientAuthRequest || c.TLS != TLSOff, "tls_client_auth", "request needs tls=internal or tls=files: only who ends TLS sees the certificate")
	check(c.PublicScheme == "" || c.PublicScheme == "http" || c.PublicScheme == "https", "public_scheme", "%q is not http or https", c.PublicScheme)
	check(c.PublicPort >= 0 && c.PublicPort <= 65535, "public_port", "%d is not a port number", c.PublicPort)
	check(c.RateLimits == RateLimitsOff || c.RateLimits == RateLimitsContract, "rate_limits", "%q is not off or contract", c.RateLimits)
	checkRate := func(key string, perMinute int) {
		check(perMinute >= 1 && perMinute <= throttle.MaxPerMinute, key, "%d is not 1 to %d", perMinute, throttle.MaxPerMinute)
	}
	checkRate("rate_tier1_per_minute", c.RateTier1PerMinute)
	checkRate("rate_tier2_per_minute", c.RateTier2PerMinute)
	check(c.TenantPurgeMinDays >= 0 && c.TenantPurgeMinDays <= tenancy.MaxPurgeDays, "tenant_purge_min_days", "%d is not 0 to %d", c.TenantPurgeMinDays, tenancy.MaxPurgeDays)
	_, err := c.trustedProxies()
	check(err == nil, "trusted_proxies", "%v", err)
	_, err = logLevel(c.LogLevel)
	check(err == nil, "log_level", "%q is not debug, info, warn or error", c.LogLevel)
	check(c.LogFormat == "text" || c.LogFormat == "json", "log_format", "%q is not text or json", c.LogFormat)
	if c.AdminListen != "" {
		checkAddress("admin_listen", c.AdminListen)
		_, port, _ := net.SplitHostPort(c.AdminListen)
		check(c.AdminListen != c.Listen || port == "0", "admin_listen", "is the public address")
	}
	if c.TraceEndpoint != "" {
		u, err := url.Parse(c.TraceEndpoint)
		check(err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "", "trace_endpoint", "%q is not a URL like http://127.0.0.1:4318", c.TraceEndpoint)
	}
	check(c.TraceSampleRatio >= 0 && c.TraceSampleRatio <= 1, "trace_sample_ratio", "%v is not 0 to 1", c.TraceSampleRatio)
	check(c.KeyCommand == "" || c.KeyFile == "", "key_command", "goes without key_file")
	check(c.KeyCommand == "" || strings.TrimSpace(c.KeyCommand) != "", "key_command", "is blank")
	check(slices.Contains(keyring.Algorithms(), c.SigningAlgorithm), "signing_algorithm", "%q is not one of %s", c.SigningAlgorithm, strings.Join(keyring.Algorithms(), ", "))
	check(c.SigningKeyRotation == 0 || c.SigningKeyRotation >= minKeyRotation, "signing_key_rotation", "%s is not 0s or at least %s", c.SigningKeyRotation, minKeyRotation)
	return errors.Join(problems...)
}

// minKeyRotation keeps the published key set small: a key stays in it for six
// hours after it has signed.
const minKeyRotation = 12 * time.Hour

// minStaleLimit is far longer than a healthy database takes to answer.
const minStaleLimit = 5 * time.Second

// databaseFile is the SQLite file in a data folder.
const databaseFile = "freehold.db"

// StoreOptions say where the estate's database is.
func (c Config) StoreOptions() store.Options {
	return store.Options{Path: filepath.Join(c.DataDir, databaseFile), URL: estate.Secret(c.Database)}
}

// MasterKey is where the key that seals the server's keys is.
func (c Config) MasterKey() keyring.MasterSource {
	switch {
	case c.KeyCommand != "":
		return keyring.MasterSource{Command: strings.Fields(c.KeyCommand)}
	case c.KeyFile != "":
		return keyring.MasterSource{File: c.KeyFile}
	}
	return keyring.MasterSource{File: filepath.Join(c.DataDir, "master.key")}
}

// Origin is the URL by which clients reach host, when the server listens on
// port.
func (c Config) Origin(host string, port int) string {
	if c.PublicPort != 0 {
		port = c.PublicPort
	}
	return httpapi.Origin(c.scheme(), host, port)
}

// scheme is how clients reach the server.
func (c Config) scheme() string {
	switch {
	case c.PublicScheme != "":
		return c.PublicScheme
	case c.TLS == TLSOff:
		return "http"
	default:
		return "https"
	}
}
