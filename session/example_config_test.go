package session_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/provider/sealed"
	"github.com/holdfast-go/holdfast/session"
)

// A rule across keys: flight and hotel together must keep to the budget. At LevelMerge
// both tabs would get through, since neither has changed a key that the other one
// changes.
func ExampleIsolation() {
	sessions := must(session.New(memory.New(), session.Config{Isolation: session.LevelSerializable}))
	flight, hotel := session.NewKey[int]("flight"), session.NewKey[int]("hotel")
	const budget = 500

	mux := http.NewServeMux()
	browser := newBrowser(mux)
	book := func(this, other session.Key[int]) http.Handler {
		return sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
			price, err := strconv.Atoi(r.PathValue("price"))
			spent, _ := other.Get(s)
			if err != nil || spent+price > budget {
				http.Error(w, "over budget", http.StatusUnprocessableEntity)
				return
			}
			browser.overtake() // by the other tab
			this.Set(s, price)
		})
	}
	mux.Handle("POST /flight/{price}", book(flight, hotel))
	mux.Handle("POST /hotel/{price}", book(hotel, flight))

	browser.send("POST /hotel/100")
	browser.race("POST /hotel/300", "POST /flight/300")
	browser.send("POST /hotel/300")
	// Output:
	// POST /hotel/100: 200
	// POST /flight/300: 200
	// POST /hotel/300: 409 Another request of yours changed the sam
	// POST /hotel/300: 422 over budget
}

// A store that is down.
type outage struct{ provider.Provider }

func (outage) Fetch(context.Context, string) (*provider.Record, error) {
	return nil, errors.New("connection refused")
}

// An error page of the program's own, which has to log the error as well.
func ExampleConfig_errorHandler() {
	sessions := must(session.New(outage{memory.New()}, session.Config{
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			status := session.StatusCode(err)
			if status == http.StatusServiceUnavailable {
				w.Header().Set("Retry-After", "5")
			}
			slog.ErrorContext(r.Context(), "no session", "error", err)
			http.Error(w, "Sorry: "+http.StatusText(status), status)
		},
	}))
	browser := newBrowser(sessions.HandlerFunc(hello))
	browser.send("GET /")
	// Output:
	// GET /: 503 Sorry: Service Unavailable
}

// A record that this program cannot read, for example because it is sealed by a key that
// was lost, stays as it is. The visitor begins a new session.
func ExampleManager_ClearCookie() {
	store := memory.New()
	newKey := func() [][]byte {
		key := make([]byte, 32)
		rand.Read(key)
		return [][]byte{key}
	}
	signingKeys := newKey()
	before := must(session.New(must(sealed.New(store, newKey())), session.Config{SigningKeys: signingKeys}))

	var sessions *session.Manager
	sessions = must(session.New(must(sealed.New(store, newKey())), session.Config{
		SigningKeys: signingKeys,
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if errors.Is(err, session.ErrUnreadable) {
				sessions.ClearCookie(w, r)
			}
			http.Error(w, "please load the page again", session.StatusCode(err))
		},
	}))

	browser := newBrowser(before.HandlerFunc(hello))
	browser.send("GET /")
	browser.site = sessions.HandlerFunc(hello)
	browser.send("GET /")
	browser.send("GET /")
	// Output:
	// GET /: 200 visit 1
	// GET /: 503 please load the page again
	// GET /: 200 visit 1
}

// A new key is added as the last one. When every instance has it, it becomes the first;
// the old one goes on verifying until no cookie that it has signed is left: after
// Config.PersistLifetime.
func ExampleConfig_signingKeys() {
	store := memory.New()
	oldKey, newKey := make([]byte, 32), make([]byte, 32)
	rand.Read(oldKey) // a program reads them from its environment
	rand.Read(newKey)

	site := func(keys ...[]byte) http.Handler {
		return must(session.New(store, session.Config{SigningKeys: keys})).HandlerFunc(hello)
	}
	browser := newBrowser(site(oldKey))
	browser.send("GET /")
	browser.site = site(oldKey, newKey)
	browser.send("GET /")
	browser.site = site(newKey, oldKey)
	browser.send("GET /")
	browser.site = site(newKey)
	browser.send("GET /")
	// Output:
	// GET /: 200 visit 1
	// GET /: 200 visit 2
	// GET /: 200 visit 3
	// GET /: 200 visit 1
}

// A table of sessions that people can read.
func ExampleJSON() {
	store := memory.New()
	sessions := must(session.New(store, session.Config{Codec: session.JSON()}))
	type Profile struct {
		Name     string `json:"name"`
		Language string `json:"lang"`
	}
	profile := session.NewKey[Profile]("profile")

	browser := newBrowser(sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		profile.Set(s, Profile{"Ann", "fr"})
		if err := s.Save(r.Context()); err != nil {
			http.Error(w, err.Error(), session.StatusCode(err))
			return
		}
		rec := must(store.Fetch(r.Context(), s.PublicID()))
		at := bytes.LastIndexByte(rec.Data, '{')
		fmt.Fprintf(w, "%s: %s\n", rec.Format, rec.Data[at:])
	}))
	browser.send("POST /")
	// Output:
	// POST /: 200 json: {"name":"Ann","lang":"fr"}
}

// A cookie for all subdomains, which browsers keep for a day. With a Domain the
// name cannot have the prefix __Host-.
func ExampleCookie() {
	sessions := must(session.New(memory.New(), session.Config{
		Cookie: session.Cookie{
			Name:     "__Secure-session",
			Domain:   "example.com",
			SameSite: http.SameSiteStrictMode,
			MaxAge:   24 * time.Hour,
		},
	}))

	browser := newBrowser(sessions.HandlerFunc(hello))
	browser.send("GET /")
	cookie := browser.cookies["__Secure-session"]
	cookie.Value = "..."
	fmt.Println(cookie)
	// Output:
	// GET /: 200 visit 1
	// __Secure-session=...; Path=/; Domain=example.com; Max-Age=86400; HttpOnly; Secure; SameSite=Strict
}

// New names every mistake at once.
func ExampleNew() {
	_, err := session.New(memory.New(), session.Config{
		SigningKeys: [][]byte{[]byte("secret")},
		IdleTimeout: 48 * time.Hour,
		Lifetime:    24 * time.Hour,
		Cookie:      session.Cookie{Name: "__Host-id", Insecure: true},
	})
	fmt.Println(err)
	// Output:
	// session: SigningKeys[0] has 6 bytes; take 32 or more from crypto/rand
	// session: Lifetime 24h0m0s is shorter than IdleTimeout 48h0m0s
	// session: Cookie.Insecure: browsers drop a cookie named "__Host-id" without Secure; choose another Name
}
