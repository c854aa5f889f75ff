package measure

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
)

const (
	readyTimeout = 60 * time.Second
	readyPoll    = 2 * time.Millisecond
	stopTimeout  = 10 * time.Second
)

// Unpinned stands for a processor where none is to be chosen.
const Unpinned = -1

// TwoCores are two processors that this process may use. It fails where there
// are fewer, and where processes cannot be pinned: that needs Linux and the
// taskset program (util-linux).
func TwoCores() (first, second int, ok bool) {
	if _, err := exec.LookPath("taskset"); err != nil {
		return Unpinned, Unpinned, false
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return Unpinned, Unpinned, false
	}
	cores := allowedCores(status)
	if len(cores) < 2 {
		return Unpinned, Unpinned, false
	}
	return cores[0], cores[1], true
}

// allowedCores reads a line such as "Cpus_allowed_list:	0-1,4" of
// /proc/PID/status: a container may have been given any of the machine's.
func allowedCores(status []byte) (cores []int) {
	for line := range bytes.Lines(status) {
		list, ok := bytes.CutPrefix(line, []byte("Cpus_allowed_list:"))
		if !ok {
			continue
		}
		for part := range strings.SplitSeq(string(bytes.TrimSpace(list)), ",") {
			from, to, isRange := strings.Cut(part, "-")
			if !isRange {
				to = from
			}
			first, err1 := strconv.Atoi(from)
			last, err2 := strconv.Atoi(to)
			for core := first; core <= last && err1 == nil && err2 == nil; core++ {
				cores = append(cores, core)
			}
		}
	}
	return cores
}

// PinSelf keeps this process, and what it starts later, on one processor.
func PinSelf(ctx context.Context, core int) error {
	// -a includes the threads that the runtime has started already; later
	// ones inherit the mask from them.
	//nolint:gosec // the arguments are two numbers
	cmd := exec.CommandContext(ctx, "taskset", "-a", "-p", "-c", strconv.Itoa(core), strconv.Itoa(os.Getpid()))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("taskset: %w: %s", err, out)
	}
	runtime.GOMAXPROCS(1)
	return nil
}

// Command is a command that has one processor to itself, as far as Go's
// scheduler goes, and is pinned to it unless core is Unpinned.
func Command(ctx context.Context, core int, program string, args ...string) *exec.Cmd {
	if core != Unpinned {
		args = append([]string{"-c", strconv.Itoa(core), program}, args...)
		program = "taskset" // it replaces itself, so the process id is the program's
	}
	//nolint:gosec // the programs are the ones that the benchmark has built
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	return cmd
}

// FreePort is a TCP port of 127.0.0.1 that was free a moment ago.
func FreePort(ctx context.Context) (int, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	return port, listener.Close()
}

// Server is a server process of the benchmark's own.
type Server struct {
	Addr  string        // "127.0.0.1:port"
	Ready time.Duration // start of the process to the first good answer of /readyz
	cmd   *exec.Cmd
	log   *os.File
	ended chan struct{} // closed when the process has ended
}

// StartServer starts cmd, which must listen on 127.0.0.1:port, and waits until
// GET /readyz with the given Host answers 200. What it prints goes to logFile.
func StartServer(ctx context.Context, cmd *exec.Cmd, port int, host, logFile string) (*Server, error) {
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start server: %w", err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	s := &Server{Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), cmd: cmd, log: log, ended: make(chan struct{})}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		_ = log.Close()
		return nil, fmt.Errorf("start server: %w", err)
	}
	go func() {
		_ = cmd.Wait() // its state is in cmd.ProcessState
		close(s.ended)
	}()
	if err := s.waitReady(ctx, host); err != nil {
		return nil, errors.Join(fmt.Errorf("%w; it printed:\n%s", err, tail(logFile)), s.Stop())
	}
	s.Ready = time.Since(start)
	return s, nil
}

// waitReady polls, because a process that is not ready has no way to say so.
func (s *Server) waitReady(ctx context.Context, host string) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Addr+"/readyz", nil)
	if err != nil {
		return fmt.Errorf("wait for server: %w", err)
	}
	req.Host = host
	poll := time.NewTicker(readyPoll)
	defer poll.Stop()
	for {
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-s.ended:
			return fmt.Errorf("server ended before it was ready: %s", s.cmd.ProcessState)
		case <-ctx.Done():
			return fmt.Errorf("server is not ready: %w", ctx.Err())
		case <-poll.C:
		}
	}
}

// PID is the id of the server's process.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Stop asks the process to end, and ends it if it does not.
func (s *Server) Stop() error {
	defer func() { _ = s.log.Close() }()
	_ = s.cmd.Process.Signal(os.Interrupt) // fails only if it has ended
	select {
	case <-s.ended: // how it ended is not what is measured
		return nil
	case <-time.After(stopTimeout):
	}
	if err := s.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("end server: %w", err)
	}
	<-s.ended
	return fmt.Errorf("server did not stop within %s and was killed", stopTimeout)
}

// tail is the end of a log file, for error messages.
func tail(name string) string {
	const most = 2000
	text, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	return string(text[max(len(text)-most, 0):])
}
