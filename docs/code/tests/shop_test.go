package tests

import (
	"context"
	"errors"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
	"github.com/holdfast-go/holdfast/session/sessiontest"
)

func TestAddToCart(t *testing.T) {
	sessions := sessiontest.NewManager(t)
	visitor := sessiontest.Cookie(t, sessions, func(s *session.Session) {
		cart.Set(s, []string{"tea"})
	})

	r := httptest.NewRequest("POST", "/cart?item=milk", nil)
	r.AddCookie(visitor)
	w := httptest.NewRecorder()
	(&Shop{Sessions: sessions}).Routes().ServeHTTP(w, r)

	sessiontest.Read(t, sessions, visitor, func(s *session.Session) {
		if got, _ := cart.Get(s); !slices.Equal(got, []string{"tea", "milk"}) {
			t.Errorf("the cart is %v", got)
		}
	})
}

func TestLogin(t *testing.T) {
	sessions := sessiontest.NewManager(t)
	visitor := sessiontest.Cookie(t, sessions, func(s *session.Session) {
		cart.Set(s, []string{"tea"})
	})

	r := httptest.NewRequest("POST", "/login?user=ann", nil)
	r.AddCookie(visitor)
	w := httptest.NewRecorder()
	(&Shop{Sessions: sessions}).Routes().ServeHTTP(w, r)

	if sessiontest.Alive(t, sessions, visitor) {
		t.Error("the cookie from before the login opens a session")
	}
	user := sessiontest.Response(t, sessions, w.Result())
	sessiontest.Read(t, sessions, user, func(s *session.Session) {
		if s.Owner() != "ann" {
			t.Errorf("the owner is %q", s.Owner())
		}
	})
}

func TestLogout(t *testing.T) {
	sessions := sessiontest.NewManager(t)
	user := sessiontest.Cookie(t, sessions, func(s *session.Session) { s.SetOwner("ann") })

	r := httptest.NewRequest("POST", "/logout", nil)
	r.AddCookie(user)
	(&Shop{Sessions: sessions}).Routes().ServeHTTP(httptest.NewRecorder(), r)

	if sessiontest.Alive(t, sessions, user) {
		t.Error("the user is still logged in")
	}
}

// Two clicks on "redeem", in every order of their storage calls.
func TestDoubleClickPaysOnce(t *testing.T) {
	sessions := sessiontest.NewManager(t)
	visitor := sessiontest.Cookie(t, sessions, func(s *session.Session) { voucher.Set(s, "10 off") })
	paid := 0
	shop := &Shop{Sessions: sessions, Pay: func(string) { paid++ }}
	click := func() *http.Request {
		paid = 0 // for each order
		r := httptest.NewRequest("POST", "/redeem", nil)
		r.AddCookie(visitor)
		return r
	}
	sessiontest.Interleave(t, sessions, click, click, shop.Routes(),
		func(t testing.TB, order string, resA, resB *http.Response) {
			if paid != 1 {
				t.Errorf("the voucher was paid %d times", paid)
			}
		})
}

// The clock of a bubble of testing/synctest does not wait.
func TestUserWhoIsAwayIsLoggedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sessions := sessiontest.NewManager(t, session.Config{IdleTimeout: 15 * time.Minute})
		user := sessiontest.Cookie(t, sessions, func(s *session.Session) { s.SetOwner("ann") })
		time.Sleep(16 * time.Minute)
		if sessiontest.Alive(t, sessions, user) {
			t.Error("the user is still logged in")
		}
	})
}

// The whole program, with the cookie jar of a client. NewManager lets the jar keep the
// cookie over plain HTTP.
func TestWholeProgram(t *testing.T) {
	sessions := sessiontest.NewManager(t)
	server := httptest.NewServer((&Shop{Sessions: sessions}).Routes())
	defer server.Close()
	client := server.Client()
	client.Jar, _ = cookiejar.New(nil)
	for _, path := range []string{"/cart?item=tea", "/login?user=ann", "/cart?item=milk"} {
		res, err := client.Post(server.URL+path, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
	}
	own, err := sessions.Sessions(t.Context(), "ann")
	if err != nil || len(own) != 1 {
		t.Fatal(own, err)
	}
	if items, _ := cart.Get(own[0]); len(items) != 2 {
		t.Errorf("the cart is %v", items)
	}
}

// downStore is a store that is down.
type downStore struct{ provider.Provider }

func (downStore) Fetch(context.Context, string) (*provider.Record, error) {
	return nil, errors.New("connection refused")
}

func TestStoreIsDown(t *testing.T) {
	store := memory.New()
	config := session.Config{SigningKeys: [][]byte{make([]byte, 32)}}
	before, err := session.New(store, config)
	if err != nil {
		t.Fatal(err)
	}
	visitor := sessiontest.Cookie(t, before, func(s *session.Session) { cart.Set(s, []string{"tea"}) })
	sessions, err := session.New(downStore{store}, config)
	if err != nil {
		t.Fatal(err)
	}

	r := httptest.NewRequest("POST", "/cart?item=milk", nil)
	r.AddCookie(visitor)
	w := httptest.NewRecorder()
	(&Shop{Sessions: sessions}).Routes().ServeHTTP(w, r)
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d", w.Code)
	}
}
