package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/freehold-platform/freehold/internal/bench/load"
	"github.com/freehold-platform/freehold/internal/bench/measure"
)

func TestToken(t *testing.T) {
	iss, err := newIssuer("c1", "s1")
	if err != nil {
		t.Fatal(err)
	}
	post := func(secret string) *httptest.ResponseRecorder {
		body := strings.NewReader("grant_type=client_credentials&client_id=c1&client_secret=" + secret)
		r := httptest.NewRequest(http.MethodPost, "/oauth/token", body)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		iss.serve(w, r)
		return w
	}
	if w := post("wrong"); w.Code != http.StatusUnauthorized {
		t.Errorf("wrong secret: status %d", w.Code)
	}
	for range 200 { // often enough to meet r and s shorter than 32 bytes
		w := post("s1")
		if w.Code != http.StatusOK {
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
		var answer struct {
			AccessToken string    `json:"access_token"`
			ExpiresAt   time.Time `json:"expires_at"`
			ExpiresIn   int       `json:"expires_in"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatal(err)
		}
		if answer.ExpiresIn != 21600 || answer.ExpiresAt.IsZero() {
			t.Fatalf("answer %s", w.Body)
		}
		if claims := verify(t, &iss.key.PublicKey, answer.AccessToken); len(claims) != 12 {
			t.Fatalf("token has %d claims: %v", len(claims), claims)
		}
	}
}

// verify checks an ES256 token and returns its claims.
func verify(t *testing.T, key *ecdsa.PublicKey, token string) map[string]any {
	t.Helper()
	signed, encoded, _ := strings.Cut(token[strings.IndexByte(token, '.')+1:], ".")
	head := token[:len(token)-len(encoded)-1]
	signature, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil || len(signature) != 64 {
		t.Fatalf("signature has %d bytes: %v", len(signature), err)
	}
	digest := sha256.Sum256([]byte(head))
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	if !ecdsa.Verify(key, digest[:], r, s) {
		t.Fatalf("signature of %s is not valid", token)
	}
	payload, err := base64.RawURLEncoding.DecodeString(signed)
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

// TestPage runs the page program on the server's own schema, so that a change
// of the schema that it does not follow fails here rather than in a benchmark.
func TestPage(t *testing.T) {
	file := seedTenants(t, 300)
	for _, sort := range []string{"name", "createdAt"} {
		for _, offset := range []string{"0", "200"} {
			args := []string{"-db", file, "-organization", "o", "-sort", sort, "-offset", offset, "-n", "3"}
			if err := page(t.Context(), args, io.Discard); err != nil {
				t.Errorf("%v: %v", args, err)
			}
		}
	}
	if err := page(t.Context(), []string{"-db", file, "-organization", "o", "-offset", "201", "-n", "1"}, io.Discard); err == nil {
		t.Error("a page that is not full was accepted")
	}
}

func TestPage_ReadsInOrderOfAnIndex(t *testing.T) {
	conn, err := open(seedTenants(t, 100), "mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for sort, columns := range sortColumns {
		for _, query := range []string{pageQuery(columns, false), pageQuery(columns, true)} {
			plan := explain(t, conn, query)
			if !strings.Contains(plan, "USING INDEX tenants_by_") || strings.Contains(plan, "TEMP B-TREE") {
				t.Errorf("sort %s: %s", sort, plan)
			}
		}
	}
}

func explain(t *testing.T, conn driver.Conn, query string) string {
	t.Helper()
	stmt, err := conn.Prepare("explain query plan " + query)
	if err != nil {
		t.Fatal(err)
	}
	defer stmt.Close()
	values := []driver.Value{"o"}
	for range strings.Count(query, "$") - 1 {
		values = append(values, "")
	}
	rows, err := stmt.(driver.StmtQueryContext).QueryContext(t.Context(), named(values))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var plan strings.Builder
	row := make([]driver.Value, len(rows.Columns()))
	for err = rows.Next(row); err == nil; err = rows.Next(row) {
		fmt.Fprintln(&plan, row)
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return plan.String()
}

// seedTenants makes a database of the server's schema with n tenants.
func seedTenants(t *testing.T, n int) string {
	t.Helper()
	schema, err := os.ReadFile("../../store/migrations/sqlite/00001_estate.sql")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "freehold.db")
	conn, err := open(file, "_pragma=journal_mode(wal)")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, query := range []string{
		string(schema),
		`insert into organizations values ('o', 'O', 0, 0)`,
		`insert into regions values ('us', 'US', 'us-east-1', 'US', 0)`,
		`insert into subscriptions values ('s', 'o', 'S', 1000000, 0, 0, 1, 0, 0)`,
		fmt.Sprintf(`with recursive n(i) as (select 1 union all select i + 1 from n where i < %d)
			insert into tenants (id, organization_id, subscription_id, region, datacenter, country_code, name, name_key,
				hostname, alias, status, status_updated_at, external_id, labels, created_by, created_at, updated_at)
			select hex(randomblob(16)), 'o', 's', 'us', 'us-east-1', 'US', 'Tenant ' || i, 'tenant ' || i,
				lower(hex(randomblob(8))) || '.us', '', 'active', 0, '', '{}', 'client', 1700000000000000 + i, 0 from n`, n),
	} {
		if _, err := conn.(driver.ExecerContext).ExecContext(context.Background(), query, nil); err != nil {
			t.Fatal(err)
		}
	}
	return file
}

func TestCreate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "create.db")
	for _, writers := range []string{"1", "16"} {
		var out bytes.Buffer
		if err := create(t.Context(), []string{"-db", file, "-writers", writers, "-duration", "1ms"}, &out); err != nil {
			t.Fatalf("%s writers: %v", writers, err)
		}
		var figures measure.Figures
		if err := json.Unmarshal(out.Bytes(), &figures); err != nil || figures.PerSecond <= 0 {
			t.Errorf("%s writers: %s: %v", writers, &out, err)
		}
	}
}

func TestLoopFigures(t *testing.T) {
	latency := new(load.Histogram)
	for range 10 {
		latency.Record(time.Millisecond)
	}
	f := loopFigures(latency, 2*time.Second, 0, errors.New("no processor time here"))
	if f.PerSecond != 5 || f.P50 != 1000 || f.CPU != 0 {
		t.Errorf("figures %+v", f)
	}
}
