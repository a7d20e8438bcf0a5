package model_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// fakeTB receives what rapid reports of a test that is expected to fail.
type fakeTB struct {
	*testing.T
	said   strings.Builder
	failed bool
}

// listen runs what may end with FailNow.
func (h *fakeTB) listen(check func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		check()
	}()
	<-done
}

func (h *fakeTB) Logf(format string, args ...any)   { fmt.Fprintf(&h.said, format+"\n", args...) }
func (h *fakeTB) Log(args ...any)                   { fmt.Fprintln(&h.said, args...) }
func (h *fakeTB) Errorf(format string, args ...any) { h.Logf(format, args...); h.Fail() }
func (h *fakeTB) Error(args ...any)                 { h.Log(args...); h.Fail() }
func (h *fakeTB) Fatalf(format string, args ...any) { h.Logf(format, args...); h.FailNow() }
func (h *fakeTB) Fatal(args ...any)                 { h.Log(args...); h.FailNow() }
func (h *fakeTB) Fail()                             { h.failed = true }
func (h *fakeTB) FailNow()                          { h.failed = true; runtime.Goexit() }
func (h *fakeTB) Failed() bool                      { return h.failed }
