package model_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// A hearer is whom rapid may tell that a test fails which is to fail.
type hearer struct {
	*testing.T
	said   strings.Builder
	failed bool
}

// listen runs what may end with FailNow.
func (h *hearer) listen(check func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		check()
	}()
	<-done
}

func (h *hearer) Logf(format string, args ...any)   { fmt.Fprintf(&h.said, format+"\n", args...) }
func (h *hearer) Log(args ...any)                   { fmt.Fprintln(&h.said, args...) }
func (h *hearer) Errorf(format string, args ...any) { h.Logf(format, args...); h.Fail() }
func (h *hearer) Error(args ...any)                 { h.Log(args...); h.Fail() }
func (h *hearer) Fatalf(format string, args ...any) { h.Logf(format, args...); h.FailNow() }
func (h *hearer) Fatal(args ...any)                 { h.Log(args...); h.FailNow() }
func (h *hearer) Fail()                             { h.failed = true }
func (h *hearer) FailNow()                          { h.failed = true; runtime.Goexit() }
func (h *hearer) Failed() bool                      { return h.failed }
