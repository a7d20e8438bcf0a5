package gorillaholdfast

import (
	"bytes"
	"context"
	"net/http"
	"reflect"
	"sync"

	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"
	"github.com/holdfast-go/holdfast/session"
)

// state is what a Store knows of a sessions.Session that it has loaded. It must not refer
// to it: see states.
type state struct {
	store  *Store
	name   string // of the session
	cookie string // its name
	m      *session.Manager

	err    error // it could not be loaded, and Save must not replace it
	forged error // a cookie that nobody has signed
	found  bool  // there is a session, of this Store or the old one
	values map[any]any

	mu       sync.Mutex // held while the session is saved
	s        *session.Session
	id       string          // the public ID, "" while it is not stored
	base     map[string]item // what the app was given or has saved last, by names of keys
	before   terms           // of the cookie
	token    string          // that the browser has
	replaces bool            // s is to be ended by the first Save, which begins another
	old      *oldSession     // to be imported by the first Save
	detached bool            // s was imported by a parallel request, whose response has the cookie
	unseen   map[string]bool // names of keys that have other values in s than the app was given
	failed   error           // a Save has failed: the transaction of s takes no other
	ended    bool            // by a Save
}

// item is the value of one key.
type item struct {
	data        encoded
	value       any  // what it decodes to, if that cannot be changed in place
	undecodable bool // the app does not know of it
}

// load returns the state of the request's session of that name.
func (s *Store) load(r *http.Request, name string) *state {
	st := &state{store: s, name: name, cookie: cookieName(name)}
	if st.m, st.err = s.Manager(name); st.err != nil {
		return st
	}
	tokens := cookieValues(r, st.cookie)
	if token, told := s.toldOf(r).get(st.cookie); told {
		tokens = nil
		if token != "" {
			tokens = []string{token}
		}
	}
	if st.open(r, tokens); st.err != nil {
		return st
	}
	switch {
	case !st.s.IsNew():
		st.read()
		_, _ = st.s.Commit(r.Context()) // extends a session that is used; it changes nothing else
	case len(tokens) > 0:
		st.unknown(r, tokens)
	}
	return st
}

// open begins the transaction.
func (st *state) open(r *http.Request, tokens []string) {
	st.err = during(r, func(ctx context.Context) (err error) {
		st.s, err = st.m.Open(ctx, tokens...)
		return err
	})
}

// read reads the values of the stored session s. One that has ended by Options.MaxAge is
// as if it were not there.
func (st *state) read() {
	st.readTerms()
	if st.before.expired(now()) {
		st.replaces, st.before = true, terms{}
		return
	}
	st.found, st.id, st.token = true, st.s.PublicID(), st.s.Token().Value
	st.base, st.values = map[string]item{}, map[any]any{}
	for _, name := range st.s.Keys() {
		if name != reservedName {
			st.readKey(name)
		}
	}
}

// readTerms reads what the browser was last told of the session s.
func (st *state) readTerms() {
	data, _ := rawKey(reservedName).LastWriteWins().Get(st.s)
	st.before = decodeTerms(data)
}

// readKey reads the value of one key. A value that does not decode is absent for the app,
// and stays stored; package session logs it.
func (st *state) readKey(name string) {
	data, _ := rawKey(name).LastWriteWins().Get(st.s)
	if st.store.flashes[name] && bytes.Equal(data, none) { // taken
		st.base[name] = item{data: data}
		st.note(name)
		return
	}
	stored, ok := st.note(name)
	if ok {
		key, value, err := keyOf(name, stored)
		if err == nil && reflect.ValueOf(key).Comparable() {
			st.values[key] = value
			st.base[name] = newItem(data, value)
			return
		}
	}
	st.base[name] = item{data: data, undecodable: true}
}

// note decodes the value of a key. Unless changes of the key may be lost, it is noted as
// read, so that a change of it by a parallel request is a conflict.
func (st *state) note(name string) (any, bool) {
	key := session.NewKey[any](name)
	if st.store.mayBeLost(name) {
		key = key.LastWriteWins()
	}
	return key.Get(st.s)
}

// unknown is called if the request has cookies, but not that of a live session.
func (st *state) unknown(r *http.Request, tokens []string) {
	for _, token := range tokens {
		signed, err := st.m.Signed(r.Context(), token)
		if err != nil {
			st.err = err
			return
		}
		if signed { // its session has ended
			return
		}
	}
	if st.store.old != nil {
		st.findOld(r, tokens)
		return
	}
	st.forged = securecookie.MultiError{securecookie.ErrMacInvalid}
}

// adopt returns a state for a session that the app has made itself, with
// sessions.NewSession. Without an ID it replaces that of the request. With an ID it is
// that of the request, or Save refuses it.
func (s *Store) adopt(r *http.Request, gs *sessions.Session) *state {
	st := s.load(r, gs.Name())
	st.values = nil
	if gs.ID != "" || st.err != nil {
		return st
	}
	st.found, st.id, st.base, st.before, st.forged = false, "", nil, terms{}, nil
	st.replaces = !st.s.IsNew() && !st.detached
	if st.detached {
		st.detached = false
		st.open(r, nil)
	}
	return st
}

func rawKey(name string) session.Key[encoded] { return session.NewKey[encoded](name) }

func newItem(data encoded, value any) item {
	if !unchangeable(value) {
		value = nil
	}
	return item{data: data, value: value}
}

// unchangeable reports whether value is of a kind that the app cannot change in place.
func unchangeable(value any) bool {
	switch k := reflect.ValueOf(value).Kind(); k {
	case reflect.String:
		return true
	default:
		return reflect.Invalid < k && k <= reflect.Complex128 && k != reflect.Uintptr
	}
}
