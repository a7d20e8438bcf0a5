package gorillaholdfast

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gorilla/sessions"
	"github.com/holdfast-go/holdfast/session"
)

var (
	errForeignID = errors.New("gorillaholdfast: Session.ID is not that of the session; the Store chooses it, " +
		"so leave it as it is, or set it to \"\" to renew the session")
	errSavedEnded = fmt.Errorf("%w: a Save with Options.MaxAge < 0; set Session.ID to \"\" to begin another", session.ErrEnded)
	errNoCookie   = fmt.Errorf("%w: a parallel request has imported the session, and the browser does not have its cookie yet", session.ErrEnded)
)

func now() time.Time { return time.Now() }

// save implements Store.Save.
func (st *state) save(r *http.Request, w http.ResponseWriter, gs *sessions.Session) error {
	varyByCookie(w.Header())
	if gs.Options.MaxAge < 0 {
		return st.end(r, w, gs)
	}
	if err := cmp.Or(st.err, st.failed); err != nil {
		return err
	}
	if err := st.continued(r, gs); err != nil {
		return err
	}
	changes, size, err := st.diff(st.base, gs.Values)
	if err == nil && len(changes) > 0 {
		err = st.store.tooLarge(size)
	}
	if err == nil {
		err = checkCookie(st.cookie, gs.Options)
	}
	if err != nil {
		return err
	}
	if st.detached {
		return st.saveDetached(r, gs, changes)
	}
	return st.commit(r, w, gs, changes)
}

// continued decides which session is saved: that which was loaded; one that begins after
// a Save has ended it; or that of an earlier Save in the same request.
func (st *state) continued(r *http.Request, gs *sessions.Session) error {
	switch {
	case st.ended && gs.ID != "":
		return errSavedEnded
	case st.ended:
		st.ended, st.detached, st.id, st.base, st.before = false, false, "", nil, terms{}
		st.open(r, nil)
		return st.err
	case gs.ID != "" && gs.ID != st.id:
		return errForeignID
	case st.id != "" || st.old != nil || st.replaces:
		return nil
	}
	token, told := st.store.toldOf(r).get(st.cookie)
	if !told || token == "" {
		return nil
	}
	if st.open(r, []string{token}); st.err != nil || st.s.IsNew() {
		return st.err
	}
	st.id, st.token = st.s.PublicID(), token
	gs.ID = st.id
	st.readTerms()
	return nil
}

// commit stores the changes and tells the browser.
func (st *state) commit(r *http.Request, w http.ResponseWriter, gs *sessions.Session, changes []change) error {
	begins := st.id == ""
	if begins && len(changes) == 0 && st.s.Owner() == "" {
		return nil // an empty session is not stored
	}
	renews := !begins && gs.ID == ""
	after := termsOf(gs.Options, now())
	tell := begins || renews || st.before.outdated(after)
	if headerSent(w) {
		if begins || renews {
			return fmt.Errorf("%w: call Save before the response is written", session.ErrHeaderSent)
		}
		tell = false
	}
	if err := st.change(changes, renews, tell, after); err != nil {
		st.failed = err
		return err
	}
	token, err := st.s.Commit(r.Context())
	if err == nil && st.old != nil {
		var lost bool
		if lost, err = st.claimOld(r, w, gs, st.s.PublicID()); lost {
			return st.joinImport(r, gs)
		}
	}
	if err != nil {
		st.failed = err
		return err
	}
	st.settle(changes)
	st.id = st.s.PublicID()
	gs.ID = st.id
	if tell {
		st.before = after
	}
	st.tell(r, w, gs.Options, token, tell)
	return nil
}

// change makes the changes in the transaction.
func (st *state) change(changes []change, renews, tell bool, after terms) error {
	s, begins := st.s, st.id == ""
	if begins && st.replaces {
		s.Destroy()
	}
	if renews {
		s.Renew()
	}
	if tell {
		data, err := after.encode()
		if err != nil {
			return err
		}
		rawKey(reservedName).LastWriteWins().Set(s, data)
		after.persist(s, st.before, begins || renews, st.lifetime())
	}
	return st.apply(s, changes)
}

// lifetime returns that of a browser session, which the Config limits.
func (st *state) lifetime() time.Duration {
	return cmp.Or(st.store.cfg.Lifetime, 24*time.Hour)
}

// tell sends the token if the browser has to know it, and remembers it for the rest of
// the request.
func (st *state) tell(r *http.Request, w http.ResponseWriter, o *sessions.Options, token session.Token, tell bool) {
	st.store.toldOf(r).set(st.cookie, token.Value)
	if token.Value == "" || !tell && token.Value == st.token {
		return
	}
	if len(cookieValues(r, st.cookie)) > maxTokens {
		st.m.ClearCookie(w, r) // or the new one would be ignored with them
	}
	told := *o
	if limit := int(token.MaxAge / time.Second); token.Changed && told.MaxAge > 0 && 0 < limit && limit < told.MaxAge {
		told.MaxAge = limit
	}
	setCookie(w.Header(), sessions.NewCookie(st.cookie, token.Value, &told))
	st.token = token.Value
}

// saveDetached stores the changes in a session that a parallel request has imported.
func (st *state) saveDetached(r *http.Request, gs *sessions.Session, changes []change) error {
	if gs.ID == "" && st.id != "" {
		return errNoCookie
	}
	if len(changes) == 0 {
		return nil
	}
	err := st.s.Update(r.Context(), func(s *session.Session) error { return st.apply(s, changes) })
	if err != nil {
		st.failed = err
		return err
	}
	st.settle(changes)
	gs.ID = st.id
	return nil
}
