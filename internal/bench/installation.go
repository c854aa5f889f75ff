package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/bench/load"
	"github.com/freehold-platform/freehold/internal/bench/measure"
)

const (
	domain = "freehold.localhost"
	region = "us"
)

// credentials is a client and the server that it belongs to.
type credentials struct {
	URL          string `json:"url"`
	RegisterURL  string `json:"register_url"` // instead of URL, for region clients
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	LicenseKey   string `json:"license_key"`
	Region       string `json:"region"`
}

// installation is a data folder with what quickstart.json tells about it.
type installation struct {
	dir      string
	database string // of PostgreSQL; empty: in the folder

	Console credentials            `json:"console"`
	Regions map[string]credentials `json:"regions"`
	Tenants []credentials          `json:"tenants"`
}

// install makes an installation with quickstart. The first one is made for real,
// later ones are copies of it, taken while no server runs.
func (b *bench) install(ctx context.Context, name string) (*installation, error) {
	base := filepath.Join(b.work, "quickstart")
	if _, err := os.Stat(base); errors.Is(err, os.ErrNotExist) {
		fmt.Fprintln(b.progress, "making an installation with quickstart")
		err := b.operate(ctx, "quickstart", "--data-dir", base, "--listen", b.listen(), "--domain", domain, "--exit")
		if err != nil {
			return nil, err
		}
	}
	dir := filepath.Join(b.work, name)
	if err := os.CopyFS(dir, os.DirFS(base)); err != nil {
		return nil, fmt.Errorf("copy installation: %w", err)
	}
	return readInstallation(dir)
}

// readInstallation reads what quickstart has noted of an installation.
func readInstallation(dir string) (*installation, error) {
	in := &installation{dir: dir}
	return in, in.read()
}

// read reads what quickstart has noted.
func (in *installation) read() error {
	text, err := os.ReadFile(filepath.Join(in.dir, "quickstart.json"))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, in); err != nil {
		return fmt.Errorf("quickstart.json: %w", err)
	}
	if in.Regions[region].ClientID == "" || in.Console.ClientID == "" || len(in.Tenants) == 0 {
		return errors.New("quickstart.json lacks the console's, the region's or a tenant's client")
	}
	return nil
}

// installOn is install on an engine.
func (b *bench) installOn(ctx context.Context, engine, name string) (*installation, error) {
	if engine == engineSQLite {
		return b.install(ctx, name)
	}
	if b.postgres == nil {
		started, err := measure.StartPostgres(ctx, b.work)
		if err != nil {
			return nil, err
		}
		b.postgres = started
	}
	database, err := b.postgres.Database(ctx)
	if err != nil {
		return nil, err
	}
	in := &installation{dir: filepath.Join(b.work, name+"-postgres"), database: database}
	err = b.operate(ctx, "quickstart", "--data-dir", in.dir, "--database", database, "--listen", b.listen(), "--domain", domain, "--exit")
	if err != nil {
		return nil, err
	}
	return in, in.read()
}

// The engines.
const (
	engineSQLite   = "SQLite"
	enginePostgres = "PostgreSQL"
)

// operate runs a command of the server's binary to its end.
func (b *bench) operate(ctx context.Context, args ...string) error {
	if out, err := measure.Command(ctx, b.core, b.freehold, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("freehold %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

func (b *bench) listen() string { return "127.0.0.1:" + strconv.Itoa(b.port) }

// serve starts the server on an installation.
func (b *bench) serve(ctx context.Context, in *installation) (*measure.Server, error) {
	args := append([]string{"serve", "--data-dir", in.dir, "--listen", b.listen(), "--domain", domain}, b.serveArgs...)
	if in.database != "" {
		args = append(args, "--database", in.database)
	}
	cmd := measure.Command(ctx, b.core, b.freehold, args...)
	return measure.StartServer(ctx, cmd, b.port, in.host(in.Console), in.dir+".log")
}

// host is the Host header for the server that c belongs to.
func (in *installation) host(c credentials) string {
	u, err := url.Parse(c.URL + c.RegisterURL) // one of them is empty
	if err != nil {
		return ""
	}
	return u.Host
}

// regions are the codes of all regions.
func (in *installation) regions() []string { return slices.Sorted(maps.Keys(in.Regions)) }

// tenant is a tenant of the region, so that the region's client may act there.
func (in *installation) tenant(region string) (credentials, error) {
	for _, t := range in.Tenants {
		if t.Region == region {
			return t, nil
		}
	}
	return credentials{}, fmt.Errorf("quickstart.json has no tenant in region %s", region)
}

// tokenRequest asks for a token for c at host.
func tokenRequest(c credentials, host string) []byte {
	form := url.Values{
		"grant_type":    {api.GrantClientCredentials},
		"client_id":     {c.ClientID},
		"client_secret": {c.ClientSecret},
	}
	return load.NewRequest(http.MethodPost, host, "/oauth/token", form.Encode(),
		"Content-Type: application/x-www-form-urlencoded", "Accept: application/json")
}

// caller calls the server at 127.0.0.1 under the name of a host, with a token
// of that host.
type caller struct {
	addr, host, token string
	claims            api.Claims
}

func newCaller(ctx context.Context, server *measure.Server, in *installation, c credentials) (*caller, error) {
	k := &caller{addr: server.Addr, host: in.host(c)}
	var answer api.TokenResponse
	err := k.call(ctx, http.MethodPost, "/oauth/token", api.TokenRequest{
		GrantType: api.GrantClientCredentials, ClientID: c.ClientID, ClientSecret: c.ClientSecret,
	}, &answer)
	if err != nil {
		return nil, err
	}
	k.token = answer.AccessToken
	parts := strings.Split(k.token, ".")
	if len(parts) != 3 {
		return nil, errors.New("the access token is not a JWT")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, fmt.Errorf("access token: %w", err)
	}
	return k, json.Unmarshal(payload, &k.claims)
}

// call makes one request and decodes its answer. It is for preparing; load is
// for measuring.
func (k *caller) call(ctx context.Context, method, target string, body, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	content, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+k.addr+target, strings.NewReader(string(content)))
	if err != nil {
		return err
	}
	req.Host = k.host
	req.Header.Set("Content-Type", "application/json")
	if k.token != "" {
		req.Header.Set("Authorization", "Bearer "+k.token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s: %.300s", method, target, resp.Status, text)
	}
	return json.Unmarshal(text, answer)
}

// request makes the bytes of a request that load repeats.
func (k *caller) request(method, target, body string) []byte {
	header := []string{"Authorization: Bearer " + k.token, "Accept: application/json"}
	if body != "" {
		header = append(header, "Content-Type: application/json")
	}
	return load.NewRequest(method, k.host, target, body, header...)
}
