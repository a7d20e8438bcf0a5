package session_test

import (
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// The times of sessions that are rotated.
const (
	rotateInterval = 15 * time.Minute
	rotateGrace    = 2 * time.Minute
	confirmedAfter = 65*time.Second + rotateGrace + time.Millisecond // from the issue to the load
	graceIsOver    = rotateGrace + time.Millisecond
)

// rotating is an option of newWorld. Sessions that are only used are not extended, so a save
// is one of the rotation.
func rotating(cfg *session.Config) {
	cfg.RotateInterval, cfg.RotateGrace = rotateInterval, rotateGrace
	cfg.IdleTimeout, cfg.TouchInterval = 23*time.Hour, 23*time.Hour
}

// visit reads a value, and checks how many cookies and saves that causes.
func (c *client) visit(t testing.TB, cookies int, saves int) {
	t.Helper()
	before := c.w.store.Saves.Load()
	a := c.get(read(keyA))
	a.wantPage(t)
	a.wantCookies(t, cookies)
	if n := int(c.w.store.Saves.Load() - before); n != saves {
		t.Errorf("%d saves; want %d", n, saves)
	}
}

// rotate lets a new cookie be issued and returns a client with the one before.
func (c *client) rotate(t testing.TB) (before *client) {
	t.Helper()
	time.Sleep(rotateInterval)
	before = c.tab()
	c.visit(t, 1, 1)
	return before
}

// rotated returns what begun does, after the first cookie was replaced by a second one, which
// is confirmed, and a client that has the first one.
func rotated(t testing.TB, opts ...func(*session.Config)) (w *world, c, before *client, id string) {
	t.Helper()
	w, c, id = begun(t, append(opts, rotating)...)
	before = c.rotate(t)
	time.Sleep(confirmedAfter)
	c.visit(t, 0, 1)
	return w, c, before, id
}
