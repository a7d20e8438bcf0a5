package measure_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// A shop is several instances over one store, behind a balancer.
type shop struct {
	store     *storetest.Store
	managers  []*session.Manager
	instances []http.Handler
}

var (
	cartKey     = session.NewKey[int]("cart") // the number of items
	customerKey = session.NewKey[string]("customer")
)

// newShop opens a shop. Its sessions have the default configuration but for the copies. A call
// to its store takes a millisecond.
func newShop(t *testing.T, d day) *shop {
	s := &shop{store: &storetest.Store{
		Provider: memory.New(),
		OnFetch: func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
			time.Sleep(time.Millisecond)
			return next(ctx, id)
		},
		OnSave: func(ctx context.Context, rec *provider.Record, expectVersion int64, next storetest.SaveFunc) error {
			time.Sleep(time.Millisecond)
			return next(ctx, rec, expectVersion)
		},
	}}
	p := provider.Provider(s.store)
	if !d.broadcast {
		p = struct{ provider.Provider }{p}
	}
	for range d.instances {
		m := newManager(t, p, session.Config{
			SigningKeys: [][]byte{signingKey},
			Cookie:      session.Cookie{Insecure: true},
			Logger:      slog.New(slog.DiscardHandler),
			ReadCache:   session.ReadCache{MaxStale: d.stale},
		})
		s.managers = append(s.managers, m)
		s.instances = append(s.instances, shopHandler(m))
	}
	return s
}

// shopHandler returns the pages. Each shows the cart and the customer.
func shopHandler(m *session.Manager) http.Handler {
	mux := http.NewServeMux()
	page := func(pattern string, change func(*session.Session, *http.Request)) {
		mux.HandleFunc(pattern, m.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
			change(s, r)
			n, _ := cartKey.Get(s)
			customer, _ := customerKey.Get(s)
			fmt.Fprintf(w, "%d %s", n, customer)
		}))
	}
	page("GET /", func(*session.Session, *http.Request) {})
	page("POST /cart", func(s *session.Session, _ *http.Request) {
		cartKey.Update(s, func(n int) int { return n + 1 })
	})
	page("POST /order", func(s *session.Session, _ *http.Request) { cartKey.Set(s, 0) })
	page("POST /sign-in", func(s *session.Session, r *http.Request) {
		if customer, _ := customerKey.Get(s); customer == "" {
			s.Renew()
			customerKey.Set(s, r.URL.Query().Get("customer"))
			s.SetOwner(r.URL.Query().Get("customer"))
		}
	})
	return mux
}

var shopURL = &url.URL{Scheme: "http", Host: "shop.example", Path: "/"}

// A customer is a browser, and what its pages have to show.
type customer struct {
	t        testing.TB
	shop     *shop
	instance atomic.Int64 // of the last request
	jar      *cookiejar.Jar
	name     string
	cart     int
	signedIn string
}

func (s *shop) customer(t testing.TB, number int) *customer {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &customer{t: t, shop: s, jar: jar, name: fmt.Sprint("customer-", number)}
	c.instance.Store(int64(number))
	return c
}

// open requests a page, and wants it to show all that this browser has done.
func (c *customer) open(kind pageKind) {
	method, target := http.MethodGet, "/"
	switch kind {
	case cartPage:
		method, target = http.MethodPost, "/cart"
		c.cart++
	case signInPage:
		method, target = http.MethodPost, "/sign-in?customer="+c.name
		c.signedIn = c.name
	case orderPage:
		method, target = http.MethodPost, "/order"
		c.cart = 0
	}
	want := fmt.Sprintf("%d %s", c.cart, c.signedIn)
	if status, body := c.send(method, target); status != http.StatusOK || body != want {
		c.t.Errorf("%s %s: status %d, %q; want %q", method, target, status, body, want)
	}
}

// send sends a request to another instance than the last one.
func (c *customer) send(method, target string) (status int, body string) {
	instance := c.shop.instances[int(c.instance.Add(1))%len(c.shop.instances)]
	r := httptest.NewRequest(method, target, nil)
	for _, cookie := range c.jar.Cookies(shopURL) {
		r.AddCookie(cookie)
	}
	w := httptest.NewRecorder()
	instance.ServeHTTP(w, r)
	c.jar.SetCookies(shopURL, w.Result().Cookies())
	return w.Code, w.Body.String()
}

// forget removes a cookie from the browser.
func (c *customer) forget(name string) {
	c.jar.SetCookies(shopURL, []*http.Cookie{{Name: name, MaxAge: -1}})
}
