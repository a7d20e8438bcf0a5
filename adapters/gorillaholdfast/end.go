package gorillaholdfast

import (
	"net/http"

	"github.com/gorilla/sessions"
	"github.com/holdfast-go/holdfast/session"
)

// end ends the session, also one that other requests are still using, and clears the
// cookie.
func (st *state) end(r *http.Request, w http.ResponseWriter, gs *sessions.Session) error {
	if st.err != nil { // the browser forgets it all the same
		st.clearCookie(r, w, gs.Options)
		return st.err
	}
	if err := st.destroy(r, w, gs); err != nil {
		return err
	}
	clear(gs.Values)
	st.base, st.failed, st.replaces = nil, nil, false
	st.ended = st.ended || st.id != ""
	st.store.toldOf(r).set(st.cookie, "")
	st.clearCookie(r, w, gs.Options)
	return nil
}

func (st *state) destroy(r *http.Request, w http.ResponseWriter, gs *sessions.Session) error {
	if st.old != nil {
		lost, err := st.claimOld(r, w, gs, "")
		if err != nil || !lost {
			return err
		}
		if err := st.openImported(r); err != nil || !st.detached {
			return err
		}
	}
	if st.detached {
		return st.s.Update(r.Context(), func(s *session.Session) error {
			s.Destroy()
			return nil
		})
	}
	token, told := st.store.toldOf(r).get(st.cookie)
	if !told {
		token = st.token
	}
	if st.failed != nil || told && token != st.token { // the transaction takes no change, or is that of an earlier session
		if st.open(r, []string{token}); st.err != nil {
			return st.err
		}
	}
	st.s.Destroy()
	_, st.failed = st.s.Commit(r.Context())
	return st.failed
}

// clearCookie makes the browser delete the cookie. If it has sent several, the cookie is
// cleared in the other scopes that are known, too.
func (st *state) clearCookie(r *http.Request, w http.ResponseWriter, o *sessions.Options) {
	if st.m != nil && len(cookieValues(r, st.cookie)) > 1 {
		st.m.ClearCookie(w, r)
	}
	gone := *o
	gone.MaxAge = -1
	setCookie(w.Header(), sessions.NewCookie(st.cookie, "", &gone))
}
