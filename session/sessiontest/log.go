package sessiontest

import (
	"log/slog"
	"sync"
	"testing"
)

// testLog writes log lines to the output of a test. A line that comes after the test is
// dropped, because package testing would panic.
type testLog struct {
	mu sync.Mutex
	tb testing.TB // nil: the test has ended
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
	if l.tb == nil {
		return len(line), nil
	}
	return l.tb.Output().Write(line)
}

func (l *testLog) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tb = nil
}
