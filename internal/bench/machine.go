package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// machine is what a reader must know to judge the figures.
type machine struct {
	processor  string
	processors int
	system     string
	goVersion  string
	fileSystem string // of the databases; empty: unknown
	date       string
}

func describeMachine(ctx context.Context, work string) machine {
	m := machine{
		processor:  "unknown processor",
		processors: runtime.NumCPU(),
		system:     runtime.GOOS + "/" + runtime.GOARCH,
		goVersion:  runtime.Version(),
		date:       time.Now().UTC().Format(time.DateOnly),
	}
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		m.processor = processorModel(info, m.processor)
	}
	// Whether a commit reaches a disk depends on the file system; one in memory
	// makes durable creates look far too good.
	if out, err := exec.CommandContext(ctx, "stat", "-f", "-c", "%T", work).Output(); err == nil { //nolint:gosec // our own folder
		m.fileSystem = strings.TrimSpace(string(out))
	}
	return m
}

// processorModel takes the first "model name" out of /proc/cpuinfo.
func processorModel(info []byte, otherwise string) string {
	for line := range bytes.Lines(info) {
		key, value, _ := bytes.Cut(line, []byte(":"))
		if string(bytes.TrimSpace(key)) == "model name" {
			return string(bytes.TrimSpace(value))
		}
	}
	return otherwise
}

// String is one line.
func (m machine) String() string {
	return fmt.Sprintf("%s, %d processors, %s, %s, databases on %s, %s",
		m.processor, m.processors, m.system, m.goVersion, m.storage(), m.date)
}

func (m machine) storage() string {
	switch m.fileSystem {
	case "":
		return "an unknown file system"
	case "tmpfs", "ramfs":
		return m.fileSystem + " (in memory: commits are not durable; use -dir)"
	}
	return m.fileSystem
}
