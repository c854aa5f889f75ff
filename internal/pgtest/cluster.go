package pgtest

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Cluster is three PostgreSQL servers that Patroni keeps, with three members of
// etcd, and HAProxy before them, which leads to the primary.
type Cluster struct {
	URL    string // of the database, by HAProxy
	Direct string // of the database, naming all servers, of which the driver takes the primary

	dir     string
	members []*member
}

type member struct {
	name    string
	rest    int // port of Patroni's own interface
	patroni *exec.Cmd
}

// clusterTimeout is far longer than a cluster takes to start on a busy machine.
const clusterTimeout = 3 * time.Minute

// NewCluster starts a cluster with an empty database and stops it with the test.
// Where a program is missing the test skips, or fails in continuous integration.
func NewCluster(t testing.TB) *Cluster {
	t.Helper()
	programs := map[string]string{"etcd": "", "haproxy": "", "patroni": "", "postgres": find("postgres")}
	for name, path := range programs {
		if path == "" {
			path, _ = exec.LookPath(name)
		}
		if _, err := os.Stat("/usr/sbin/" + name); path == "" && err == nil {
			path = "/usr/sbin/" + name
		}
		if path == "" && os.Getenv("CI") == "" {
			t.Skipf("%s is not installed (Debian: postgresql patroni etcd-server haproxy)", name)
		}
		if path == "" {
			t.Fatalf("%s is not installed", name)
		}
		programs[name] = path
	}
	postgres, err := filepath.EvalSymlinks(programs["postgres"]) // beside it are those that Patroni calls
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "pc") // short: names of sockets have few bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	own(t, dir)
	c := &Cluster{dir: dir}
	ports := freePorts(t, 3*4+1)
	take := func() int {
		port := ports[0]
		ports = ports[1:]
		return port
	}

	var peers, clients []string
	var etcd [3][2]int
	for i := range etcd {
		etcd[i] = [2]int{take(), take()}
		peers = append(peers, fmt.Sprintf("e%d=http://127.0.0.1:%d", i, etcd[i][1]))
		clients = append(clients, fmt.Sprintf("127.0.0.1:%d", etcd[i][0]))
	}
	for i, port := range etcd {
		client, peer := fmt.Sprintf("http://127.0.0.1:%d", port[0]), fmt.Sprintf("http://127.0.0.1:%d", port[1])
		c.start(t, fmt.Sprintf("e%d", i), programs["etcd"], "--name", fmt.Sprintf("e%d", i), "--data-dir", filepath.Join(dir, fmt.Sprintf("etcd%d", i)),
			"--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
			"--initial-cluster", strings.Join(peers, ","), "--initial-cluster-state", "new")
	}

	var servers strings.Builder
	var hosts []string
	for i := range 3 {
		m := &member{name: fmt.Sprintf("p%d", i), rest: take()}
		port := take()
		config := fmt.Sprintf(patroniConfig, m.name, m.rest, strings.Join(clients, ", "), port, filepath.Join(dir, m.name), filepath.Dir(postgres), dir, filepath.Join(dir, m.name+".pgpass"))
		file := filepath.Join(dir, m.name+".yml")
		if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
			t.Fatal(err)
		}
		m.patroni = c.start(t, m.name, "/usr/bin/python3", programs["patroni"], file) // Debian's Python, whatever is first in the path
		c.members = append(c.members, m)
		hosts = append(hosts, fmt.Sprintf("127.0.0.1:%d", port))
		fmt.Fprintf(&servers, "  server %s 127.0.0.1:%d check port %d\n", m.name, port, m.rest)
	}
	t.Cleanup(c.stop)

	entry := take()
	file := filepath.Join(dir, "haproxy.cfg")
	if err := os.WriteFile(file, fmt.Appendf(nil, haproxyConfig, entry, servers.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	c.start(t, "haproxy", programs["haproxy"], "-db", "-f", file)

	base := fmt.Sprintf("postgres://freehold:freehold@127.0.0.1:%d/", entry)
	c.await(t, "a primary and two replicas", func(ctx context.Context) bool {
		leader, replicas := c.roles(ctx)
		return leader != nil && replicas == 2
	})
	c.await(t, "a database", func(ctx context.Context) bool {
		db, err := sql.Open("pgx", base+"postgres")
		if err != nil {
			return false
		}
		defer db.Close()
		_, err = db.ExecContext(ctx, "create database freehold")
		return err == nil || strings.Contains(err.Error(), "already exists")
	})
	c.URL = base + "freehold"
	c.Direct = "postgres://freehold:freehold@" + strings.Join(hosts, ",") + "/freehold?target_session_attrs=read-write"
	// The driver asks no further server after one that does not know the database yet.
	c.await(t, "the database at its replicas", func(ctx context.Context) bool {
		db, err := sql.Open("pgx", c.Direct)
		if err != nil {
			return false
		}
		defer db.Close()
		return db.PingContext(ctx) == nil
	})
	return c
}

const patroniConfig = `scope: freehold
name: %[1]s
restapi: {listen: '127.0.0.1:%[2]d', connect_address: '127.0.0.1:%[2]d'}
etcd3: {hosts: [%[3]s]}
bootstrap:
  dcs:
    ttl: 20
    loop_wait: 5
    retry_timeout: 5
    synchronous_mode: true
    postgresql: {use_pg_rewind: true}
  initdb: [encoding: UTF8, locale: C.UTF-8, auth-host: trust, auth-local: trust]
  pg_hba: [host all all 127.0.0.1/32 trust, host replication all 127.0.0.1/32 trust, local all all trust]
postgresql:
  listen: 127.0.0.1:%[4]d
  connect_address: 127.0.0.1:%[4]d
  data_dir: %[5]s
  bin_dir: %[6]s
  pgpass: %[8]s
  parameters: {unix_socket_directories: '%[7]s', max_connections: 100}
  authentication:
    superuser: {username: freehold, password: freehold}
    replication: {username: replicator, password: freehold}
`

const haproxyConfig = `global
  maxconn 200
defaults
  mode tcp
  timeout connect 2s
  timeout client 10m
  timeout server 10m
listen primary
  bind 127.0.0.1:%d
  option httpchk OPTIONS /primary
  http-check expect status 200
  default-server inter 500ms fall 2 rise 1 on-marked-down shutdown-sessions
%s`

// KillPrimary kills the primary and its Patroni with SIGKILL, and returns its name.
func (c *Cluster) KillPrimary(t testing.TB) string {
	t.Helper()
	leader, _ := c.roles(t.Context())
	if leader == nil {
		t.Fatal("there is no primary")
	}
	server := c.postmaster(leader)
	if server <= 1 {
		t.Fatalf("%s has no server", leader.name)
	}
	if err := leader.patroni.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(server, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	return leader.name
}

// roles asks the members what they are.
func (c *Cluster) roles(ctx context.Context) (leader *member, replicas int) {
	is := func(m *member, what string) bool {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/%s", m.rest, what), http.NoBody)
		if err != nil {
			return false
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	}
	for _, m := range c.members {
		if is(m, "primary") {
			leader = m
		} else if is(m, "replica") {
			replicas++
		}
	}
	return leader, replicas
}

// postmaster is the process of a member's server; 0 if it has none.
func (c *Cluster) postmaster(m *member) int {
	text, err := os.ReadFile(filepath.Join(c.dir, m.name, "postmaster.pid"))
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, _ := strconv.Atoi(first)
	return pid
}

// stop kills what is left of the servers.
func (c *Cluster) stop() {
	for _, m := range c.members {
		_ = m.patroni.Process.Kill()
		if pid := c.postmaster(m); pid > 1 {
			_ = syscall.Kill(pid, syscall.SIGQUIT)
		}
	}
}

// start runs a program until the test ends, with its output in a file.
func (c *Cluster) start(t testing.TB, name, program string, args ...string) *exec.Cmd {
	t.Helper()
	log, err := os.Create(filepath.Join(c.dir, name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), program, args...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, c.dir
	cmd.Env = append(os.Environ(), "HOME="+c.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if os.Geteuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("%s:\n%s", name, text[max(0, len(text)-3000):])
		}
	})
	return cmd
}

func (c *Cluster) await(t testing.TB, what string, done func(context.Context) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), clusterTimeout)
	defer cancel()
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for !done(ctx) {
		select {
		case <-ctx.Done():
			t.Fatalf("the cluster has not got %s", what)
		case <-ticker.C:
		}
	}
}

func own(t testing.TB, dir string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
}

// freePorts are ports of this machine that nobody listens at.
func freePorts(t testing.TB, n int) (ports []int) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}
