package sessiontest

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// withOrder returns a message with the order that it is about, if there is one.
func withOrder(order, message string) string {
	if order == "" {
		return message
	}
	return "in this order: " + order + "\n" + strings.TrimSuffix(message, "\n")
}

// checkTB is the testing.TB of one call of check. It adds the order to each message.
type checkTB struct {
	testing.TB            // of Interleave
	bubble     *testing.T // of the interleaving
	order      string
	silent     bool // errors are not reported, because another order has failed before

	mu      sync.Mutex
	failed  bool
	skipped bool
	ended   bool // by FailNow or SkipNow
}

func (c *checkTB) hasEnded() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

// Failed implements testing.TB. It does not report the failures of other orders.
func (c *checkTB) Failed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failed
}

// Fail implements testing.TB.
func (c *checkTB) Fail() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed = true
}

// FailNow implements testing.TB. It ends check and not the test.
func (c *checkTB) FailNow() {
	c.Fail()
	c.end()
}

func (c *checkTB) end() {
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
	runtime.Goexit()
}

func (c *checkTB) fail(message string) {
	c.TB.Helper()
	c.Fail()
	if !c.silent {
		c.TB.Error(withOrder(c.order, message))
	}
}

// Error implements testing.TB.
func (c *checkTB) Error(args ...any) {
	c.TB.Helper()
	c.fail(fmt.Sprintln(args...))
}

// Errorf implements testing.TB.
func (c *checkTB) Errorf(format string, args ...any) {
	c.TB.Helper()
	c.fail(fmt.Sprintf(format, args...))
}

// Fatal implements testing.TB.
func (c *checkTB) Fatal(args ...any) {
	c.TB.Helper()
	c.fail(fmt.Sprintln(args...))
	c.FailNow()
}

// Fatalf implements testing.TB.
func (c *checkTB) Fatalf(format string, args ...any) {
	c.TB.Helper()
	c.fail(fmt.Sprintf(format, args...))
	c.FailNow()
}

// Log implements testing.TB.
func (c *checkTB) Log(args ...any) {
	c.TB.Helper()
	c.TB.Log(withOrder(c.order, fmt.Sprintln(args...)))
}

// Logf implements testing.TB.
func (c *checkTB) Logf(format string, args ...any) {
	c.TB.Helper()
	c.TB.Log(withOrder(c.order, fmt.Sprintf(format, args...)))
}

// Skipped implements testing.TB.
func (c *checkTB) Skipped() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.skipped
}

// SkipNow implements testing.TB. It ends check and not the test.
func (c *checkTB) SkipNow() {
	c.mu.Lock()
	c.skipped = true
	c.mu.Unlock()
	c.end()
}

// Skip implements testing.TB.
func (c *checkTB) Skip(args ...any) {
	c.TB.Helper()
	c.Log(args...)
	c.SkipNow()
}

// Skipf implements testing.TB.
func (c *checkTB) Skipf(format string, args ...any) {
	c.TB.Helper()
	c.Logf(format, args...)
	c.SkipNow()
}

// These methods belong to the interleaving: what they do ends with it.

// Cleanup implements testing.TB.
func (c *checkTB) Cleanup(f func()) { c.bubble.Cleanup(f) }

// Context implements testing.TB.
func (c *checkTB) Context() context.Context { return c.bubble.Context() }

// Chdir implements testing.TB.
func (c *checkTB) Chdir(dir string) { c.bubble.Chdir(dir) }

// Setenv implements testing.TB.
func (c *checkTB) Setenv(key, value string) { c.bubble.Setenv(key, value) }

// TempDir implements testing.TB.
func (c *checkTB) TempDir() string { return c.bubble.TempDir() }
