package scsholdfast_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/adapters/scsholdfast"
)

func TestStatus(t *testing.T) {
	m, _ := newManager(t)
	ctx, err := m.Load(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	step := func(what string, want scsholdfast.Status) {
		t.Helper()
		if got := m.Status(ctx); got != want {
			t.Errorf("%s: status %d, want %d", what, got, want)
		}
	}
	step("new", scsholdfast.Unmodified)
	m.Remove(ctx, "a")
	m.Pop(ctx, "a")
	if err := m.Clear(ctx); err != nil {
		t.Error(err)
	}
	step("nothing was there", scsholdfast.Unmodified)
	m.Put(ctx, "a", 1)
	step("put", scsholdfast.Modified)
	if err := m.Destroy(ctx); err != nil {
		t.Error(err)
	}
	step("destroyed", scsholdfast.Destroyed)
	m.Put(ctx, "a", 1)
	step("put after destroy", scsholdfast.Modified)
}

// Destroy takes effect at once, whatever the handler answers, and a value that is put
// later begins a new session.
func TestDestroy(t *testing.T) {
	m, _ := newManager(t)
	v := app(t, m, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/login":
			m.Put(r.Context(), "user", 1)
		case "/logout":
			if err := m.Destroy(r.Context()); err != nil {
				t.Error(err)
			}
			w.WriteHeader(http.StatusInternalServerError)
		case "/switch":
			if err := m.Destroy(r.Context()); err != nil {
				t.Error(err)
			}
			m.Put(r.Context(), "user", 2)
		}
	})
	v.get("/login")
	old := v.cookie.Value
	if res := v.do("GET", "/logout"); len(res.Cookies()) != 1 || v.cookie != nil {
		t.Errorf("cookies %v", res.Cookies())
	}
	user := func(token string) (user int) {
		use(t, m, token, func(ctx context.Context) { user = m.GetInt(ctx, "user") })
		return user
	}
	if user(old) != 0 {
		t.Error("the session is alive")
	}
	v.get("/login")
	old = v.cookie.Value
	v.get("/switch")
	if user(old) != 0 || v.cookie.Value == old || user(v.cookie.Value) != 2 {
		t.Errorf("old %d, new %d", user(old), user(v.cookie.Value))
	}
}

// An error response and a panic save nothing.
func TestErrorResponseSavesNothing(t *testing.T) {
	m, _ := newManager(t)
	token := use(t, m, "", func(ctx context.Context) { m.Put(ctx, "n", 1) })
	v := app(t, m, func(w http.ResponseWriter, r *http.Request) {
		m.Put(r.Context(), "n", 2)
		if r.URL.Path == "/panic" {
			panic("broken")
		}
		http.Error(w, "broken", http.StatusInternalServerError)
	})
	v.cookie = &http.Cookie{Name: "session", Value: token}
	v.do("GET", "/")
	mustPanic(t, func() { v.do("GET", "/panic") })
	use(t, m, token, func(ctx context.Context) {
		if n := m.GetInt(ctx, "n"); n != 1 {
			t.Errorf("%d was saved", n)
		}
	})
}

// A store that fails is answered by 503, before the handler is called or its response has
// begun.
func TestStoreFails(t *testing.T) {
	m, s := newManager(t)
	v := app(t, m, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/broken" {
			s.broken.Store(true)
		}
		m.Put(r.Context(), "a", r.URL.Path)
		fmt.Fprint(w, "saved")
	})
	v.get("/")
	for _, path := range []string{"/broken", "/load"} {
		res := v.do("GET", path)
		if body, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusServiceUnavailable || strings.Contains(string(body), "saved") {
			t.Errorf("%s: status %d, body %s", path, res.StatusCode, body)
		}
	}
	if _, err := m.Load(context.Background(), v.cookie.Value); err == nil {
		t.Error("Load returns no error")
	}
	s.broken.Store(false)
	ctx, err := m.Load(context.Background(), v.cookie.Value)
	if err != nil {
		t.Fatal(err)
	}
	s.broken.Store(true)
	m.Put(ctx, "a", 1)
	if token, expiry, err := m.Commit(ctx); err == nil || token != "" || !expiry.IsZero() {
		t.Errorf("Commit: %q, %v, %v", token, expiry, err)
	}
}

// A response can be streamed, and a value that was changed before is saved before.
func TestStream(t *testing.T) {
	m, _ := newManager(t)
	proceed := make(chan bool)
	server := httptest.NewServer(m.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.Put(r.Context(), "n", 1)
		fmt.Fprintln(w, "first")
		w.(http.Flusher).Flush()
		<-proceed
		m.Put(r.Context(), "n", 2)
	})))
	defer server.Close()
	res, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if line, err := bufio.NewReader(res.Body).ReadString('\n'); err != nil || line != "first\n" {
		t.Fatalf("%q, %v", line, err)
	}
	token := res.Cookies()[0].Value
	n := func() (n int) {
		use(t, m, token, func(ctx context.Context) { n = m.GetInt(ctx, "n") })
		return n
	}
	if n() != 1 {
		t.Error("not saved when the response began")
	}
	close(proceed)
	_, _ = io.Copy(io.Discard, res.Body)
	server.Close() // waits for the handler
	if n() != 2 {
		t.Error("the change after the response began was not saved")
	}
}

// Middleware outside sees the pattern and the parsed form of the request.
func TestParsedFormOfTheRequest(t *testing.T) {
	m, _ := newManager(t)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /upload", func(_ http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(1 << 20); err != nil {
			t.Error(err)
		}
	})
	var body strings.Builder
	form := multipart.NewWriter(&body)
	if err := form.WriteField("a", "1"); err != nil {
		t.Fatal(err)
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("POST", "/upload", strings.NewReader(body.String()))
	r.Header.Set("Content-Type", form.FormDataContentType())
	m.LoadAndSave(mux).ServeHTTP(httptest.NewRecorder(), r)
	if r.Pattern != "POST /upload" || r.MultipartForm == nil {
		t.Errorf("pattern %q, form %v", r.Pattern, r.MultipartForm)
	}
}

// A LoadAndSave inside of another one of the same SessionManager has no effect; one of
// another SessionManager has a session of its own.
func TestNested(t *testing.T) {
	m, s := newManager(t)
	other, _ := newManager(t)
	other.Cookie.Name = "other"
	leaf := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		m.Put(r.Context(), "a", 1)
		other.Put(r.Context(), "b", 2)
		if m.Exists(r.Context(), "b") {
			t.Error("both have the same session")
		}
	})
	v := app(t, m, m.LoadAndSave(other.LoadAndSave(leaf)).ServeHTTP)
	res := v.do("GET", "/")
	if len(res.Cookies()) != 2 || s.trips.Load() != 1 {
		t.Errorf("cookies %v, %d trips", res.Cookies(), s.trips.Load())
	}
}

// Middleware between two LoadAndSave of one SessionManager sees what the inner handler
// does.
func TestNestedSharesTheState(t *testing.T) {
	m, _ := newManager(t)
	inner := m.LoadAndSave(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { m.Put(r.Context(), "a", 1) }))
	app(t, m, func(w http.ResponseWriter, r *http.Request) {
		inner.ServeHTTP(w, r)
		if m.Status(r.Context()) != scsholdfast.Modified {
			t.Error("the session is not Modified")
		}
	}).get("/")
}

// Trips of a request to the store.
func TestTrips(t *testing.T) {
	m, s := newManager(t)
	v := app(t, m, func(_ http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/get":
			m.GetInt(r.Context(), "n")
		case "/put":
			m.Put(r.Context(), "n", m.GetInt(r.Context(), "n")+1)
		case "/renew":
			_ = m.RenewToken(r.Context())
		case "/destroy":
			_ = m.Destroy(r.Context())
		}
	})
	for _, step := range []struct {
		path string
		want int64
	}{{"/get", 0}, {"/", 0}, {"/put", 1}, {"/get", 1}, {"/", 1}, {"/put", 2}, {"/renew", 3}, {"/destroy", 2}, {"/get", 0}} {
		before := s.trips.Load()
		v.get(step.path)
		if got := s.trips.Load() - before; got != step.want {
			t.Errorf("%s: %d trips, want %d", step.path, got, step.want)
		}
	}
}

func TestMergeSession(t *testing.T) {
	m, s := newManager(t)
	other := use(t, m, "", func(ctx context.Context) {
		m.Put(ctx, "state", "xyz")
		m.Put(ctx, "both", "theirs")
		setDeadline(99*time.Hour)(ctx, m)
	})
	token := use(t, m, "", func(ctx context.Context) { m.Put(ctx, "both", "mine") })
	merge := func(token, other string) string {
		return use(t, m, token, func(ctx context.Context) {
			m.Get(ctx, "both")
			if err := m.MergeSession(ctx, other); err != nil {
				t.Error(err)
			}
			if got := m.GetString(ctx, "state") + " " + m.GetString(ctx, "both"); got != "xyz theirs" {
				t.Errorf("values %s", got)
			}
		})
	}
	if got := merge(token, other); got != token {
		t.Error("the token has changed")
	}
	use(t, m, other, func(ctx context.Context) {
		if len(m.Keys(ctx)) > 0 {
			t.Error("the other session is alive")
		}
	})
	merge(token, other) // ended
	merge(token, token)
	use(t, m, token, func(ctx context.Context) {
		if left := time.Until(m.Deadline(ctx)); left < 98*time.Hour {
			t.Errorf("deadline in %v", left)
		}
		trips := s.trips.Load()
		if err := m.MergeSession(ctx, "unknown"); err != nil || m.Status(ctx) != scsholdfast.Unmodified || s.trips.Load() != trips {
			t.Errorf("unknown token: %v, status %d, %d trips", err, m.Status(ctx), s.trips.Load()-trips)
		}
	})
}
