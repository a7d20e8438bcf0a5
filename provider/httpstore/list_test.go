package httpstore_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/httpstore"
	"github.com/holdfast-go/holdfast/provider/memory"
)

func options() httpstore.Options { return httpstore.Options{Token: token} }

// fill returns a store of n records, and their IDs.
func fill(t *testing.T, n, size int) (*memory.Provider, []string) {
	t.Helper()
	m := memory.New()
	var ids []string
	for i := range n {
		ids = append(ids, fmt.Sprintf("x%06d", i))
		storetest.Save(t, m, &provider.Record{ID: ids[i], Version: 1, Data: make([]byte, size)}, 0, nil)
	}
	return m, ids
}

// counting counts the requests.
func counting(h http.Handler, n *atomic.Int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		h.ServeHTTP(w, r)
	})
}

func TestListReadsPages(t *testing.T) {
	for _, tc := range []struct {
		n, size int
		trips   int64
	}{{0, 0, 1}, {255, 0, 1}, {256, 0, 2}, {600, 0, 3}, {10, 1 << 20, 11}, {10, 1 << 19, 6}} {
		t.Run(fmt.Sprint(tc.n, " of ", tc.size), func(t *testing.T) {
			m, want := fill(t, tc.n, tc.size)
			var trips atomic.Int64
			got, err := storetest.List(t.Context(), serve(t, counting(handler(t, m), &trips)), "x")
			slices.Sort(got)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("got %d records and error %v, want %d", len(got), err, len(want))
			}
			if trips.Load() != tc.trips {
				t.Errorf("%d trips, want %d", trips.Load(), tc.trips)
			}
		})
	}
}

// A server that was restarted knows no cursor: the client begins again.
func TestListOverARestart(t *testing.T) {
	m, want := fill(t, 600, 0)
	var current atomic.Pointer[http.Handler]
	restart := func() { h := handler(t, m); current.Store(&h) }
	restart()
	p := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*current.Load()).ServeHTTP(w, r) }))
	seen := map[string]bool{}
	n := 0
	for rec, err := range p.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		seen[rec.ID] = true
		if n++; n == 300 {
			restart()
		}
	}
	if len(seen) != len(want) || n <= len(want) {
		t.Errorf("got %d records, %d different ones, want all of %d and some twice", n, len(seen), len(want))
	}
}

// Several servers behind one address do not know each other's cursors.
func TestListGivesUp(t *testing.T) {
	m, _ := fill(t, 600, 0)
	p := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler(t, m).ServeHTTP(w, r) }))
	_, err := storetest.List(t.Context(), p, "")
	if err == nil || !strings.Contains(err.Error(), "several servers") {
		t.Errorf("got error %v", err)
	}
}

// An answer that gets lost is asked for again, and is the same.
func TestLostPage(t *testing.T) {
	m, want := fill(t, 600, 0)
	var lost atomic.Int64
	h := handler(t, m)
	p := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("cursor") == "" || lost.Add(1) > 1 {
			h.ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(discard{http.Header{}}, r)
		panic(http.ErrAbortHandler) // closes the connection; net/http repeats the GET
	}))
	got, err := storetest.List(t.Context(), p, "")
	slices.Sort(got)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %d records and error %v, want each of %d once", len(got), err, len(want))
	}
	if lost.Load() < 2 {
		t.Error("no answer was lost")
	}
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

// Of listings that nobody continues the server keeps a limited number. A client that comes
// back to one that is forgotten begins again.
func TestForgottenListings(t *testing.T) {
	m, _ := fill(t, 600, 0)
	p := over(t, m)
	seen, n := map[string]bool{}, 0
	for rec, err := range p.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		seen[rec.ID] = true
		if n++; n > 1 {
			continue
		}
		for range 70 { // each reads a page and leaves
			for range p.List(t.Context(), "") {
				break
			}
		}
	}
	if len(seen) != 600 || n == 600 {
		t.Errorf("got %d records, %d different ones, want all of 600 and some twice", n, len(seen))
	}
}

func TestListOfAStoreThatCannotList(t *testing.T) {
	_, err := storetest.List(t.Context(), over(t, &storetest.Store{Provider: memory.New()}), "")
	if !errors.Is(err, errors.ErrUnsupported) || !strings.HasPrefix(err.Error(), "httpstore: ") {
		t.Errorf("got error %v, want ErrUnsupported", err)
	}
}

// A client that does not read a page does not keep its place: writing has a deadline,
// although reading the store has none.
func TestPageIsWrittenWithinADeadline(t *testing.T) {
	m, _ := fill(t, 10, 0)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/records", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	w := &deadlined{ResponseRecorder: httptest.NewRecorder(), t: t}
	handler(t, m).ServeHTTP(w, r)
	if w.Code != http.StatusOK || w.writes == 0 {
		t.Errorf("got %d and %d writes", w.Code, w.writes)
	}
	if !w.deadline.IsZero() {
		t.Error("the deadline stays for the next request over the connection")
	}
}

// deadlined is a ResponseWriter that wants a deadline for each Write.
type deadlined struct {
	*httptest.ResponseRecorder
	t        *testing.T
	deadline time.Time
	writes   int
}

func (d *deadlined) SetWriteDeadline(deadline time.Time) error {
	d.deadline = deadline
	return nil
}

func (d *deadlined) Write(b []byte) (int, error) {
	d.writes++
	if left := time.Until(d.deadline); left <= 0 || left > time.Hour {
		d.t.Errorf("a Write whose deadline is in %v", left)
	}
	return d.ResponseRecorder.Write(b)
}

func (d *deadlined) FlushError() error { return nil }
