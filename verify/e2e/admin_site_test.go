package e2e_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/holdfast-go/holdfast/admin"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// An adminSite is an admin page of a store with sessions, and of an hour of events that a
// shop may have.
type adminSite struct {
	t   *testing.T
	m   *session.Manager
	url string
}

func newAdminSite(t *testing.T) *adminSite {
	t.Helper()
	var stats admin.Stats
	logger := slog.New(slog.DiscardHandler)
	m, err := session.New(memory.New(), session.Config{Logger: logger, RevokeEverythingWithin: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/admin/", admin.Handler(m, admin.Options{
		Stats:     &stats,
		Authorize: func(*http.Request) (string, admin.Rights) { return "olga", admin.AllRights() },
		Logger:    logger,
	}))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	site := &adminSite{t, m, strings.Replace(server.URL, "127.0.0.1", "localhost", 1)}
	for i := range 140 {
		site.begin(fmt.Sprintf("user-%d", 1000+i), i)
	}
	for i := range 3 {
		site.begin("ann", i)
	}
	observeAnHour(&stats)
	return site
}

var (
	adminBasket  = session.NewKey[map[string]int]("basket")
	adminVisited = session.NewKey[time.Time]("visited")
	adminTheme   = session.NewKey[string]("theme")
)

// begin begins a session of the user, and returns its public ID.
func (s *adminSite) begin(user string, i int) string {
	s.t.Helper()
	sess, err := s.m.Open(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	sess.SetOwner(user)
	sess.SetLabel("tenant", []string{"acme", "globex", "initech"}[i%3])
	adminBasket.Set(sess, map[string]int{"anchor": 1 + i%4, "rope": 2})
	adminVisited.Set(sess, time.Now())
	adminTheme.Set(sess, "dark")
	if _, err := sess.Commit(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	return sess.PublicID()
}

// observeAnHour lets stats count the events of an hour in which a handler that conflicts
// was deployed forty minutes ago, and the store was slow for five minutes.
func observeAnHour(stats *admin.Stats) {
	r := rand.New(rand.NewPCG(1, 2))
	now := time.Now()
	report := func(at time.Time, op session.Op, took time.Duration, err error, change ...func(*session.Event)) {
		e := session.Event{Op: op, PublicID: "2hKq7hY0pXbXgYlQm4c1WkqN3x0JvT8sLr5oZbUeDaA", Start: at, Duration: took, Attempts: 1, Err: err}
		for _, f := range change {
			f(&e)
		}
		stats.Observe(context.Background(), e)
	}
	for ago := 59; ago >= 0; ago-- {
		at := now.Add(-time.Duration(ago) * time.Minute)
		slow := 1.0
		if ago > 20 && ago <= 25 {
			slow = 6
		}
		latency := func(base time.Duration) time.Duration {
			return time.Duration(float64(base) * slow * math.Exp(r.NormFloat64()*0.6))
		}
		load := 220 + int(60*math.Sin(float64(ago)/9)) + r.IntN(30)
		for range load {
			report(at, session.OpLoad, latency(600*time.Microsecond), nil)
		}
		for i := range load / 3 {
			var err error
			if ago < 40 && i%14 == 0 {
				err = fmt.Errorf("%w: key \"basket\" was changed by a parallel request", session.ErrConflict)
				report(at, session.OpReplay, 0, err)
			}
			report(at, session.OpSave, latency(1100*time.Microsecond), err)
		}
		if slow > 1 {
			report(at, session.OpLoad, 3*time.Second, fmt.Errorf("%w: context deadline exceeded", session.ErrUnavailable))
		}
		for range 14 + r.IntN(8) + load/40 {
			report(at, session.OpCreate, 0, nil)
		}
		for i := range 12 + r.IntN(8) + load/50 {
			why := []session.EndReason{session.EndExpired, session.EndExpired, session.EndDestroyed, session.EndExpired, session.EndRevoked}[i%5]
			report(at, session.OpEnd, 0, nil, func(e *session.Event) { e.EndReason = why })
		}
	}
}

// visitAdmin opens a tab for an admin page.
func visitAdmin(t *testing.T) *tab {
	t.Helper()
	needChromium(t)
	c, err := theChromium()
	if err != nil {
		t.Fatal(err)
	}
	return newTab(t, &shop{url: newAdminSite(t).url}, c.ctx, chromedp.WithNewBrowserContext())
}

// narrow shows the page as a small phone does.
func (p *tab) narrow() {
	p.t.Helper()
	p.do(chromedp.EmulateViewport(360, 740, chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulatePortrait, chromedp.EmulateScale(2)))
}
