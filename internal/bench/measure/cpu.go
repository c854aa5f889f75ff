package measure

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
)

// tick is the unit of processor time in /proc. It is 10 ms on every Linux that
// Go runs on; asking for it would need cgo.
const tick = 10 * time.Millisecond

// CPUTime is the processor time that a process has used since it was started,
// in user and kernel mode, of all its threads, to 10 ms. It needs Linux's
// /proc and returns an error elsewhere.
func CPUTime(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("read processor time: %w", err)
	}
	return parseStat(stat)
}

// parseStat reads fields 14 and 15 of /proc/PID/stat (proc(5)). Field 2, the
// command, may itself hold spaces and parentheses, so counting starts after
// its last parenthesis, at field 3.
func parseStat(stat []byte) (time.Duration, error) {
	end := bytes.LastIndexByte(stat, ')')
	fields := bytes.Fields(stat[end+1:])
	if end < 0 || len(fields) < 13 {
		return 0, errors.New("read processor time: /proc/PID/stat is too short")
	}
	var ticks int64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read processor time: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * tick, nil
}

// Memory is the resident set of a process in bytes. It needs Linux's /proc.
func Memory(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("read memory: %w", err)
	}
	for line := range bytes.Lines(status) {
		value, ok := bytes.CutPrefix(line, []byte("VmRSS:"))
		if !ok {
			continue
		}
		var kilobytes int64
		if _, err := fmt.Sscanf(string(value), "%d kB", &kilobytes); err != nil {
			return 0, fmt.Errorf("read memory: %w", err)
		}
		return kilobytes << 10, nil
	}
	return 0, errors.New("read memory: /proc/PID/status has no VmRSS")
}
