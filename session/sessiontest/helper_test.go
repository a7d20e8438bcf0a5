package sessiontest_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

var (
	count = session.NewKey[int]("count")
	user  = session.NewKey[string]("user")
)

// recorder is a testing.TB that records what is reported to it.
type recorder struct {
	testing.TB
	mu     sync.Mutex
	errors []string
	logs   []string
	ended  bool // by FailNow
}

// record runs f with a recorder, in a goroutine of its own, and waits for it.
func record(t *testing.T, f func(tb *recorder)) *recorder {
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(r)
	}()
	<-done
	return r
}

func (r *recorder) error(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errors = append(r.errors, text)
}

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.errors) > 0
}

func (r *recorder) FailNow() {
	r.mu.Lock()
	r.ended = true
	r.mu.Unlock()
	runtime.Goexit()
}

func (r *recorder) Fail()                     { r.error("failed") }
func (r *recorder) Error(args ...any)         { r.error(fmt.Sprintln(args...)) }
func (r *recorder) Errorf(f string, a ...any) { r.error(fmt.Sprintf(f, a...)) }
func (r *recorder) Fatal(args ...any)         { r.Error(args...); r.FailNow() }
func (r *recorder) Fatalf(f string, a ...any) { r.Errorf(f, a...); r.FailNow() }
func (r *recorder) Log(args ...any)           { r.Logf("%s", fmt.Sprintln(args...)) }

func (r *recorder) Logf(f string, a ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.logs = append(r.logs, fmt.Sprintf(f, a...))
}

// wants fails t unless one of the errors contains every one of the texts; without texts,
// unless there are no errors.
func (r *recorder) wants(t *testing.T, texts ...string) {
	t.Helper()
	all := strings.Join(r.errors, "\n")
	if len(texts) == 0 && all != "" {
		t.Errorf("got errors; want none:\n%s", all)
	}
	for _, text := range texts {
		if !strings.Contains(all, text) {
			t.Errorf("got errors:\n%s\nwant one with %q", all, text)
		}
	}
}

func setCount(s *session.Session) { count.Set(s, 1) }

func must[T any](v T, ok bool) T {
	if !ok {
		panic("there is no value")
	}
	return v
}
