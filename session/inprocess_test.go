package session_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// Tests with a store in this process and no wrapper around it, from which a request reads
// its session into the memory of its own transaction.

func TestASessionInThisProcessEndsWithAShortenedLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		keys := [][]byte{bytes.Repeat([]byte("k"), 32)}
		long := newManager(t, store, session.Config{SigningKeys: keys})
		short := newManager(t, store, session.Config{SigningKeys: keys, Lifetime: 2 * time.Hour})
		cookie := cookieOf(t, long)
		wantFound := func(m *session.Manager, want bool) {
			t.Helper()
			serveOne(m, cookie, func(s *session.Session) {
				if _, found := keyA.Get(s); found != want {
					t.Errorf("found: %t, want %t", found, want)
				}
			})
		}
		for range 3 {
			time.Sleep(39 * time.Minute)
			wantFound(long, true)
		}
		wantFound(short, true)
		time.Sleep(3*time.Minute - time.Millisecond)
		wantFound(short, true)
		time.Sleep(time.Millisecond)
		wantFound(short, false)
		wantFound(long, true)
	})
}

// A text that a handler keeps does not change, although it may be a part of the record.
func TestATextThatIsKeptDoesNotChange(t *testing.T) {
	m := newManager(t, memory.New(), session.Config{})
	text := strings.Repeat("text ", 1000)
	cookie := cookieAfter(t, m, nil, func(s *session.Session) { keyText.Set(s, text) })
	var kept string
	for i := range 3 {
		serveOne(m, cookie, func(s *session.Session) {
			kept, _ = keyText.Get(s)
			keyText.Set(s, kept+".")
			keyA.Set(s, i)
		})
		if want := text + strings.Repeat(".", i); kept != want {
			t.Errorf("after %d changes: %d bytes, want %d; it ends with %q", i, len(kept), len(want), kept[len(kept)-3:])
		}
	}
	serveOne(m, cookie, func(s *session.Session) { keyText.Set(s, strings.Repeat("x", len(kept))) })
	if kept != text+".." {
		t.Error("it has changed")
	}
}

// What a request allocates, beside what its handler and the server do: its state, and its
// transaction with the content.
func TestAReadAllocatesTwice(t *testing.T) {
	if httpRace {
		return // the race detector allocates as well
	}
	m := newManager(t, memory.New(), session.Config{})
	cookie := cookieOf(t, m)
	for _, tc := range []struct {
		what   string
		cookie *http.Cookie
		read   bool
		want   float64
	}{
		{"nothing", cookie, false, 1},
		{"without a session, nothing", nil, false, 1},
		{"without a session, a value", nil, true, 2},
		{"a value", cookie, true, 2},
	} {
		h := m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if tc.read {
				if s, err := session.Load(r.Context()); err != nil || s.IsNew() != (tc.cookie == nil) {
					t.Error(err)
				} else {
					keyA.Get(s)
				}
			}
			io.WriteString(w, "ok")
		}))
		r := httptest.NewRequest("GET", "/", nil)
		if tc.cookie != nil {
			r.AddCookie(tc.cookie)
		}
		w := &discardingWriter{header: http.Header{}}
		got := testing.AllocsPerRun(100, func() {
			clear(w.header)
			h.ServeHTTP(w, r)
		})
		if got > tc.want {
			t.Errorf("a request that reads %s allocates %v times, want %v", tc.what, got, tc.want)
		}
	}
}

// The garbage collector of Go 1.26 scans objects of up to 512 bytes faster than larger ones.
// With one of 576, such a request takes half as long again.
func TestStateOfARequestIsSmall(t *testing.T) {
	if httpRace {
		return // it adds to allocations
	}
	m := newManager(t, memory.New(), session.Config{})
	h := m.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") }))
	r := httptest.NewRequest("GET", "/", nil)
	w := &discardingWriter{header: http.Header{}}
	result := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			h.ServeHTTP(w, r)
		}
	})
	if got := result.AllocedBytesPerOp(); got > 512 && unsafe.Sizeof(uintptr(0)) == 8 {
		t.Errorf("a request that does not load the session allocates %d bytes, want 512", got)
	}
}

// discardingWriter is a ResponseWriter that allocates nothing.
type discardingWriter struct{ header http.Header }

func (w *discardingWriter) Header() http.Header               { return w.header }
func (w *discardingWriter) WriteHeader(int)                   {}
func (w *discardingWriter) Write(b []byte) (int, error)       { return len(b), nil }
func (w *discardingWriter) WriteString(s string) (int, error) { return len(s), nil }
