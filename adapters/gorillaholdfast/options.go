package gorillaholdfast

import (
	"fmt"

	"github.com/gorilla/sessions"
	"github.com/holdfast-go/holdfast/session"
)

// An Option of NewStore.
type Option func(*Store)

// WithConfig sets the Config of the sessions: their time limits, signing keys, isolation
// level, logger and so on. The Store sets the fields Cookie and Codec itself, and Header,
// HeaderOnly, ErrorHandler, ReplayAttempts and MaxReplayBody have no effect. RotateInterval
// must be zero: a request that only reads calls no Save, so its response could not send the
// new cookie.
//
// A zero PersistLifetime means 400 days here, so that Options.MaxAge alone limits a
// session, as with gorilla's stores. See "How long a session lives" in the documentation
// of the package.
func WithConfig(cfg session.Config) Option {
	return func(s *Store) { s.cfg = cfg }
}

// LastWriteWins says that changes of these keys of Values may be lost: of two requests
// that have changed the same key, the one that saves last is stored, where otherwise it
// gets session.ErrConflict. Without keys it applies to every key, for apps that ignore
// the error of Save. Changes of different keys are merged all the same. It panics for a
// key that cannot be stored.
func LastWriteWins(keys ...any) Option {
	return func(s *Store) {
		s.allLastWriteWins = s.allLastWriteWins || len(keys) == 0
		for _, key := range keys {
			name, _, err := nameOf(key)
			if err != nil {
				panic(fmt.Sprintf("gorillaholdfast: LastWriteWins: %v", err))
			}
			s.lastWriteWins[name] = true
		}
	}
}

// FlashKeys names the keys that the app passes to AddFlash and Flashes. Messages that
// parallel requests add under such a key are appended to each other's, and taking them is
// no conflict. "_flash", which gorilla uses if no key is passed, is always one.
func FlashKeys(keys ...string) Option {
	return func(s *Store) {
		for _, key := range keys {
			name, _, _ := nameOf(key)
			s.flashes[name] = true
		}
	}
}

// Import takes over the sessions of another store, so that a move to this one signs
// nobody out. A visitor who comes with a cookie of old, and none of this Store, gets the
// values of his old session. The first Save stores them here, under a new ID, replaces
// the cookie and ends the old session, once: a copy of the old cookie opens no session
// afterwards, also not after a logout. This is remembered in a record of the provider for
// as long as old accepts its cookie, or for 400 days if it does so for ever.
//
// Parallel requests that come with the old cookie in the next 30 seconds, before the
// browser has the new one, have the session that was imported.
//
// old is a *sessions.CookieStore, a *redistore.RediStore or any other store, with the
// keys and options that the app had. It is called with a copy of the request, and with a
// Save that has Options.MaxAge -1. Of a CookieStore, which keeps nothing, only the cookie
// that was imported is refused: other, older cookies of that visitor still work. So
// remove Import when the old sessions have expired.
func Import(old sessions.Store) Option {
	return func(s *Store) { s.old = old }
}
