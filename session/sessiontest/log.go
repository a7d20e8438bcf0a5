package sessiontest

import (
	"bytes"
	"log/slog"
	"sync"
	"testing"
)

// testLog writes log lines to the output of a test. A line that comes after the test is
// dropped, because package testing would panic.
type testLog struct {
	mu   sync.Mutex
	tb   testing.TB    // nil: the test has ended
	held *bytes.Buffer // takes the lines instead of the output; nil: none are held back
}

func newTestLog(tb testing.TB) *testLog {
	l := &testLog{tb: tb}
	tb.Cleanup(l.end)
	return l
}

// logger returns a Logger whose lines have no time.
func (l *testLog) logger() *slog.Logger {
	withoutTime := func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
}

// Write implements io.Writer.
func (l *testLog) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.held != nil:
		return l.held.Write(line)
	case l.tb != nil:
		return l.tb.Output().Write(line)
	}
	return len(line), nil
}

func (l *testLog) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tb = nil
}

// hold holds the lines back until release, which returns them. Both do nothing if l is
// nil.
func (l *testLog) hold() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = new(bytes.Buffer)
}

func (l *testLog) release() string {
	if l == nil {
		return ""
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := l.held.String()
	l.held = nil
	return lines
}
