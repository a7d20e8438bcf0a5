package interop_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"

	"github.com/alexedwards/scs/v2"
	"github.com/gorilla/sessions"
	"github.com/holdfast-go/holdfast/session"
)

const (
	parallel = 50
	rounds   = 20
)

// peer is a session library as its users meet it: handlers that read and write
// one session. middle, if any, is called between reading and writing.
type peer struct {
	name string
	app  func(t *testing.T, middle func()) http.Handler
}

// The routes of an app: /count adds one to a counter, /own?key sets a key of its
// own, /slow adds one with middle in the middle, /logout logs out, /left tells
// the counter and how many keys there are.
var peers = []peer{
	{"scs v2, memstore", func(_ *testing.T, middle func()) http.Handler {
		m := scs.New()
		m.Cookie.Secure = false
		add := func(r *http.Request, middle func()) {
			n := m.GetInt(r.Context(), "count")
			middle()
			m.Put(r.Context(), "count", n+1)
		}
		mux := http.NewServeMux()
		mux.HandleFunc("/count", func(_ http.ResponseWriter, r *http.Request) { add(r, func() {}) })
		mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) { add(r, middle) })
		mux.HandleFunc("/own", func(_ http.ResponseWriter, r *http.Request) { m.Put(r.Context(), r.URL.RawQuery, true) })
		mux.HandleFunc("/logout", func(w http.ResponseWriter, r *http.Request) {
			if err := m.Destroy(r.Context()); err != nil {
				http.Error(w, err.Error(), 500)
			}
		})
		mux.HandleFunc("/left", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, m.GetInt(r.Context(), "count"), " ", len(m.Keys(r.Context())))
		})
		return m.LoadAndSave(mux)
	}},
	{"gorilla/sessions, files", func(t *testing.T, middle func()) http.Handler {
		store := sessions.NewFilesystemStore(t.TempDir(), bytes.Repeat([]byte("k"), 32))
		handle := func(change func(*http.Request, map[any]any, *sessions.Options)) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				s, err := store.Get(r, "session")
				if err == nil {
					change(r, s.Values, s.Options)
					err = s.Save(r, w)
				}
				if err != nil {
					http.Error(w, err.Error(), 500)
				}
			}
		}
		add := func(values map[any]any, middle func()) {
			n, _ := values["count"].(int)
			middle()
			values["count"] = n + 1
		}
		mux := http.NewServeMux()
		mux.HandleFunc("/count", handle(func(_ *http.Request, values map[any]any, _ *sessions.Options) { add(values, func() {}) }))
		mux.HandleFunc("/slow", handle(func(_ *http.Request, values map[any]any, _ *sessions.Options) { add(values, middle) }))
		mux.HandleFunc("/own", handle(func(r *http.Request, values map[any]any, _ *sessions.Options) { values[r.URL.RawQuery] = true }))
		mux.HandleFunc("/logout", handle(func(_ *http.Request, _ map[any]any, o *sessions.Options) { o.MaxAge = -1 }))
		mux.HandleFunc("/left", func(w http.ResponseWriter, r *http.Request) {
			s, _ := store.Get(r, "session") // without a file it is an error, and a new session
			n, _ := s.Values["count"].(int)
			fmt.Fprint(w, n, " ", len(s.Values))
		})
		return mux
	}},
	{"Holdfast, memory", func(t *testing.T, middle func()) http.Handler {
		m := newManager(t)
		add := func(s *session.Session, middle func()) {
			n, _ := count.Get(s)
			middle()
			count.Set(s, n+1)
		}
		mux := http.NewServeMux()
		handle := func(path string, leaf func(http.ResponseWriter, *http.Request, *session.Session)) {
			mux.Handle(path, m.HandlerFunc(leaf))
		}
		handle("/count", func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { add(s, func() {}) })
		handle("/slow", func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { add(s, middle) })
		handle("/own", func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
			session.NewKey[bool](r.URL.RawQuery).Set(s, true)
		})
		handle("/logout", func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { s.Destroy() })
		handle("/left", func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			n, _ := count.Get(s)
			fmt.Fprint(w, n, " ", len(s.Keys()))
		})
		return mux
	}},
}

// losses is what a peer lost.
type losses struct {
	updates  int   // of rounds*parallel
	keysLeft []int // of parallel, each round
	undone   int   // logouts, of rounds
}

// TestPeers measures what 50 parallel requests on one session lose. Whether a
// peer loses is luck, so only Holdfast's figures are held to anything.
func TestPeers(t *testing.T) {
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\n%d parallel requests, %d rounds\tcounter++: lost of %d\tkeys left of %d\tlogout undone, of %d\n",
		parallel, rounds, rounds*parallel, parallel, rounds)
	for _, p := range peers {
		got := losses{updates: p.lostUpdates(t), keysLeft: p.keysLeft(t), undone: p.logoutsUndone(t)}
		fmt.Fprintf(w, "%s\t%d\t%d to %d\t%d\n", p.name,
			got.updates, slices.Min(got.keysLeft), slices.Max(got.keysLeft), got.undone)
		if strings.HasPrefix(p.name, "Holdfast") &&
			(got.updates != 0 || slices.Min(got.keysLeft) != parallel || got.undone != 0) {
			t.Errorf("Holdfast lost something: %+v", got)
		}
	}
	w.Flush()
	t.Log(table.String())
}

// left asks for the counter and the number of keys.
func (b *browser) left() (n, keys int) {
	b.t.Helper()
	a := b.expect("GET", "/left", 200, "")
	if _, err := fmt.Sscan(a.body, &n, &keys); err != nil {
		b.t.Fatalf("%q: %v", a.body, err)
	}
	return n, keys
}

// storm sends parallel requests at once.
func (b *browser) storm(path func(i int) string) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range parallel {
		wg.Go(func() {
			<-start
			if a := b.send("GET", path(i)); a.status != 200 {
				b.t.Errorf("%s: %d %q", path(i), a.status, a.body)
			}
		})
	}
	close(start)
	wg.Wait()
}

func (p peer) lostUpdates(t *testing.T) int {
	b := serve(t, p.app(t, nil))
	b.expect("GET", "/own?begin", 200, "")
	for range rounds {
		b.storm(func(int) string { return "/count" })
	}
	n, _ := b.left()
	return rounds*parallel - n
}

func (p peer) keysLeft(t *testing.T) (left []int) {
	for range rounds {
		b := serve(t, p.app(t, nil))
		b.expect("GET", "/count", 200, "")
		b.storm(func(i int) string { return fmt.Sprint("/own?", i) })
		_, keys := b.left()
		left = append(left, keys-1)
	}
	return left
}

// logoutsUndone counts the rounds in which the cookie of a user who logged out
// while a request of theirs was under way works again.
func (p peer) logoutsUndone(t *testing.T) (undone int) {
	for range rounds {
		under, way := make(chan struct{}), make(chan struct{})
		b := serve(t, p.app(t, func() { close(under); <-way }))
		b.expect("GET", "/own?user", 200, "")
		old, err := http.NewRequest("GET", b.url+"/left", nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range b.client.Jar.Cookies(old.URL) {
			old.AddCookie(c)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			b.send("GET", "/slow")
		}()
		<-under
		b.expect("GET", "/logout", 200, "")
		close(way)
		<-done
		if p.opens(t, b, old) {
			undone++
		}
	}
	return undone
}

// opens reports whether req's cookie still opens a session with keys.
func (p peer) opens(t *testing.T, b *browser, req *http.Request) bool {
	t.Helper()
	res, err := b.client.Transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body) != "0 0"
}
