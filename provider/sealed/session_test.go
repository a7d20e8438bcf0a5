package sealed_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

var name, visits = session.NewKey[string]("name"), session.NewKey[int]("visits")

// site has sessions in p. POST signs in and GET counts; of the errors it keeps the
// last.
type site struct {
	http.Handler
	mu  sync.Mutex
	err error
}

func newSite(t *testing.T, p provider.Provider, secret string) *site {
	t.Helper()
	s := &site{}
	sessions, err := session.New(p, session.Config{
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.err = err
			w.WriteHeader(session.StatusCode(err))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Handler = sessions.HandlerFunc(func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
		if r.Method == http.MethodPost {
			name.Set(s, secret)
		}
		visits.Update(s, func(n int) int { return n + 1 })
	})
	return s
}

// visit returns the status and the cookies of an answer.
func (s *site) visit(method string, cookies []*http.Cookie) (int, []*http.Cookie) {
	r := httptest.NewRequest(method, "https://example.com/", nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code, w.Result().Cookies()
}

// recording keeps what a store was given, by ID.
func recording(p provider.Provider) (*storetest.Store, map[string]*provider.Record) {
	saved := map[string]*provider.Record{}
	var mu sync.Mutex
	store := &storetest.Store{Provider: p}
	store.OnSave = func(ctx context.Context, rec *provider.Record, expectVersion int64, next storetest.SaveFunc) error {
		err := next(ctx, rec, expectVersion)
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			saved[rec.ID] = rec.Clone()
		}
		return err
	}
	return store, saved
}

// Sessions work as they do unsealed, and all that they store is sealed: the keys
// that sign cookies, too.
func TestSessions(t *testing.T) {
	inner, saved := recording(memory.New())
	secret := rand.Text()
	site := newSite(t, seal(t, inner, newKey()), secret)
	status, cookies := site.visit(http.MethodPost, nil)
	if status != http.StatusOK || len(cookies) == 0 {
		t.Fatalf("signing in: status %d, %d cookies, error %v", status, len(cookies), site.err)
	}
	const n = 50
	var group sync.WaitGroup
	for range n {
		group.Go(func() {
			if status, _ := site.visit(http.MethodGet, cookies); status != http.StatusOK {
				t.Errorf("status %d", status)
			}
		})
	}
	group.Wait()

	if len(saved) != 2 {
		t.Errorf("%d records are stored, want the session and the ring of signing keys", len(saved))
	}
	for _, rec := range saved {
		if rec.Format != "holdfast-sealed" || strings.Contains(string(rec.Data), secret) {
			t.Errorf("stored in the clear: %q of Format %q", rec.Data, rec.Format)
		}
	}
}

// Of a record that was altered a visitor sees an error, and it stays as it is.
func TestSessionOfAlteredRecord(t *testing.T) {
	inner, saved := recording(memory.New())
	site := newSite(t, seal(t, inner, newKey()), "ann")
	_, cookies := site.visit(http.MethodPost, nil)
	for _, rec := range saved {
		rec.Data[len(rec.Data)-1] ^= 1
		save(t, inner.Provider, rec, -1)
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		status, renewed := site.visit(method, cookies)
		if status != http.StatusServiceUnavailable || !errors.Is(site.err, session.ErrUnreadable) || len(renewed) > 0 {
			t.Errorf("%s: status %d, error %v, %d cookies; want 503, ErrUnreadable and none", method, status, site.err, len(renewed))
		}
	}
	for _, rec := range saved {
		holds(t, inner.Provider, rec)
	}
}

// A record that is altered between a request's load and its save is in the way of
// the save, not overwritten.
func TestSessionOfRecordAlteredMeanwhile(t *testing.T) {
	inner, saved := recording(memory.New())
	site := newSite(t, seal(t, inner, newKey()), "ann")
	_, cookies := site.visit(http.MethodPost, nil)
	var altered *provider.Record
	inner.OnSave = func(ctx context.Context, rec *provider.Record, expectVersion int64, next storetest.SaveFunc) error {
		altered = saved[rec.ID].Clone()
		altered.Version++
		save(t, inner.Provider, altered, -1)
		return next(ctx, rec, expectVersion)
	}
	status, _ := site.visit(http.MethodGet, cookies)
	if status != http.StatusServiceUnavailable || !errors.Is(site.err, session.ErrUnreadable) || errors.Is(site.err, session.ErrOutcomeUnknown) {
		t.Errorf("status %d, error %v; want 503, ErrUnreadable, and no doubt", status, site.err)
	}
	holds(t, inner.Provider, altered)
}
