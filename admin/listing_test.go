package admin_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// counting counts the calls of a store, and the records that listings have yielded.
type counting struct {
	*memory.Provider
	fetches, lists, yielded atomic.Int64
	fail                    atomic.Bool // of listings
}

var errBroken = errors.New("the store is broken")

func (c *counting) Fetch(ctx context.Context, id string) (*provider.Record, error) {
	c.fetches.Add(1)
	return c.Provider.Fetch(ctx, id)
}

func (c *counting) List(ctx context.Context, prefix string) iter.Seq2[*provider.Record, error] {
	c.lists.Add(1)
	return func(yield func(*provider.Record, error) bool) {
		for rec, err := range c.Provider.List(ctx, prefix) {
			c.yielded.Add(1)
			if c.fail.Load() {
				rec, err = nil, errBroken
			}
			if !yield(rec, err) || err != nil {
				return
			}
		}
	}
}

var nextPage = regexp.MustCompile(`rel="next" href="([^"]*)"`)

// next returns the relative URL of the next page, "" if there is none.
func (a *answer) next() string {
	found := nextPage.FindStringSubmatch(a.body)
	if found == nil {
		return ""
	}
	return strings.ReplaceAll(found[1], "&amp;", "&")
}

var publicIDs = regexp.MustCompile(`href="session\?id=([^"]*)"`)

func (a *answer) publicIDs() (ids []string) {
	for _, found := range publicIDs.FindAllStringSubmatch(a.body, -1) {
		ids = append(ids, found[1])
	}
	return ids
}

func TestAListingShowsEverySessionOnce(t *testing.T) {
	s := newMemorySite(t)
	want := map[string]bool{}
	for i := range 120 {
		_, id := s.signIn(fmt.Sprint("user-", i%7))
		want[id] = true
	}
	pages := 0
	for page := "sessions"; page != ""; pages++ {
		a := s.get(page).want(http.StatusOK, fmt.Sprintf("Page %d", pages+1))
		ids := a.publicIDs()
		if len(ids) > 50 {
			t.Errorf("%d sessions on a page", len(ids))
		}
		for _, id := range ids {
			if !want[id] {
				t.Errorf("%s twice, or of no session", id)
			}
			delete(want, id)
		}
		if again := s.get(page); page != "sessions" && fmt.Sprint(again.publicIDs()) != fmt.Sprint(ids) {
			t.Errorf("%s differs when it is loaded again", page)
		}
		page = a.next()
	}
	if len(want) > 0 || pages != 3 {
		t.Errorf("%d sessions are missing after %d pages", len(want), pages)
	}
}

// newFull returns a store with n sessions.
func newFull(t *testing.T, n int) *counting {
	t.Helper()
	store := &counting{Provider: memory.New()}
	m, err := session.New(store.Provider, session.Config{SigningKeys: [][]byte{make([]byte, 32)}})
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		s, err := m.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		note.Set(s, "x")
		if _, err := s.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return store
}

// repeated yields each record of a store so many times, as if there were as many sessions.
type repeated struct {
	*counting
	times int
}

func (r repeated) List(ctx context.Context, prefix string) iter.Seq2[*provider.Record, error] {
	return func(yield func(*provider.Record, error) bool) {
		for range r.times {
			for rec, err := range r.counting.List(ctx, prefix) {
				if !yield(rec, err) {
					return
				}
			}
		}
	}
}

// A listing of a million sessions reads what its pages show, and the overview reads a
// sample.
func TestAMillionSessionsAreNotRead(t *testing.T) {
	const pages, most = 4, 8000
	store := newFull(t, 5000)
	s := newSite(t, repeated{store, 200})
	page := "sessions"
	for range pages {
		a := s.get(page).want(http.StatusOK)
		if len(a.publicIDs()) != 50 {
			t.Fatalf("%d sessions on a page", len(a.publicIDs()))
		}
		page = a.next()
	}
	if got := store.yielded.Load(); got != pages*50 {
		t.Errorf("%d records were read for %d pages", got, pages)
	}
	if lists, fetches := store.lists.Load(), store.fetches.Load(); lists != 1 || fetches != 0 {
		t.Errorf("%d listings and %d reads", lists, fetches)
	}
	s.get("").want(http.StatusOK, "estimate from a sample")
	if read := store.yielded.Load() - pages*50; read > most {
		t.Errorf("%d records were read for the estimate", read)
	}
	lists := store.lists.Load()
	s.get("").want(http.StatusOK)
	if store.lists.Load() != lists {
		t.Error("the next view has estimated again")
	}
}

// The sample of 20,000 sessions has about 620, so that four standard errors are 16 %.
func TestTheEstimateIsNearTheNumber(t *testing.T) {
	const n = 20_000
	a := newSite(t, newFull(t, n)).get("").want(http.StatusOK, "estimate from a sample")
	found := regexp.MustCompile(`id="stored">≈ ([^<]*)<`).FindStringSubmatch(a.body)
	if found == nil {
		t.Fatal("there is no estimate")
	}
	var estimate float64
	for _, digit := range found[1] {
		if digit >= '0' && digit <= '9' {
			estimate = 10*estimate + float64(digit-'0')
		}
	}
	if estimate < n*0.8 || estimate > n*1.2 {
		t.Errorf("the estimate of %d sessions is %s", n, found[1])
	}
}

func TestFewSessionsAreCounted(t *testing.T) {
	s := newMemorySite(t)
	for range 7 {
		s.signIn("ann")
	}
	a := s.get("").want(http.StatusOK, "counted")
	if !strings.Contains(a.body, `id="stored">7<`) {
		t.Error(a.text())
	}
}

// A page stops after some thousand records, also if none of them is a session.
func TestAPageReadsABoundedNumberOfRecords(t *testing.T) {
	store := &counting{Provider: memory.New()}
	for i := range 2500 {
		if err := store.Save(t.Context(), &provider.Record{ID: fmt.Sprint("foreign-", i), Version: 1}, 0); err != nil {
			t.Fatal(err)
		}
	}
	s := newSite(t, store)
	next := s.get("sessions").want(http.StatusOK, "No session among the records").next()
	if n := store.yielded.Load(); n != 2000 || next == "" {
		t.Fatalf("%d records were read, and the next page is %q", n, next)
	}
	if next := s.get(next).want(http.StatusOK, "Page 2").next(); next != "" {
		t.Errorf("there is a page %q after the last record", next)
	}
}

func TestAListingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemorySite(t)
		for range 60 {
			s.signIn("ann")
		}
		next := s.get("sessions").next()
		time.Sleep(9 * time.Minute)
		s.get(next).want(http.StatusOK, "Page 2")
		time.Sleep(9 * time.Minute)
		s.get(strings.Replace(next, "page=2", "page=1", 1)).want(http.StatusOK, "Page 1")
		time.Sleep(10*time.Minute + time.Second)
		s.get(next).want(http.StatusGone, "This listing has ended", "Begin again")
		s.get("sessions?list=unknown&page=2").want(http.StatusGone)
	})
}

// So many operators as one likes may begin listings; the one that was not used for the
// longest time is closed.
func TestTooManyListingsCloseTheOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemorySite(t)
		for range 60 {
			s.signIn("ann")
		}
		first, second := s.get("sessions").next(), s.get("sessions").next()
		time.Sleep(time.Second)
		s.get(first).want(http.StatusOK)
		for range 15 {
			time.Sleep(time.Second)
			s.get("sessions").want(http.StatusOK)
		}
		s.get(second).want(http.StatusGone)
		s.get(first).want(http.StatusOK, "Page 2")
		time.Sleep(time.Hour) // all end
	})
}

func TestAListingThatFails(t *testing.T) {
	store := &counting{Provider: memory.New()}
	s := newSite(t, store)
	for range 60 {
		s.signIn("ann")
	}
	next := s.get("sessions").next()
	store.fail.Store(true)
	s.get(next).want(http.StatusServiceUnavailable, errBroken.Error())
	s.get(next).want(http.StatusGone)
	s.get("").want(http.StatusOK, "unknown", errBroken.Error())
}

// fetchOnly is a provider that cannot list its records.
type fetchOnly struct{ provider.Provider }

func TestAStoreWithoutListings(t *testing.T) {
	s := newSite(t, fetchOnly{memory.New()})
	_, id := s.signIn("ann")
	s.get("sessions").want(http.StatusInternalServerError, "cannot list its records")
	s.get("").want(http.StatusOK, "cannot list its records")
	s.get("sessions?owner=ann").want(http.StatusOK, "1 session")
	s.get("session?id=" + id).want(http.StatusOK)
}

func TestAnOwnersSessionsByPages(t *testing.T) {
	s := newMemorySite(t, func(cfg *session.Config) { cfg.OwnerLimit = 200 })
	for range 120 {
		s.signIn("ann")
	}
	seen := map[string]bool{}
	pages := 0
	for page := "sessions?owner=ann"; page != ""; pages++ {
		a := s.get(page).want(http.StatusOK, "120 sessions")
		for _, id := range a.publicIDs() {
			seen[id] = true
		}
		page = a.next()
	}
	if len(seen) != 120 || pages != 3 {
		t.Errorf("%d sessions on %d pages", len(seen), pages)
	}
	s.get("sessions?owner=nobody").want(http.StatusOK, "There are none.").wantNot("end-owner")
	s.get("sessions?owner=").want(http.StatusBadRequest)
	s.get("sessions?label=tenant&value=").want(http.StatusBadRequest)
}
