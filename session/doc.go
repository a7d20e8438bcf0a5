// Package session gives net/http handlers server-side sessions that never lose
// an update.
//
// Browsers send requests in parallel: a page's fetches, two tabs, a double
// click. A session that is loaded whole, changed and written back whole loses
// what another request saved in between. Here a session is one versioned record
// in a [provider.Provider], saved by compare-and-swap: a conflict is detected,
// merged where merging is right, and reported where it is not.
//
//	var visits = session.NewKey[int]("visits")
//
//	sessions, err := session.New(memory.New(), session.Config{})
//	...
//	http.Handle("/", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
//		fmt.Fprintln(w, "visit", visits.Update(s, func(n int) int { return n + 1 }))
//	}))
//
// # Life of a session
//
// A visitor without a session gets a new, empty one at every request, at no
// cost: nothing is stored and no cookie set until a handler sets a value. The
// cookie holds 32 random bytes, signed; the record's ID is a hash of them, so
// that a stolen database opens no session. [Session.Renew] moves the session to
// a new ID on a change of privilege, [Session.Destroy] ends it, and time does:
// [Config].IdleTimeout after its last use, [Config].Lifetime after it began or
// was renewed; [AAL1], [AAL2] and [AAL3] are NIST's limits. [Session.Persist] is
// for "keep me signed in".
//
// A session that was renewed or destroyed leaves a tombstone, a record that says so. It
// stays for five minutes and, after a Renew, as long as the new session may live, so that
// the old name still leads to it for [Manager.Revoke]. A request that comes with its cookie reads an empty session. What
// it changes begins a new one where no other answer can still be under way that sets or
// clears the cookie: at once if the session was ended from outside ([Manager.Revoke],
// [Config].OwnerLimit), else 30 seconds after the Renew or Destroy. Of parallel requests
// one begins the new session, and no other does for 30 seconds. Until then a change
// is [ErrEnded], and one of [Key.LastWriteWins] keys alone is lost without an error. A
// Renew, which is a login, works at any time; it ends what such a change has begun.
//
// Every request that loads the session uses it, and extends it once a tenth of the idle
// window is over. [Manager.Passive] is for requests that a page makes without its user, such
// as polling. [Session.Touch] is for use that is no request, such as a message that came over
// a websocket.
//
// # Conflicts
//
// What a request did with a key decides, if a parallel request has changed that
// key since this one loaded the session:
//
//	                                LevelMerge        LevelSerializable  LevelStrict
//	Set or Delete                   wins              wins               ErrConflict
//	Get, then Set or Clear          ErrConflict       ErrConflict        ErrConflict
//	GetOrSet of what was absent     ErrConflict       ErrConflict        ErrConflict
//	Pop                             ErrConflict       ErrConflict        ErrConflict
//	Update                          is applied again  is applied again   ErrConflict
//	Get, and Update                 is applied again  ErrConflict        ErrConflict
//	Update, then Set                ErrConflict       ErrConflict        ErrConflict
//	Get, then Set of another key    is merged         ErrConflict        ErrConflict
//	Set of another key              is merged         is merged          ErrConflict
//	Renew or Destroy                is fine           is fine            ErrConflict
//	Get, then Renew or Destroy      is fine           ErrConflict        ErrConflict
//	no change                       is fine           is fine            is fine
//
// [Key.MergeWith] gives a key a merge of its own, [Key.LastWriteWins] says that
// it may be lost. If the session was destroyed, renewed or has expired
// meanwhile, a change is [ErrEnded]: a late save never makes it anew. A Renew, or
// what follows a Destroy, then begins an empty session, unless the request has seen
// something of the old one: a value, the name of a key, the owner, or what a closure
// of Update was given. With any of these it is ErrEnded, at every level: what was read
// of a session that was revoked never passes into another.
//
// What a response already holds cannot be mended by a change that is applied again. For
// a value that is made once and shown, such as a CSRF token, there is [Key.GetOrSet]: a
// handler that runs again finds what another request has set. The examples of
// Key.GetOrSet and of [Session.Update] have a CSRF token and flash messages that work
// under parallel requests.
//
// LevelMerge keeps each key right by itself. What must be right across keys
// belongs into one key, or wants LevelSerializable.
//
// # Values whose type changes
//
// Sessions outlive deployments, so that a program meets values of types that it had
// before, or that a newer instance of it has.
//
// A stored value that does not decode into the type of its key is absent for every
// method of [Key]. It is logged and told to [Config].Observer, and stays until it is set,
// updated, deleted or cleared. [Upgrade] gives the key a decoder for its earlier type.
//
// A new field is zero in a value that was stored before. A field that was renamed is a new
// field; to keep what was stored, keep its name in a json tag. A struct decodes into any
// other struct, so that the decoder of Upgrade is not called: to change a struct beyond
// that, give the key another name, and copy from the old key to the new one.
//
// In a rolling deployment, older instances change what newer ones have stored. An older
// one that sets or updates a value drops the fields that it does not know; one that reads
// it, or changes other keys, drops nothing. A value that an older one cannot decode is
// absent there, and is replaced if it is set or updated there. To lose nothing, deploy
// twice: first what decodes the new type and stores the old one, then what stores the new
// one.
//
// # Sessions of a user
//
// [Session.SetOwner] ties a session to a user, at the login and together with
// Renew. [Manager.Sessions] then lists the user's sessions, with the values that
// each holds, such as its device; [Manager.Revoke], [Manager.RevokeAll] and
// [Manager.RevokeOthers] end them, and [Config].OwnerLimit caps how many there
// are. What is revoked is destroyed: a request that is under way in it saves
// nothing any more. A login that was answered before RevokeAll is ended by it; one
// that runs meanwhile is ended, or comes after it.
//
// [Manager.Update] changes a session from outside of a request, by its public ID,
// and [Session.Check] tells a long-lived connection whether its session goes on.
//
// # Three ways in
//
// [Manager.HandlerFunc] hands the session to a function, answers for a store
// that is down, and runs the function again when a safe request has met a
// conflict. Begin with it.
//
// [Manager.Handler] is the middleware for a whole tree of handlers, which call
// [Load] where they need the session. It calls what it wraps exactly once.
//
// [Manager.Replay] goes around the innermost handler of a route, inside of
// Handler or alone, to run it again on a conflict whatever the method.
//
// # Routers and frameworks
//
// A handler has to answer by the ResponseWriter that Handler gave it, and to load
// the session with the context of the request that came with it. What takes
// net/http middleware does both: http.ServeMux, chi, echo by its WrapMiddleware.
// Around gin put Handler outermost, as in sessions.Handler(engine): a middleware of
// gin's that hands on the request alone goes on writing to its own writer, past the
// session. With fiber convert handlers as a whole, as in
// adaptor.HTTPHandler(sessions.HandlerFunc(f)): its adaptor.HTTPMiddleware lets the
// middleware return before the handler runs. A library that asserts interfaces of
// the server's own ResponseWriter, as WebTransport's Upgrade does, gets that by
// [Unwrap]. The file docs/frameworks.md of the repository has each with its code,
// and a middleware for fiber's own handlers.
//
// # Order of middleware
//
// Put Handler outside of what reads the session, and inside of what must see
// the final response: logging, compression, recovery from panics. What sets
// headers for every response, such as CORS or a Content-Security-Policy, belongs
// outside, too. If a commit fails, ErrorHandler answers with the header as Handler
// was given it, and what middleware inside has set is gone: a script of another
// origin could not even read the status.
//
//	log(compress(cors(sessions.Handler(authenticate(router)))))
//
// With http.TimeoutHandler inside of Handler, a handler that is too late
// commits nothing. With TimeoutHandler outside, the visitor may be told 503
// although the change was committed.
//
// # When changes are committed
//
// Before the first byte of the response's header goes out, or when the handler
// returns. So a failed commit is answered by [Config].ErrorHandler, and the
// handler's response, a redirect included, is never sent. A response with a
// status of 500 or more, and a panic, commit nothing. [Session.Save] commits at
// once and returns the error. What is changed after the response has begun is
// committed when the handler returns, but a new session then has no cookie to
// be found by, and is dropped and logged.
//
// That the client hangs up does not stop a commit.
//
// What is not committed when the request is over never is. From then on Save, and
// every change but one in [Session.Update], meet [ErrRequestDone]: a handler that
// http.TimeoutHandler has given up, or a goroutine of the request, is not told that
// its change was saved.
//
// # Requests from other sites
//
// Browsers keep a SameSite=Lax cookie back from a POST that a page of another site
// makes, such as the answer of an identity provider (SAML, form_post) or of a bank.
// What such a request sets begins a session, whose cookie replaces the visitor's
// own. This is logged. Keep what the request needs in a second Manager, with
// SameSite=None: see the example of [Cookie].
//
// # Errors
//
//	ErrConflict, ErrEnded                   409   nothing was saved
//	ErrTooManySessions                     409   nothing was saved
//	ErrNotListed                           500   of RevokeAll: some sessions may live
//	ErrUnavailable                         503   nothing was saved
//	ErrOutcomeUnknown (an ErrUnavailable)  503   it may have been saved
//	ErrUnreadable                          503   nothing is overwritten
//	ErrTooLarge, ErrEncode, ErrHeaderSent  500   nothing was saved
//	ErrRequestDone                         500   nothing was saved after it, nor what was pending
//
// # Outside the promise
//
// Parallel first requests of a visitor without a cookie each begin a session,
// and the browser keeps the last cookie. A store that forgets what it has
// acknowledged, by a failover or an eviction, takes sessions back with it: see
// the documentation of the provider. Of the saves that compete, two draw the same
// 32 random bits for their versions once in four billion conflicts, and are then
// taken for one.
package session
