package gorillaholdfast

import (
	"runtime"
	"sync"
	"weak"

	"github.com/gorilla/sessions"
)

// states finds the state of a sessions.Session, which has no room for one: the app may
// replace its Values and Options, and the registry replaces its store. A state is
// collected with its session, so it must not refer to it.
type states struct {
	all sync.Map // of weak.Pointer[sessions.Session] to *state
}

func (s *states) put(gs *sessions.Session, st *state) {
	p := weak.Make(gs)
	if _, known := s.all.Swap(p, st); !known {
		runtime.AddCleanup(gs, func(p weak.Pointer[sessions.Session]) { s.all.Delete(p) }, p)
	}
}

// get returns the state of gs, nil if it has none.
func (s *states) get(gs *sessions.Session) *state {
	st, _ := s.all.Load(weak.Make(gs))
	found, _ := st.(*state)
	return found
}
