package soak_test

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// A log tells a life to whoever looks for what went wrong in it.
type log struct {
	mu      sync.Mutex
	entries []string
}

// add adds what began at a time and ends now.
func (d *log) add(began time.Time, format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	const clock = "15:04:05.000"
	d.entries = append(d.entries, began.Format(clock)+" to "+time.Now().Format(clock)+" "+fmt.Sprintf(format, args...))
}

func (d *log) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.entries, "\n")
}
