package scsholdfast_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/adapters/scsholdfast"
)

// oldStore is a store of scs that fails if it is told to. The tests in verify/interop/scs
// import from scs's own stores.
type oldStore struct {
	mu         sync.Mutex
	sessions   map[string][]byte
	finds      int
	findErr    error
	deleteErr  error
	beforeFind func()
}

func (s *oldStore) Find(token string) ([]byte, bool, error) {
	if s.beforeFind != nil {
		s.beforeFind()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.finds++
	b, ok := s.sessions[token]
	return b, ok, s.findErr
}

func (s *oldStore) Delete(token string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deleteErr == nil {
		delete(s.sessions, token)
	}
	return s.deleteErr
}

// add stores a session as scs does, and returns its token.
func (s *oldStore) add(t *testing.T, deadline time.Time, values map[string]any) string {
	t.Helper()
	var token [32]byte
	_, _ = rand.Read(token[:])
	b, err := scsholdfast.GobCodec{}.Encode(deadline, values)
	if err != nil {
		t.Fatal(err)
	}
	name := base64.RawURLEncoding.EncodeToString(token[:])
	s.sessions[name] = b
	return name
}

func newImporting(t *testing.T) (manager, *store, *oldStore) {
	m, s := newManager(t)
	old := &oldStore{sessions: map[string][]byte{}}
	m.Import = &scsholdfast.Import{Store: old}
	return m, s, old
}

// show returns a visitor with an old cookie, whose page shows the values.
func show(t *testing.T, m manager, token string) *visitor {
	v := app(t, m, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/put" {
			m.Put(r.Context(), "c", 3)
		}
		for _, key := range m.Keys(r.Context()) {
			fmt.Fprint(w, key, "=", m.Get(r.Context(), key), " ")
		}
	})
	v.cookie = &http.Cookie{Name: "session", Value: token}
	return v
}

func TestImport(t *testing.T) {
	m, s, old := newImporting(t)
	deadline := time.Now().Add(90 * time.Minute)
	token := old.add(t, deadline, map[string]any{"a": 1, "b": "x"})
	v := show(t, m, token)
	res := v.do("GET", "/")
	cookies := res.Cookies()
	if len(cookies) != 1 || cookies[0].Value == token || cookies[0].MaxAge < 5300 || cookies[0].MaxAge > 5401 || res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("cookies %v, header %v", cookies, res.Header)
	}
	if got := v.get("/"); got != "a=1 b=x " {
		t.Errorf("the visitor has %q", got)
	}
	if len(old.sessions) > 0 || old.finds != 1 {
		t.Errorf("%d old sessions left, %d finds", len(old.sessions), old.finds)
	}
	if got := s.trips.Load(); got != 4 { // session, claim, load; load
		t.Errorf("%d trips", got)
	}
	use(t, m, v.cookie.Value, func(ctx context.Context) {
		if got := m.Deadline(ctx); got.Sub(deadline).Abs() > time.Second {
			t.Errorf("deadline %v, was %v", got, deadline)
		}
	})
}

// The cookie is sent although the handler fails, since the import was saved.
func TestImportDoesNotDependOnTheHandler(t *testing.T) {
	m, _, old := newImporting(t)
	token := old.add(t, time.Now().Add(time.Hour), map[string]any{"a": 1})
	v := app(t, m, func(w http.ResponseWriter, r *http.Request) {
		m.Put(r.Context(), "b", 2)
		w.WriteHeader(http.StatusInternalServerError)
	})
	v.cookie = &http.Cookie{Name: "session", Value: token}
	v.do("GET", "/")
	use(t, m, v.cookie.Value, func(ctx context.Context) {
		if got := fmt.Sprint(m.Keys(ctx)); got != "[a]" {
			t.Errorf("keys %s", got)
		}
	})
}

// A login in the same request gives the visitor the renewed token, and a logout none.
func TestImportThenRenewOrDestroy(t *testing.T) {
	for _, path := range []string{"/renew", "/destroy"} {
		m, _, old := newImporting(t)
		token := old.add(t, time.Now().Add(time.Hour), map[string]any{"a": 1})
		v := app(t, m, func(_ http.ResponseWriter, r *http.Request) {
			if path == "/renew" {
				_ = m.RenewToken(r.Context())
			} else if err := m.Destroy(r.Context()); err != nil {
				t.Error(err)
			}
		})
		v.cookie = &http.Cookie{Name: "session", Value: token}
		res := v.do("GET", path)
		if len(res.Cookies()) != 1 {
			t.Errorf("%s: cookies %v", path, res.Cookies())
		}
		if kept := v.cookie != nil && alive(t, m, v.cookie.Value); kept != (path == "/renew") {
			t.Errorf("%s: alive %v", path, kept)
		}
		late := show(t, m, token)
		if got := late.get("/"); got != "" {
			t.Errorf("%s: the old cookie shows %q", path, got)
		}
	}
}

// Of parallel requests with the old cookie, each gets the same new session, however they
// interleave.
func TestParallelImports(t *testing.T) {
	m, s, old := newImporting(t)
	token := old.add(t, time.Now().Add(time.Hour), map[string]any{"a": 1})
	const parallel = 8
	var found sync.WaitGroup // all have come before any looks
	found.Add(parallel)
	old.beforeFind = func() { found.Done(); found.Wait() }
	got := make([]string, parallel)
	var wg sync.WaitGroup
	for i := range parallel {
		wg.Go(func() {
			v := show(t, m, token)
			if body := v.get("/"); body != "a=1 " {
				t.Errorf("the visitor has %q", body)
			}
			got[i] = v.cookie.Value
		})
	}
	wg.Wait()
	slices.Sort(got)
	if len(slices.Compact(got)) != 1 {
		t.Error("the requests have different sessions")
	}
	live := 0
	if err := m.Iterate(context.Background(), func(context.Context) error { live++; return nil }); err != nil || live != 1 {
		t.Errorf("%d sessions are alive, %v", live, err)
	}
	_ = s
}

// A request that has not found the old session, because a parallel one has just imported
// it, finds the new one.
func TestRequestThatComesDuringTheImport(t *testing.T) {
	m, _, old := newImporting(t)
	token := old.add(t, time.Now().Add(time.Hour), map[string]any{"a": 1})
	first := show(t, m, token)
	first.get("/")
	second := show(t, m, token)
	if got := second.get("/put"); got != "a=1 c=3 " || second.cookie.Value != first.cookie.Value {
		t.Errorf("%q, same session %v", got, second.cookie.Value == first.cookie.Value)
	}
	if got := first.get("/"); got != "a=1 c=3 " {
		t.Errorf("the first request has %q", got)
	}
}

// The old cookie is dead a minute after the import, also if an old instance has saved the
// old session again.
func TestOldCookieEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _, old := newImporting(t)
		token := old.add(t, time.Now().Add(time.Hour), map[string]any{"a": 1})
		saved := maps.Clone(old.sessions)
		first := show(t, m, token)
		first.get("/")
		for _, again := range []bool{false, true} {
			if again {
				old.sessions = maps.Clone(saved)
			}
			time.Sleep(61 * time.Second)
			if got := show(t, m, token).get("/"); got != "" {
				t.Errorf("saved again %v: the old cookie shows %q", again, got)
			}
		}
		if got := first.get("/"); got != "a=1 " {
			t.Errorf("the new cookie shows %q", got)
		}
	})
}

// Neither the claim nor the session has the old token or the new one.
func TestImportStoresNoToken(t *testing.T) {
	m, s, old := newImporting(t)
	token := old.add(t, time.Now().Add(time.Hour), map[string]any{"a": 1})
	v := show(t, m, token)
	v.get("/")
	formats := map[string]bool{}
	for rec, err := range s.List(context.Background(), "") {
		if err != nil {
			t.Fatal(err)
		}
		formats[rec.Format] = true
		for _, secret := range []string{token, v.cookie.Value} {
			if strings.Contains(rec.ID, secret) || bytes.Contains(rec.Data, []byte(secret)) {
				t.Errorf("a record of format %q has a token", rec.Format)
			}
		}
	}
	if !formats["scs import"] || !formats["scs gob"] {
		t.Errorf("records %v", formats)
	}
}

// Cookies that stand for no old session cause a Find and a trip, and others none.
func TestOtherCookies(t *testing.T) {
	m, s, old := newImporting(t)
	expired := old.add(t, time.Now().Add(-time.Second), map[string]any{"a": 1})
	for _, test := range []struct {
		token        string
		finds, trips int
	}{
		{"", 0, 0},
		{"forged", 0, 0},
		{strings.Repeat("!", 43), 0, 0},
		{strings.Repeat("A", 43), 1, 1},
		{expired, 1, 1},
	} {
		finds, trips := old.finds, s.trips.Load()
		v := show(t, m, test.token)
		if got := v.get("/"); got != "" || len(v.do("GET", "/none").Cookies()) > 0 {
			t.Errorf("%q: %q", test.token, got)
		}
		finds, trips = old.finds-finds, s.trips.Load()-trips
		if finds != 2*test.finds || trips != 2*int64(test.trips) {
			t.Errorf("%q: %d finds, %d trips in 2 requests", test.token, finds, trips)
		}
	}
}

// Nobody can cause many lookups by a single request.
func TestManyOldCookies(t *testing.T) {
	m, _, old := newImporting(t)
	h := m.LoadAndSave(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for n, want := range map[int]int{4: 4, 5: 0} {
		old.finds = 0
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Cookie", strings.Repeat("session="+strings.Repeat("A", 43)+"; ", n))
		h.ServeHTTP(httptest.NewRecorder(), r)
		if old.finds != want {
			t.Errorf("%d cookies: %d finds", n, old.finds)
		}
	}
}

// A deadline beyond all bounds is shortened to the longest lifetime.
func TestImportOfAFarDeadline(t *testing.T) {
	m, _, old := newImporting(t)
	token := old.add(t, time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC), map[string]any{"a": 1})
	v := show(t, m, token)
	if got := v.get("/"); got != "a=1 " || v.cookie.MaxAge > 400*24*3600+1 {
		t.Errorf("the visitor has %q, cookie %v", got, v.cookie)
	}
}

// The old cookie has another name: it is deleted, and the visitor's other cookies stay.
func TestImportFromAnotherCookie(t *testing.T) {
	m, _, old := newImporting(t)
	m.Import.CookieName, m.Import.HashTokenInStore = "old", true
	token := old.add(t, time.Now().Add(time.Hour), map[string]any{"a": 1})
	sum := sha256.Sum256([]byte(token))
	old.sessions[base64.RawURLEncoding.EncodeToString(sum[:])] = old.sessions[token]
	delete(old.sessions, token)

	var sent string
	h := m.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent = r.Header.Get("Cookie")
		fmt.Fprint(w, m.GetInt(r.Context(), "a"))
	}))
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", `theme="a b"; old=`+token+`; lang=de`)
	original := r.Header.Get("Cookie")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	cookies := w.Result().Cookies()
	if w.Body.String() != "1" || len(cookies) != 2 || cookies[0].Name != "session" || cookies[1].Name != "old" || cookies[1].MaxAge >= 0 {
		t.Fatalf("%s, cookies %v", w.Body, cookies)
	}
	if want := `theme="a b"; lang=de; session=` + cookies[0].Value; sent != want || r.Header.Get("Cookie") != original {
		t.Errorf("the handler got %q", sent)
	}
	if len(old.sessions) > 0 {
		t.Error("the old session was not deleted")
	}
}

// A visitor who has a new cookie beside the old one is not looked up in the old store.
func TestNewCookieBesideTheOldOne(t *testing.T) {
	m, _, old := newImporting(t)
	m.Import.CookieName = "old"
	token := old.add(t, time.Now().Add(time.Hour), map[string]any{"a": 1})
	fresh := use(t, m, "", func(ctx context.Context) { m.Put(ctx, "b", 2) })
	h := m.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, m.Keys(r.Context())) }))
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", "old="+token+"; session="+fresh)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Body.String() != "[b]" || old.finds != 0 {
		t.Errorf("%s, %d finds", w.Body, old.finds)
	}
}

func TestImportByLoad(t *testing.T) {
	m, _, old := newImporting(t)
	token := old.add(t, time.Now().Add(time.Hour), map[string]any{"a": 1})
	ctx, err := m.Load(context.Background(), token)
	if err != nil {
		t.Fatal(err)
	}
	if m.GetInt(ctx, "a") != 1 || m.Status(ctx) != scsholdfast.Modified {
		t.Errorf("a = %d, status %d", m.GetInt(ctx, "a"), m.Status(ctx))
	}
	renewed, expiry, err := m.Commit(ctx)
	if err != nil || renewed == token || renewed == "" || time.Until(expiry) > time.Hour {
		t.Errorf("%q, %v, %v", renewed, expiry, err)
	}
	if !alive(t, m, renewed) {
		t.Error("the new session is not alive")
	}
}
