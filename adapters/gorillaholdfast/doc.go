// Package gorillaholdfast keeps the sessions of an app that was written for
// github.com/gorilla/sessions in Holdfast. The app changes the constructor of its store,
// and nothing else:
//
//	store := gorillaholdfast.NewStore(provider)
//
// in place of sessions.NewCookieStore, redistore.NewRediStore or another. Parallel
// requests of a visitor then no longer overwrite each other's changes, a logout ends the
// session also for requests that are under way, and a renewed session leaves the old
// cookie worthless. [Import] keeps everybody signed in during the move.
//
// It is a separate module, so that programs without gorilla do not depend on it.
//
// # What a Save does
//
// The values are stored key by key, each as gob: types of the program's own have to be
// known to gob.Register, and keys may be of any type that gob restores. Save stores the
// difference to what was loaded, also of a value that was changed in place. If a parallel
// request has saved in the meantime:
//
//	changes of different keys           are merged
//	changes of the same key             session.ErrConflict, or the last one wins: LastWriteWins
//	flash messages that both add        are appended to each other
//	flash messages that both take       are taken
//	the session was ended or renewed    session.ErrEnded
//
// After an error nothing of this Save is stored, no cookie is sent, and further Saves of
// that sessions.Session return the error. Load the session again with [Store.New] to try
// again, or answer with session.StatusCode(err). Values is not refreshed by a Save: it
// has what the app was given and has changed.
//
// An app that ignores the error of Save, and whose sessions have counters or lists that
// parallel requests change, loses those changes as before. LastWriteWins then makes the
// later one the winner. sessions.Save joins errors as text, so use Session.Save where
// errors.Is is needed.
//
// # What the fields of a session mean
//
// Options of a session apply to its Save, as with gorilla's stores; the next request
// begins with those of the Store. MaxAge < 0 ends the session and empties Values; a later
// Save with another MaxAge is session.ErrEnded, unless ID was set to "", which begins a
// new session. The other fields become the attributes of the cookie as they are. If
// browsers would drop the cookie, such as one whose name begins with __Host- with a Path,
// Save says what to change and stores nothing.
//
// ID is the public ID of package session: a hash, which opens nothing and may be logged.
// ID = "" before a Save renews the session: it gets a new ID and a new cookie, and the old
// one opens nothing. Do that at every login. Any other ID is refused.
//
// A new session without values is not stored, gets no cookie and has no ID.
//
// # How long a session lives
//
// With MaxAge > 0 it lives for MaxAge after a Save. Like gorilla's stores, a Get does not
// extend it and a Save does, also one that changes nothing. The cookie and the time are
// renewed if a tenth of MaxAge has passed, or the Options have changed; a cookie with
// every Save could arrive after that of a login in a parallel request and undo it.
// Config.PersistLifetime limits a session from its beginning or renewal, by default to 400
// days, the longest that browsers keep a cookie. Config.PersistIdleTimeout ends it before,
// if it is not used for so long. A MaxAge that a Save makes shorter takes effect at once.
//
// With MaxAge = 0 it is a browser session. It ends Config.IdleTimeout after its last use,
// by default 1 hour, and Config.Lifetime after it began, by default 24 hours. A Get is
// use. To have MaxAge = 0 for the cookie and long sessions nonetheless, set these two with
// [WithConfig].
//
// # What else differs from gorilla's stores
//
//   - Options has the defaults SameSite=Lax and HttpOnly. NewCookieStore has None since
//     v1.4, which sends the cookie with requests of other sites: set it where a page in
//     another site's frame or a POST from an identity provider needs it.
//   - There are no key pairs: the signing keys are in the provider, or in
//     Config.SigningKeys.
//   - The cookie of a session that has ended is no error: only a forged one is.
//   - If the store fails, Get returns an error beside an empty session, and Save of that
//     session returns it, too, so that an app that ignores errors signs nobody out.
//   - A value of a type that gob no longer knows is absent, stays stored and is logged.
//     With a CookieStore the whole session would be.
//   - A name that no cookie can have, such as "my session", works with Store.New: net/http
//     drops its cookie without an error, so here the cookie is my%20session.
//   - Two sessions of one name that the same request opens with New are the same session
//     once one of them is saved.
//   - A response with the cookie has Cache-Control: no-store, and each that was saved has
//     Vary: Cookie.
//
// As with gorilla's stores, call Save before the response is written: later, the cookie
// is lost. This cannot be noticed with net/http's own writer. With gin's, Save returns
// session.ErrHeaderSent and stores nothing.
//
// # Cost
//
// Get takes one storage trip, none without a cookie or with a forged one. Save takes one
// for each attempt, none if nothing has changed. Renewing a session takes two. A browser
// session is saved once more by the first Get after a tenth of IdleTimeout.
//
// # Use with gin
//
// The store of github.com/gin-contrib/sessions is a gorilla store with a method:
//
//	type ginStore struct{ *gorillaholdfast.Store }
//
//	func (s ginStore) Options(o ginsessions.Options) { s.Store.Options = o.ToGorillaOptions() }
package gorillaholdfast
