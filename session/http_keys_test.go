package session_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

var keyOld, keyNew = bytes.Repeat([]byte("o"), 32), bytes.Repeat([]byte("n"), 32)

// keySteps are the steps from one set of signing keys to another, as documented at
// Config.
var keySteps = map[string][]session.Config{
	"another key": {
		{SigningKeys: [][]byte{keyOld}},
		{SigningKeys: [][]byte{keyOld, keyNew}},
		{SigningKeys: [][]byte{keyNew, keyOld}},
		{SigningKeys: [][]byte{keyNew}},
	},
	"from the ring to SigningKeys": {
		{},
		{SigningKeys: [][]byte{keyNew}, KeyRing: session.KeyRingSigns},
		{SigningKeys: [][]byte{keyNew}, KeyRing: session.KeyRingVerifies},
		{SigningKeys: [][]byte{keyNew}},
	},
	"from SigningKeys to the ring": {
		{SigningKeys: [][]byte{keyOld}},
		{SigningKeys: [][]byte{keyOld}, KeyRing: session.KeyRingVerifies},
		{SigningKeys: [][]byte{keyOld}, KeyRing: session.KeyRingSigns},
		{},
	},
}

// While instances take a step one after the other, those that have taken it and those
// that have not accept each other's cookies. Both set a value at each visit.
func TestHTTPANewSigningKeySignsNobodyOut(t *testing.T) {
	for way, steps := range keySteps {
		t.Run(way, func(t *testing.T) {
			env := httpNew(t, session.Config{})
			mux := http.NewServeMux()
			for i, cfg := range steps {
				mux.Handle(fmt.Sprintf("/%d", i), keyInstance(t, env.store, cfg))
			}
			site := env.serve(t, httpProto1, mux)
			var visitors []*httpVisitor // in the order of the steps at which the visitors began
			for i := range steps {
				before := max(0, i-1)
				visitors = append(visitors, site.visitor(t), site.visitor(t))
				mine := visitors[len(visitors)-2:]
				httpPage(t, mine[0].get(fmt.Sprintf("/%d", before)), 200, "1", 1)
				httpPage(t, mine[1].get(fmt.Sprintf("/%d", i)), 200, "1", 1)
				if i == len(steps)-1 { // PersistLifetime later no cookie of the old keys is left
					visitors = visitors[len(visitors)-3:]
				}
				for who, v := range visitors {
					for _, instance := range []int{before, i, before} {
						if a := v.get(fmt.Sprintf("/%d", instance)); a.status != 200 || a.body == "1" {
							t.Errorf("step %d: visitor %d is a stranger to instance %d: %v", i, who, instance, a)
						}
					}
				}
			}
		})
	}
}

func keyInstance(t *testing.T, store *storetest.Store, cfg session.Config) http.Handler {
	t.Helper()
	cfg.Cookie.Insecure, cfg.StoreTimeout, cfg.Logger = true, patience, slog.New(slog.DiscardHandler)
	m, err := session.New(store, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		fmt.Fprint(w, httpCount.Update(s, func(n int) int { return n + 1 }))
	})
}

// The reason for the steps: if a new key is used at once, instances that have only the
// old key do not know the visitor, and overwrite the cookie.
func TestHTTPASigningKeyThatIsNewAtOnceSignsOut(t *testing.T) {
	for way, steps := range keySteps {
		env := httpNew(t, session.Config{})
		mux := http.NewServeMux()
		mux.Handle("/before", keyInstance(t, env.store, steps[0]))
		mux.Handle("/after", keyInstance(t, env.store, steps[len(steps)-1]))
		v := env.serve(t, httpProto1, mux).visitor(t)
		v.get("/after")
		if a := v.get("/before"); a.body != "1" || len(a.cookies) != 1 {
			t.Errorf("%s: %v", way, a)
		}
	}
}

// A cookie that is signed with a key from either source is accepted, beside other cookies
// of the name.
func TestHTTPCookiesOfBothKeysCount(t *testing.T) {
	for _, use := range []session.KeyRing{session.KeyRingSigns, session.KeyRingVerifies} {
		store := &storetest.Store{Provider: memory.New()}
		env := httpNew(t, session.Config{})
		mux := http.NewServeMux()
		mux.Handle("/keys", keyInstance(t, store, session.Config{SigningKeys: [][]byte{keyOld}}))
		mux.Handle("/ring", keyInstance(t, store, session.Config{}))
		mux.Handle("/both", keyInstance(t, store, session.Config{SigningKeys: [][]byte{keyOld}, KeyRing: use}))
		site := env.serve(t, httpProto1, mux)
		u, _ := url.Parse(site.srv.URL)
		cookie := map[string]string{}
		for _, at := range []string{"/keys", "/ring"} {
			v := site.visitor(t)
			v.get(at)
			cookie[at] = v.client.Jar.Cookies(u)[0].Value
		}
		for _, c := range []struct {
			rule    string
			cookies []string
			want    string
		}{
			{"of SigningKeys", []string{cookie["/keys"]}, "2"},
			{"of the ring", []string{cookie["/ring"]}, "2"},
			{"of the ring beside a forged one", []string{"forged", cookie["/ring"]}, "3"},
			{"two that live", []string{cookie["/ring"], cookie["/keys"]}, "1"},
		} {
			req, _ := http.NewRequest("GET", site.srv.URL+"/both", nil)
			for _, value := range c.cookies {
				req.AddCookie(&http.Cookie{Name: "session", Value: value})
			}
			a, err := site.visitor(t).send(req)
			if err != nil || a.status != 200 || a.body != c.want {
				t.Errorf("%s: %v, %v; want %s", c.rule, a, err, c.want)
			}
		}
	}
}

// An instance that has found no ring looks again after 10 s. So the ring exists before
// the step in which others sign with its keys.
func TestHTTPKeyRingVerifiesMakesTheRing(t *testing.T) {
	env := httpNewRing(t, session.Config{SigningKeys: [][]byte{keyOld}, KeyRing: session.KeyRingVerifies})
	env.serve(t, httpProto1, http.NotFoundHandler()).begun(t)
	rings := 0
	for rec, err := range provider.List(t.Context(), env.store.Provider, "") {
		if err != nil {
			t.Fatal(err)
		}
		if rec.Format == "holdfast-keyring" {
			rings++
		}
	}
	if rings != 1 {
		t.Errorf("%d rings are stored", rings)
	}
}

// While the ring cannot be read, cookies that SigningKeys have signed and logins are
// still accepted; other cookies are answered 503, since they may be valid.
func TestHTTPSigningKeysBesideARingThatCannotBeRead(t *testing.T) {
	env := httpNewRing(t, session.Config{SigningKeys: [][]byte{keyOld}, KeyRing: session.KeyRingVerifies})
	site := env.serve(t, httpProto1, http.NotFoundHandler())
	env.onFetch(func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
		rec, err := next(ctx, id)
		if errors.Is(err, provider.ErrNotFound) || err == nil && rec.Format == "holdfast-keyring" {
			return nil, errHTTPDown
		}
		return rec, err
	})
	v := site.begun(t)
	v.expect(httpUnchanged)
	u, _ := url.Parse(site.srv.URL)
	good := v.client.Jar.Cookies(u)[0].Value
	forged := strings.Repeat("A", len(good))
	for _, c := range []struct {
		cookies []string
		status  int
	}{{[]string{good, forged}, 200}, {[]string{forged}, 503}} {
		req, _ := http.NewRequest("GET", site.srv.URL+"/session/peek", nil)
		for _, value := range c.cookies {
			req.AddCookie(&http.Cookie{Name: "session", Value: value})
		}
		if a, err := site.visitor(t).send(req); err != nil || a.status != c.status {
			t.Errorf("%d cookies: %v, %v; want %d", len(c.cookies), a, err, c.status)
		}
	}
}
