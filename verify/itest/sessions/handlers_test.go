package sessions_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

var (
	count     = session.NewKey[int]("count")
	name      = session.NewKey[string]("name")
	token     = session.NewKey[int]("token")
	issued    = session.NewKey[int]("issued")
	pageToken = session.NewKey[string]("page token")
)

// A leaf is what a request does with its session.
type leaf = func(http.ResponseWriter, *http.Request, *session.Session)

// handlers have names, so that a request can ask an instance in another process for
// one.
var handlers = map[string]leaf{
	"reads":               silent(func(s *session.Session) { name.Get(s) }),
	"changes":             silent(func(s *session.Session) { count.Set(s, 1) }),
	"reads and changes":   silent(bump),
	"updates":             silent(func(s *session.Session) { count.Update(s, increment) }),
	"deletes":             deletes,
	"persists":            silent(func(s *session.Session) { s.Persist(24 * time.Hour) }),
	"renews":              silent((*session.Session).Renew),
	"renews and changes":  silent(func(s *session.Session) { s.Renew(); count.Set(s, 2) }),
	"logs out":            logout,
	"clears and changes":  silent(func(s *session.Session) { s.Clear(); count.Set(s, 3) }),
	"sets what there was": silent(func(s *session.Session) { name.Set(s, "begun") }),

	"begins": silent(func(s *session.Session) { count.Set(s, 0); name.Set(s, "begun") }),
	"tells": func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		fmt.Fprint(w, tell(s))
	},
	"sets a key of its own": func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
		session.NewKey[bool]("own "+r.URL.Query().Get("key")).Set(s, true)
	},
	"shows a form": func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		fmt.Fprint(w, pageToken.GetOrSet(s, rand.Text))
	},
	"signs out of the form": silent(func(s *session.Session) { pageToken.Delete(s) }),
	"issues a token":        silent(func(s *session.Session) { token.Set(s, issued.Update(s, increment)) }),
	"redeems a token": func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		if _, ok := token.Pop(s); !ok {
			w.WriteHeader(http.StatusGone)
		}
	},
}

func silent(do func(*session.Session)) leaf {
	return func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { do(s) }
}

// deletes tells whether there was a session to delete from.
func deletes(w http.ResponseWriter, _ *http.Request, s *session.Session) {
	name.Delete(s)
	fmt.Fprint(w, !s.IsNew())
}

// logout tells whether there was somebody to be logged out.
func logout(w http.ResponseWriter, _ *http.Request, s *session.Session) {
	s.Destroy()
	fmt.Fprint(w, !s.IsNew())
}

func increment(n int) int { return n + 1 }

func bump(s *session.Session) {
	n, _ := count.Get(s)
	count.Set(s, n+1)
}

// state is what a session has, as tell writes it.
type state struct {
	isNew    bool
	count    int
	own      int // keys that were set by "sets a key of its own"
	redeemed int // tokens
	name     string
}

func tell(s *session.Session) string {
	var st state
	st.isNew = s.IsNew()
	st.count, _ = count.Get(s)
	st.name, _ = name.Get(s)
	st.redeemed, _ = issued.Get(s)
	if _, ok := token.Get(s); ok {
		st.redeemed--
	}
	st.own = len(slices.DeleteFunc(s.Keys(), func(k string) bool { return !strings.HasPrefix(k, "own ") }))
	return fmt.Sprintf("%t %d %d %d %q", st.isNew, st.count, st.own, st.redeemed, st.name)
}

func told(text string) (st state, err error) {
	_, err = fmt.Sscanf(text, "%t %d %d %d %q", &st.isNew, &st.count, &st.own, &st.redeemed, &st.name)
	return st, err
}
