package faults_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/verify/itest/witness"
)

// visitors are clients of an app.
type visitors struct {
	app      *app
	cookies  []*http.Cookie            // of the sessions that several share
	sessions []*witness.Ledger[string] // by session
	guests   *witness.Ledger[string]   // what those did who come and go
	static   *witness.Ledger[string]   // what those did who need no session
	gone     []*http.Cookie            // of sessions whose end was acknowledged
	clock    clock
	group    sync.WaitGroup
	ctx      context.Context // until stop
	cancel   context.CancelFunc
}

const (
	sessionCount       = 2
	visitorsPerSession = 2
)

// newVisitors begins sessions and lets visitors use them.
func newVisitors(t *testing.T, a *app) *visitors {
	ctx, cancel := context.WithCancel(t.Context())
	v := &visitors{app: a, guests: witness.NewLedger[string](), static: witness.NewLedger[string](), ctx: ctx, cancel: cancel}
	for range sessionCount {
		v.cookies = append(v.cookies, a.insist(t, "POST", "/begin", nil).cookie)
		v.sessions = append(v.sessions, witness.NewLedger[string]())
	}
	for i := range sessionCount * visitorsPerSession {
		c := v.clock.client(fmt.Sprintf("visitor %d", i))
		v.group.Go(func() { v.visit(ctx, i, c) })
	}
	v.group.Go(func() { v.look(ctx) })
	return v
}

// invite lets guests in, who come and go.
func (v *visitors) invite() {
	c := v.clock.client("guest")
	v.group.Go(func() { v.comeAndGo(v.ctx, c) })
}

// visit changes a session over and over, and reads it.
func (v *visitors) visit(ctx context.Context, i int, c *client) {
	cookie, l := v.cookies[i%sessionCount], v.sessions[i%sessionCount]
	for n := 0; ctx.Err() == nil; n++ {
		phase := v.clock.phase()
		path := []string{"/update", "/replay", "/tokens"}[n%3]
		if path == "/tokens" {
			c.done(phase, v.read(l, cookie))
		} else {
			c.done(phase, v.change(l, path, fmt.Sprintf("%d.%d", i, n), cookie))
		}
		witness.Wait(ctx, pace)
	}
}

func (v *visitors) change(l *witness.Ledger[string], path, token string, cookie *http.Cookie) bool {
	ack := l.Acks()
	got := v.ask(l, "POST", path+"?token="+token, cookie)
	switch got.verdict() {
	case done:
		ack(token)
		return true
	case refused:
		l.Refuse(token)
	case unknown:
		l.Doubt(token)
	default:
		l.Problem("%s: answer %d %q with cookie %t", path, got.status, got.body, got.cookie != nil)
		l.Doubt(token)
	}
	return false
}

// read wants to see what was acknowledged before, or an error. An outage must not
// look like a session that has ended.
func (v *visitors) read(l *witness.Ledger[string], cookie *http.Cookie) bool {
	before := l.Settled()
	got := v.ask(l, "GET", "/tokens", cookie)
	if got.status != 200 {
		if got.verdict() != refused {
			l.Problem("/tokens: answer %d %q", got.status, got.body)
		}
		return false
	}
	list, isNew := got.tokens()
	if isNew {
		l.Problem("/tokens: the session is gone")
	}
	for _, token := range before {
		if !slices.Contains(list, token) {
			l.Problem("/tokens: misses %s, which was acknowledged before", token)
		}
	}
	return true
}

// comeAndGo begins sessions, renews them and ends them.
func (v *visitors) comeAndGo(ctx context.Context, c *client) {
	for ctx.Err() == nil {
		phase := v.clock.phase()
		c.done(phase, v.guest())
		witness.Wait(ctx, pace)
	}
}

func (v *visitors) guest() bool {
	l := v.guests
	begun := v.ask(l, "POST", "/begin", nil)
	if begun.verdict() != done {
		if begun.verdict() == nonsense {
			l.Problem("/begin: answer %d %q", begun.status, begun.body)
		}
		return false
	}
	cookie := begun.cookie
	if cookie == nil {
		l.Problem("/begin: done without a cookie")
		return false
	}
	renewed := v.ask(l, "POST", "/renew", cookie)
	switch {
	case renewed.verdict() == nonsense, renewed.verdict() == done && renewed.cookie == nil:
		l.Problem("/renew: answer %d %q with cookie %t", renewed.status, renewed.body, renewed.cookie != nil)
	case renewed.verdict() == done:
		v.gone = append(v.gone, cookie)
		cookie = renewed.cookie
	}
	ended := v.ask(l, "POST", "/end", cookie)
	switch ended.verdict() {
	case nonsense:
		l.Problem("/end: answer %d %q", ended.status, ended.body)
	case done:
		v.gone = append(v.gone, cookie)
	}
	return renewed.verdict() == done && ended.verdict() == done
}

// look asks for what needs no session, with the cookie of one.
func (v *visitors) look(ctx context.Context) {
	for i := 0; ctx.Err() == nil; i++ {
		got := v.ask(v.static, "GET", "/static", v.cookies[i%sessionCount])
		if got.status != 200 || got.body != saidStatic {
			v.static.Problem("/static: answer %d %q", got.status, got.body)
		}
		v.static.Ack("")
		witness.Wait(ctx, 2*pace)
	}
}

func (v *visitors) ask(l *witness.Ledger[string], method, path string, cookie *http.Cookie) answer {
	began := time.Now()
	got, err := v.app.ask(method, path, cookie)
	if err != nil {
		l.Problem("%v", err)
	}
	l.Took(time.Since(began))
	return got
}

func (v *visitors) problems() (all []string) {
	for _, l := range slices.Concat(v.sessions, []*witness.Ledger[string]{v.guests, v.static}) {
		all = append(all, l.Problems()...)
	}
	return all
}

// stop ends the visitors and holds what is stored against what they were told.
func (v *visitors) stop(t *testing.T) (f witness.Figures) {
	t.Helper()
	v.cancel()
	v.group.Wait()
	for i, l := range v.sessions {
		list, isNew := v.app.insist(t, "GET", "/tokens", v.cookies[i]).tokens()
		if isNew {
			l.Problem("in the end it is gone")
		}
		l.Audit("the session", list)
		f.Landed += l.Landed(list)
		f.Add(l.Figures())
		report(t, "session", l)
	}
	for _, cookie := range v.gone {
		got := v.app.insist(t, "GET", "/tokens", cookie)
		if _, isNew := got.tokens(); !isNew {
			v.guests.Problem("a session whose end was acknowledged has %q", got.body)
		}
	}
	report(t, "guests", v.guests)
	report(t, "static", v.static)
	return f
}

func report[T comparable](t *testing.T, what string, l *witness.Ledger[T]) {
	t.Helper()
	for _, p := range l.Problems() {
		t.Errorf("%s: %s", what, p)
	}
}
