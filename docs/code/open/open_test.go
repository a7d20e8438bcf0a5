package open

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

var visits = session.NewKey[int]("visits")

// visit reads and sets: of two parallel requests, one has to run again.
func visit(r *Request, s *session.Session) *Response {
	n, _ := visits.Get(s)
	visits.Set(s, n+1)
	return &Response{Status: 200, Body: fmt.Sprint("visit ", n+1)}
}

func newManager(t *testing.T, store provider.Provider) *session.Manager {
	t.Helper()
	sessions, err := session.New(store, session.Config{SigningKeys: [][]byte{make([]byte, 32)}})
	if err != nil {
		t.Fatal(err)
	}
	return sessions
}

// cookie returns the value of the cookie that a response sets.
func cookie(t *testing.T, res *Response) string {
	t.Helper()
	c, err := http.ParseSetCookie(res.Header["Set-Cookie"])
	if err != nil {
		t.Fatal(err)
	}
	return c.Value
}

func TestVisits(t *testing.T) {
	sessions := newManager(t, memory.New())
	first := serve(t.Context(), sessions, &Request{}, visit)
	r := &Request{Cookies: []string{cookie(t, first)}}
	if first.Body != "visit 1" || first.Header["Cache-Control"] != "no-store" {
		t.Error(first)
	}
	// Each loses to the nine others at most, and serve runs a handler ten times.
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if res := serve(t.Context(), sessions, r, visit); res.Status != 200 || res.Header != nil {
				t.Error(res)
			}
		})
	}
	wg.Wait()
	if res := serve(t.Context(), sessions, r, visit); res.Body != "visit 12" {
		t.Error(res)
	}
}

func TestAnErrorCommitsNothing(t *testing.T) {
	sessions := newManager(t, memory.New())
	res := serve(t.Context(), sessions, &Request{}, func(r *Request, s *session.Session) *Response {
		visit(r, s)
		return &Response{Status: 500}
	})
	if res.Status != 500 || res.Header != nil {
		t.Error(res)
	}
}

type downStore struct{ provider.Provider }

func (downStore) Fetch(context.Context, string) (*provider.Record, error) {
	return nil, errors.New("connection refused")
}

func TestStoreThatIsDown(t *testing.T) {
	store := memory.New()
	held := cookie(t, serve(t.Context(), newManager(t, store), &Request{}, visit))
	res := serve(t.Context(), newManager(t, downStore{store}), &Request{Cookies: []string{held}}, visit)
	if res.Status != 503 {
		t.Error(res)
	}
}
