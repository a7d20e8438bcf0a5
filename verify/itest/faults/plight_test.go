package faults_test

import (
	"bytes"
	"fmt"
	"os"
	"runtime/pprof"
	"strings"
	"sync"
	"time"
)

// lately keeps the last things that were noted, to show them when a test gives up.
type lately struct {
	mu    sync.Mutex
	lines []string // the oldest first
}

const latelyKeeps = 40

func (l *lately) note(format string, args ...any) {
	line := time.Now().Format("04:05.000 ") + fmt.Sprintf(format, args...)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) == latelyKeeps {
		l.lines = l.lines[1:]
	}
	l.lines = append(l.lines, line)
}

func (l *lately) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

// plight is what a machine and this process are at.
func plight() string {
	load, _ := os.ReadFile("/proc/loadavg") // elsewhere than on Linux it is not told
	var goroutines bytes.Buffer
	pprof.Lookup("goroutine").WriteTo(&goroutines, 2)
	return fmt.Sprintf("load %s\n%s", bytes.TrimSpace(load), &goroutines)
}

// connections counts those of a TCP port by their state, on Linux: at a proxy those of
// its clients, twice each, since they have two ends in this process.
func connections(addr string) string {
	count := map[string]int{}
	for _, s := range sockets(addr) {
		count[tcpState(s.state)]++
	}
	return strings.TrimPrefix(fmt.Sprint(count), "map")
}

// unread tells how much has been sent to a TCP port, bytes and connections, that nobody
// has taken yet.
func unread(addr string) (n int) {
	for _, s := range sockets(addr) {
		if s.local {
			n += s.received
		}
	}
	return n
}

// socket is a line of Linux's table of TCP sockets.
type socket struct {
	local    bool   // at the port itself, not connected to it
	state    string // see tcpState
	received int    // bytes that are not read or, if it listens, connections not accepted
}

// sockets returns those of a port, on other systems than Linux none.
func sockets(addr string) (all []socket) {
	table, _ := os.ReadFile("/proc/net/tcp")
	var port int
	fmt.Sscanf(addr[strings.LastIndexByte(addr, ':')+1:], "%d", &port)
	suffix := fmt.Sprintf(":%04X", port)
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line)
		if len(f) < 5 || !strings.HasSuffix(f[1], suffix) && !strings.HasSuffix(f[2], suffix) {
			continue
		}
		s := socket{local: strings.HasSuffix(f[1], suffix), state: f[3]}
		fmt.Sscanf(f[4][strings.IndexByte(f[4], ':')+1:], "%X", &s.received)
		all = append(all, s)
	}
	return all
}

// tcpState names what Linux numbers in net/tcp_states.h.
func tcpState(hex string) string {
	names := strings.Fields("established syn-sent syn-received fin-wait-1 fin-wait-2 time-wait close close-wait last-ack listen closing new-syn-received")
	var n int
	fmt.Sscanf(hex, "%X", &n)
	if n < 1 || n > len(names) {
		return hex
	}
	return names[n-1]
}
