package sessiontest

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
)

// ending is how a function has ended: it has returned, has panicked, or has ended its
// goroutine with runtime.Goexit, as FailNow does.
type ending struct {
	returned bool
	panicked any // nil: it has not panicked
	stack    []byte
}

// aborted reports whether a handler has aborted its response.
func (e ending) aborted() bool {
	err, ok := e.panicked.(error)
	return ok && errors.Is(err, http.ErrAbortHandler)
}

// exited reports whether the function has ended its goroutine.
func (e ending) exited() bool { return !e.returned && e.panicked == nil }

// problem describes the ending of a function with that name. It returns "" if the
// function has returned.
func (e ending) problem(name string) string {
	switch {
	case e.returned:
		return ""
	case e.exited():
		return name + " has ended its goroutine, as FailNow and SkipNow of the test do"
	}
	return fmt.Sprintf("%s panicked: %v\n\n%s", name, e.panicked, e.stack)
}

// protect runs f in a goroutine of its own, waits for it and returns how it has ended.
func protect(f func()) (e ending) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if e.returned {
				return
			}
			if e.panicked = recover(); e.panicked != nil {
				e.stack = debug.Stack()
			}
		}()
		f()
		e.returned = true
	}()
	<-done
	return e
}
