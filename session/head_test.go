package session_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

// What a GET would show is there for it after a HEAD, whatever the handler does.
func TestHEADTakesNothing(t *testing.T) {
	flash := session.NewKey[int]("flash").LastWriteWins()
	voucher := session.NewKey[int]("voucher")
	for _, level := range []session.Isolation{session.LevelMerge, session.LevelSerializable, session.LevelStrict} {
		for name, commit := range map[string]func(s *session.Session) error{
			"at the end": func(*session.Session) error { return nil },
			"by Save":    func(s *session.Session) error { return s.Save(t.Context()) },
			"by Update": func(s *session.Session) error {
				return s.Update(t.Context(), func(s *session.Session) error { voucher.Pop(s); flash.Pop(s); return nil })
			},
		} {
			t.Run(fmt.Sprint(name, " at level ", level), func(t *testing.T) {
				w := newWorld(t, func(cfg *session.Config) { cfg.Isolation = level })
				c := w.client()
				c.post(set("flash=1 voucher=2")).wantPage(t)
				var message, money int
				var there, valid bool
				handler := func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
					message, there = flash.Pop(s)
					money, valid = voucher.Pop(s)
					keyA.Update(s, increment)
					wantErr(t, commit(s), nil)
				}
				c.send(http.MethodHead, handler).wantPage(t)
				if message != 1 || !there || money != 0 || valid {
					t.Errorf("a HEAD is given %d, %t and %d, %t", message, there, money, valid)
				}
				c.wantState("a=1 flash=1 voucher=2")
				c.send(http.MethodGet, handler).wantPage(t)
				if message != 1 || !there || money != 2 || !valid {
					t.Errorf("the GET is given %d, %t and %d, %t", message, there, money, valid)
				}
				c.wantState("a=2")
			})
		}
	}

	t.Run("a HEAD that has popped is replayed", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		c.post(set("a=1 voucher=2")).wantPage(t)
		runs := 0
		c.send(http.MethodHead, func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
			voucher.Pop(s)
			n, _ := keyA.Get(s)
			keyA.Set(s, n+1)
			if runs++; runs == 1 {
				c.tab().post(func(s *session.Session) { keyA.Set(s, 5) }).wantPage(t)
			}
		}).wantPage(t)
		c.wantState("a=6 voucher=2")
	})

	t.Run("what comes after a Set of its own is the request's", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		c.send(http.MethodHead, func(_ http.ResponseWriter, r *http.Request, s *session.Session) { flash.Set(s, 3) }).wantPage(t)
		c.wantState("flash=3")
	})
}

// A link checker comes before the visitor, over ServeMux's pattern "GET /x".
func TestHTTPHEADLeavesTheFlash(t *testing.T) {
	w := newWorld(t)
	flash := session.NewKey[string]("flash").LastWriteWins()
	code := session.NewKey[string]("code")
	mux := http.NewServeMux()
	mux.Handle("GET /x", w.m.HandlerFunc(func(rw http.ResponseWriter, r *http.Request, s *session.Session) {
		message, _ := flash.Pop(s)
		_, ok := code.Pop(s)
		fmt.Fprint(rw, message, ok)
	}))
	mux.Handle("POST /x", w.m.HandlerFunc(func(rw http.ResponseWriter, r *http.Request, s *session.Session) {
		flash.Set(s, "saved")
		code.Set(s, "1234")
	}))
	server := httptest.NewServer(mux)
	defer server.Close()
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar}
	send := func(method string) string {
		req, _ := http.NewRequestWithContext(t.Context(), method, server.URL+"/x", nil)
		resp, err := browser.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", method, resp.Status)
		}
		return string(body)
	}
	send(http.MethodPost)
	for range 2 {
		send(http.MethodHead)
	}
	if got := send(http.MethodGet); got != "savedtrue" {
		t.Errorf("the GET shows %q", got)
	}
	if got := send(http.MethodGet); got != "false" {
		t.Errorf("the next GET shows %q", got)
	}
}
