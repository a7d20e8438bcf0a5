package measure_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// usage is what processes have used.
type usage struct {
	cpu      time.Duration
	resident int64 // bytes of memory, those that processes share once for each
}

const (
	clockTick = time.Second / 100 // the unit of /proc/PID/stat on every Linux
	pageBytes = 4096
)

// childrenUsage returns the usage of all servers that this process has started, and of their
// own children.
func childrenUsage(tb testing.TB) usage {
	tb.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		tb.Fatal(err)
	}
	children := map[int][]process{}
	for _, name := range stats {
		if p, err := readProcess(name); err == nil { // it may have ended
			children[p.parent] = append(children[p.parent], p)
		}
	}
	return sumOf(children, os.Getpid())
}

func sumOf(children map[int][]process, of int) (sum usage) {
	for _, p := range children[of] {
		below := sumOf(children, p.id)
		sum.cpu += p.cpu + below.cpu
		sum.resident += p.resident + below.resident
	}
	return sum
}

type process struct {
	id, parent int
	usage      // with the time of its own children that have ended
}

// readProcess reads /proc/PID/stat; see proc_pid_stat(5).
func readProcess(name string) (p process, err error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return p, err
	}
	if p.id, err = strconv.Atoi(filepath.Base(filepath.Dir(name))); err != nil {
		return p, err
	}
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:]) // from the third one on
	if len(fields) < 22 {
		return p, fmt.Errorf("%s has %d fields", name, len(fields))
	}
	number := func(field int) int64 {
		n, fail := strconv.ParseInt(string(fields[field-3]), 10, 64)
		err = fail
		return n
	}
	p.parent = int(number(4))
	for field := 14; field <= 17; field++ {
		p.cpu += time.Duration(number(field)) * clockTick
	}
	p.resident = number(24) * pageBytes
	return p, err
}
