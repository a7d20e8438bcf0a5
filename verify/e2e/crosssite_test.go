package e2e_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// startReturning starts an app that a page of another site posts to, as identity
// providers and banks do, and returns its address and what it has logged.
func startReturning(t *testing.T) (addr string, logged func() string) {
	t.Helper()
	book := new(syncedBook)
	manager := func(cfg session.Config) *session.Manager {
		cfg.Logger = slog.New(slog.NewTextHandler(book, nil))
		m, err := session.New(memory.New(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	sessions := manager(session.Config{})
	roundTrips := manager(session.Config{Cookie: session.Cookie{Name: "__Host-roundtrip", SameSite: http.SameSiteNoneMode}})
	server := httptest.NewServer(returningRoutes(sessions, roundTrips))
	t.Cleanup(server.Close)
	return strings.Replace(server.URL, "127.0.0.1", "localhost", 1), book.String
}

func returningRoutes(sessions, roundTrips *session.Manager) http.Handler {
	cart, said, state := session.NewKey[string]("cart"), session.NewKey[string]("said"), session.NewKey[string]("state")
	mux := http.NewServeMux()
	mux.HandleFunc("GET /cart", sessions.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		item, ok := cart.Get(s)
		if !ok {
			item = "nothing"
		}
		fmt.Fprint(w, "has ", item)
	}))
	mux.HandleFunc("GET /cart/tea", sessions.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		cart.Set(s, "tea")
		fmt.Fprint(w, "added")
	}))
	mux.HandleFunc("GET /login", roundTrips.HandlerFunc(func(w http.ResponseWriter, r *http.Request, trip *session.Session) {
		state.Set(trip, "xyz")
		fmt.Fprint(w, "go")
	}))
	mux.HandleFunc("POST /callback", roundTrips.HandlerFunc(func(w http.ResponseWriter, r *http.Request, trip *session.Session) {
		if sent, _ := state.Pop(trip); sent != r.FormValue("state") {
			http.Error(w, "not what was asked for", http.StatusForbidden)
			return
		}
		http.Redirect(w, r, "/cart", http.StatusSeeOther)
	}))
	mux.HandleFunc("POST /careless", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		said.Set(s, "paid")
		http.Redirect(w, r, "/cart", http.StatusSeeOther)
	}))
	return mux
}

type syncedBook struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *syncedBook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *syncedBook) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// A POST from another site's page comes without the Lax cookie. With what it needs in
// a second Manager, of SameSite=None, the visitor's session stays; what a handler sets
// in the first one replaces it, which is logged.
func TestAPostFromAnotherSite(t *testing.T) {
	shop, logged := startReturning(t)
	bank := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<link rel="icon" href="data:,"><form method="post" action="%s%s"><button name="state" value="xyz">Pay</button></form>`, shop, r.URL.Path)
	}))
	t.Cleanup(bank.Close)

	p := visit(t)
	read := func(want string, steps ...step) {
		t.Helper()
		p.load(200, steps...)
		p.says("body", want)
	}
	read("added", navigate(shop+"/cart/tea"))
	read("go", navigate(shop+"/login"))
	p.load(200, navigate(bank.URL+"/callback"))
	read("has tea", click("button"))
	if logged() != "" {
		t.Errorf("logged:\n%s", logged())
	}

	p.load(200, navigate(bank.URL+"/careless"))
	read("has nothing", click("button"))
	if !strings.Contains(logged(), "a page of another site") {
		t.Errorf("not logged:\n%s", logged())
	}
}
