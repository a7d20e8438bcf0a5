package sessiontest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session"
	"github.com/holdfast-go/holdfast/session/sessiontest"
)

// The sessions of a user are read in parallel.
func TestOrdersOfParallelCallsOfOneRequest(t *testing.T) {
	c := newRace(t, session.Config{}, setCount, nothing)
	for range 3 {
		cookieOf(c, "ann")
	}
	c.handler = c.m.HandlerFunc(func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
		if r.URL.Path == "/a" {
			list, err := c.m.Sessions(r.Context(), "ann")
			if err != nil || len(list) != 3 {
				t.Errorf("%d sessions, error %v", len(list), err)
			}
		}
	})
	c.run(t).wants(t)
	for _, order := range c.orders {
		if strings.Count(order, "A fetch") != 5 {
			t.Errorf("the order is %q", order)
		}
	}
	if len(c.orders) != 6 {
		t.Errorf("%d orders; want 6", len(c.orders))
	}
}

// A call is made once its request has started to wait for it, also by another goroutine.
func TestOrdersOfGoroutines(t *testing.T) {
	c := newRace(t, session.Config{}, setCount, func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
		ctx := r.Context()
		go func() { _ = s.Touch(ctx) }() // goes on after the response
	})
	c.run(t).wants(t)
	if len(c.orders) != 6 || !slices.Contains(c.orders, "A fetch, B fetch, A fetch, B fetch") {
		t.Errorf("the orders are\n%s", strings.Join(c.orders, "\n"))
	}
}

// Parallel calls of a request have the same order in each interleaving, although the
// request begins them in another order.
func TestOrderOfParallelCallsIsFixed(t *testing.T) {
	runs := 0
	c := newRace(t, session.Config{}, setCount, nothing)
	c.reset = func() { runs++ }
	cookieOf(c, "ann")
	c.handler = c.m.HandlerFunc(func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
		calls := []func(){
			func() { _ = s.Check(r.Context()) },
			func() { _, _ = c.m.Sessions(r.Context(), "ann") },
		}
		var both sync.WaitGroup
		for i := range calls {
			both.Go(calls[(i+runs)%2])
		}
		both.Wait()
	})
	c.run(t).wants(t)
	callsOfA := func(order string) string {
		calls := strings.Split(order, ", ")
		return strings.Join(slices.DeleteFunc(calls, func(call string) bool { return strings.HasPrefix(call, "B") }), ", ")
	}
	for _, order := range c.orders {
		if got, first := callsOfA(order), callsOfA(c.orders[0]); got != first {
			t.Fatalf("A makes the calls %s; in the first order %s", got, first)
		}
	}
}

// A call whose own context ends does not wait any longer.
func TestOrdersOfCallWithDeadline(t *testing.T) {
	var err error
	c := newRace(t, session.Config{}, setCount, func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
		if r.URL.Path == "/b" {
			time.Sleep(20 * time.Millisecond)
			_ = s.Check(r.Context())
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), 10*time.Millisecond)
		defer cancel()
		err = s.Check(ctx)
	})
	c.check = func(t testing.TB, order string, _, _ *http.Response) {
		inTime := strings.Count(order, "A fetch") == 2
		if inTime != (err == nil) || !inTime && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the error is %v", err)
		}
	}
	c.run(t).wants(t)
	want := []string{
		"A fetch, A fetch, B fetch, B fetch",
		"A fetch, B fetch, B fetch", // the time is over while B sleeps
		"B fetch, A fetch, A fetch, B fetch",
		"B fetch, A fetch, B fetch, A fetch",
		"B fetch, B fetch, A fetch, A fetch",
	}
	if !slices.Equal(c.orders, want) {
		t.Errorf("the orders are\n%s", strings.Join(c.orders, "\n"))
	}
}

// Package session makes every call with a context that belongs to the request.
func TestEveryCallBelongsToItsRequest(t *testing.T) {
	c := newRace(t, session.Config{OwnerLimit: 2}, setCount, nothing)
	cookieOf(c, "ann")
	cookieOf(c, "ann")
	other := cookieOf(c, "bob")
	c.change = func(r *http.Request) *http.Request {
		if r.URL.Path == "/b" {
			r.Header.Del("Cookie")
		}
		return r
	}
	c.handler = c.m.HandlerFunc(func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
		if r.URL.Path == "/b" {
			return
		}
		ctx := r.Context()
		check := func(what string, err error) {
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		s.Renew()
		s.SetOwner("ann") // ends a session
		s.Persist(48 * time.Hour)
		check("Save", s.Save(ctx))
		check("Update", s.Update(ctx, func(s *session.Session) error { count.Set(s, 2); return nil }))
		check("Check", s.Check(ctx))
		check("Touch", s.Touch(ctx))
		check("Manager.Update", c.m.Update(ctx, s.PublicID(), func(s *session.Session) error { count.Set(s, 3); return nil }))
		_, err := c.m.Sessions(ctx, "ann")
		check("Sessions", err)
		check("RevokeOthers", c.m.RevokeOthers(ctx, s))
		check("RevokeAll", c.m.RevokeAll(ctx, "bob"))
		if sessiontest.Alive(t, c.m, other) {
			t.Error("RevokeAll has ended nothing")
		}
		s.Destroy()
		check("Save of Destroy", s.Save(ctx))
	})
	r := c.run(t)
	r.wants(t)
	alive := len(c.orders) // the calls of Alive belong to no request, one in each order
	if logs := strings.Join(r.logs, "\n"); !strings.Contains(logs, fmt.Sprintf("%d storage calls came without", alive)) {
		t.Errorf("%d orders; the log is %q", alive, r.logs)
	}
}

func TestInterleaveTakesRequestForClient(t *testing.T) {
	c := newRace(t, session.Config{}, setCount, func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		if r.Body == nil || r.RequestURI != "/a?b=c" {
			t.Errorf("the body is %v, the RequestURI %q", r.Body, r.RequestURI)
		}
	})
	c.change = func(r *http.Request) *http.Request {
		client, err := http.NewRequest(http.MethodGet, "http://localhost/a?b=c", nil)
		if err != nil {
			t.Fatal(err)
		}
		client.AddCookie(c.cookie)
		return client
	}
	c.run(t).wants(t)
}
