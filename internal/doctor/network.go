package doctor

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/internal/app"
	"github.com/freehold-platform/freehold/internal/estate"
)

// hosts are the names that must lead to the server: the console's, and of each
// region the register host's and one that any tenant could have.
func (e *Examination) hosts() []string {
	domain := e.Config.Domain
	all := []string{estate.ConsoleLabel + "." + domain}
	for _, region := range e.database.Regions {
		all = append(all, estate.RegisterLabel+"."+string(region)+"."+domain, anyTenant+"."+string(region)+"."+domain)
	}
	return all
}

// anyTenant stands for whatever tenants are called.
const anyTenant = "freehold-doctor"

// checkNames looks up the names of the hosts.
func (e *Examination) checkNames(ctx context.Context) {
	const name = "dns"
	switch {
	case e.unread && len(e.database.Regions) == 0:
		e.add(name, Warn, readFirst, "which regions there are is not known, so only the console's name can be looked up: the database can't be read")
	case len(e.database.Regions) == 0:
		e.add(name, Warn, "Make a region: freehold operator region create us.", "there is no region yet, so only the console's name can be looked up")
	}
	var console []string
	good := 0
	for i, host := range e.hosts() {
		within, cancel := context.WithTimeout(ctx, patience)
		addresses, err := e.Lookup(within, host)
		cancel()
		shown := strings.Replace(host, anyTenant+".", "*.", 1)
		slices.Sort(addresses)
		switch {
		case (err != nil || len(addresses) == 0) && strings.HasSuffix(host, ".localhost"):
			e.add(name, Warn, "Browsers, curl and freehold find it all the same; for other programs, install libnss-myhostname or add the name to /etc/hosts.", "%s is not found", shown)
		case err != nil || len(addresses) == 0:
			e.add(name, Fail, "Add an address record for "+shown+" that leads to the server, or to the load balancer before it.", "%s is not found: %v", shown, err)
		case i > 0 && console != nil && !slices.Equal(addresses, console):
			e.add(name, Warn, "Let all names lead to the same servers, unless they are meant to be apart.", "%s leads to %s, the console to %s", shown, strings.Join(addresses, ", "), strings.Join(console, ", "))
		default:
			good++
		}
		if i == 0 {
			console = addresses
		}
	}
	if good == len(e.hosts()) {
		lead := "1 name leads"
		if good > 1 {
			lead = fmt.Sprintf("%d names lead", good)
		}
		e.add(name, OK, "", "%s to %s", lead, strings.Join(console, ", "))
	}
}

// How long before its end a certificate is to be renewed.
const (
	renewWarn = 21 * 24 * time.Hour
	renewFail = 2 * 24 * time.Hour
)

// checkCertificate looks at the files of tls=files.
func (e *Examination) checkCertificate() {
	const name = "tls"
	c := e.Config
	switch c.TLS {
	case app.TLSOff:
		if c.PublicScheme != "https" {
			e.add(name, OK, "", "off")
		}
		return
	case app.TLSInternal:
		e.add(name, OK, "", "a development CA makes the certificates; clients that are to trust it need %s", c.CAFile())
		return
	}
	pair, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil {
		e.add(name, Fail, "Set tls_cert and tls_key to files in PEM that belong together and that the server's user can read.", "%v", err)
		return
	}
	if info, err := os.Stat(c.TLSKey); err == nil && loose(info) && info.Mode().Perm()&0o007 != 0 {
		e.add(name, Warn, "chmod 600 "+c.TLSKey, "everybody on this machine can read the private key %s (mode %04o)", c.TLSKey, info.Mode().Perm())
	}
	e.judge("the certificate "+c.TLSCert, pair.Leaf, len(pair.Certificate))
}

// judge looks at names and time of a certificate with which came so many others.
func (e *Examination) judge(which string, leaf *x509.Certificate, chain int) {
	const name = "tls"
	var missing []string
	for _, host := range e.hosts() {
		if leaf.VerifyHostname(host) != nil {
			missing = append(missing, strings.Replace(host, anyTenant+".", "*.", 1))
		}
	}
	if len(missing) > 0 {
		e.add(name, Fail, "Have it issued for these names too. A wildcard covers one label only: every region needs its own.", "%s is not for %s", which, strings.Join(missing, ", "))
	}
	left := leaf.NotAfter.Sub(e.Now())
	level := OK
	switch {
	case left < renewFail:
		level = Fail
	case left < renewWarn:
		level = Warn
	}
	until := fmt.Sprintf("%s is good until %s, for %d more days", which, leaf.NotAfter.Format(time.DateOnly), int(left.Hours()/24))
	if left < 0 {
		until = fmt.Sprintf("%s has expired on %s", which, leaf.NotAfter.Format(time.DateOnly))
	}
	if e.Now().Before(leaf.NotBefore) {
		level, until = Fail, fmt.Sprintf("%s is good only from %s", which, leaf.NotBefore.Format(time.RFC3339))
	}
	e.add(name, level, "Renew it, and put the new files in place: the server takes them within seconds.", "%s", until)
	if chain == 1 && leaf.Issuer.String() != leaf.Subject.String() {
		e.add(name, Warn, "Put the intermediate certificates behind it in the same file.", "%s comes without its chain, which many clients need", which)
	}
}

// checkServer asks the server that runs here, if one does, how it is.
func (e *Examination) checkServer(ctx context.Context) {
	const name = "server"
	c := e.Config
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	answer, certificates, err := e.readiness(ctx)
	var plain tls.RecordHeaderError
	switch {
	case errors.As(err, &plain):
		e.add(name, Fail, "See what listens there, or set tls as it was for the server that runs.", "what answers at %s does not speak TLS", c.Listen)
		return
	case err != nil && e.Server:
		e.add(name, Fail, "Start it, and see its log.", "none answers at %s: %v", c.Listen, err)
		return
	case err != nil:
		e.add(name, OK, "", "none runs at %s", c.Listen)
		return
	}
	defer answer.Body.Close()
	var ready struct {
		Status string            `json:"status"`
		Checks map[string]string `json:"checks"`
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, 1<<16)).Decode(&ready); err != nil || ready.Status == "" {
		e.add(name, Fail, "See what else listens there, or set listen.", "what answers at %s is not Freehold (%s)", c.Listen, answer.Status)
		return
	}
	switch {
	case answer.StatusCode != http.StatusOK:
		e.add(name, Fail, "See the server's log.", "it is not ready: %s", notOK(ready.Checks))
	case ready.Status != "ok":
		e.add(name, Warn, "See the server's log. Tokens go on, and what can be read; all else waits.", "it is %s: %s", ready.Status, notOK(ready.Checks))
	default:
		e.add(name, OK, "", "ready at %s", c.Listen)
	}
	if date, err := http.ParseTime(answer.Header.Get("Date")); err == nil {
		behind := e.Now().Truncate(time.Second).Sub(date)
		if behind > 0 && behind <= 2*time.Second {
			behind = 0 // it tells whole seconds, and has taken a moment
		}
		e.compareClock("the server's", behind)
	}
	if len(certificates) > 0 && c.TLS == app.TLSFiles {
		if files, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey); err == nil && !files.Leaf.Equal(certificates[0]) {
			e.add("tls", Warn, "Look into its log: it takes new files within seconds, if they belong together.", "the server shows another certificate than the one in %s", c.TLSCert)
		}
	}
	e.checkAdmin(ctx)
}

func notOK(checks map[string]string) string {
	var bad []string
	for check, state := range checks {
		if state != "ok" {
			bad = append(bad, check+" "+state)
		}
	}
	slices.Sort(bad)
	return strings.Join(bad, ", ")
}

// readiness asks the server at its own address, by the console's name.
func (e *Examination) readiness(ctx context.Context) (*http.Response, []*x509.Certificate, error) {
	c := e.Config
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return nil, nil, err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	if port == "0" {
		return nil, nil, errors.New("the port is chosen at start")
	}
	connection, err := e.Dial(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		_ = connection.SetDeadline(deadline)
	}
	var certificates []*x509.Certificate
	scheme, console := "http", estate.ConsoleLabel+"."+c.Domain
	if c.TLS != app.TLSOff {
		// Whether the certificate is good is looked at apart; here it only has to be seen.
		secure := tls.Client(connection, &tls.Config{ServerName: console, InsecureSkipVerify: true}) //nolint:gosec // nothing secret is sent
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, nil, errors.Join(err, connection.Close())
		}
		certificates, connection, scheme = secure.ConnectionState().PeerCertificates, secure, "https"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+net.JoinHostPort(console, port)+"/readyz", http.NoBody)
	if err != nil {
		return nil, nil, errors.Join(err, connection.Close())
	}
	request.Close = true
	if err := request.Write(connection); err != nil {
		return nil, nil, errors.Join(err, connection.Close())
	}
	answer, err := http.ReadResponse(bufio.NewReader(connection), request)
	if err != nil {
		return nil, nil, errors.Join(err, connection.Close())
	}
	answer.Body = bodyOf{answer.Body, connection}
	return answer, certificates, nil
}

// bodyOf is a body that closes its connection.
type bodyOf struct {
	io.Reader
	connection io.Closer
}

// Close closes the connection.
func (b bodyOf) Close() error { return b.connection.Close() }

// checkAdmin looks whether the running server serves its metrics.
func (e *Examination) checkAdmin(ctx context.Context) {
	address := e.Config.AdminListen
	if address == "" {
		return
	}
	connection, err := e.Dial(ctx, "tcp", address)
	if err != nil {
		e.add("metrics", Warn, "Restart the server with the present configuration.", "nothing answers at %s: %v", address, err)
		return
	}
	_ = connection.Close()
	e.add("metrics", OK, "", "served at http://%s/metrics", address)
}

// checkCollector looks whether the collector of traces can be reached.
func (e *Examination) checkCollector(ctx context.Context) {
	endpoint, err := url.Parse(e.Config.TraceEndpoint)
	if err != nil || endpoint.Host == "" {
		return
	}
	port := endpoint.Port()
	if port == "" {
		port = strconv.Itoa(map[string]int{"http": 80, "https": 443}[endpoint.Scheme])
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	connection, err := e.Dial(ctx, "tcp", net.JoinHostPort(endpoint.Hostname(), port))
	if err != nil {
		e.add("traces", Warn, "Start the collector, or correct trace_endpoint: until then traces are lost, and nothing else.", "no collector answers at %s: %v", endpoint.Host, err)
		return
	}
	_ = connection.Close()
	e.add("traces", OK, "", "the collector at %s takes connections", endpoint.Host)
}
