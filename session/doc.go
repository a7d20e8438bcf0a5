// Package session gives net/http handlers server-side sessions that never lose an update.
//
// Browsers send requests in parallel: a page's fetches, two tabs, a double click. A
// session that is loaded whole, changed and written back whole loses what another request
// saved in between. Here a session is one versioned record in a [provider.Provider],
// saved by compare-and-swap. A conflict is detected. It is merged where that is safe, and
// reported where it is not.
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
// A visitor without a session gets a new, empty one at every request. It costs nothing:
// no record is stored and no cookie is set until a handler sets a value. The cookie holds
// 32 random bytes and a signature. The record's ID is a hash of these bytes, so a stolen
// database cannot be used to take over a session. [Session.Renew] moves the session to a
// new ID on a change of privilege. [Session.Destroy] ends it. A session also ends
// [Config].IdleTimeout after its last use, and [Config].Lifetime after it began or was
// renewed. [AAL1], [AAL2] and [AAL3] return a Config with the limits of NIST.
// [Session.Persist] is for "keep me signed in".
//
// A session that was renewed or destroyed leaves a tombstone, a record that says so. The
// tombstone stays for five minutes. After a Renew it stays as long as the new session may
// live, so that [Manager.Revoke] finds the new session by the old public ID. A request
// with the cookie of a tombstone reads an empty session. A change in this request begins
// a new session as soon as no other response that sets or clears the cookie can be under
// way. That is at once if the session was ended from outside ([Manager.Revoke],
// [Config].OwnerLimit), and 30 seconds after the Renew or Destroy otherwise. Of parallel
// requests, one begins the new session, and no other does so for 30 seconds. Until then a
// change fails with [ErrEnded]; if it only affects keys with [Key.LastWriteWins], it is
// lost without an error. A Renew, as in a login, works at any time. It ends a session
// that such a change has begun.
//
// Every request that loads the session uses it. The session is extended once a tenth of
// the idle timeout has passed. [Manager.Passive] is for requests that a page makes
// without its user, such as polling. [Session.Touch] is for use that is not a request,
// such as a message from a websocket.
//
// # Conflicts
//
// If a parallel request has changed a key since this request loaded the session, the
// result depends on what this request did with the key:
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
// [Key.MergeWith] gives a key its own three-way merge. [Key.LastWriteWins] says that
// changes of the key may be lost.
//
// If the session was destroyed or renewed or has expired in the meantime, a change fails
// with [ErrEnded]: a late save never creates the session again. A Renew, unless the
// session has expired, or a change after a Destroy begins an empty session instead, unless
// the request has seen something of the old one: a value, the name of a key, the owner, or
// what a closure of Update was given. In that case it fails with ErrEnded at every level,
// so that data read from a revoked session never gets into another one.
//
// A change that is applied again cannot correct what a response already shows.
// [Key.GetOrSet] is for a value that is created once and shown, such as a CSRF token: a
// handler that runs again finds the value that another request has set. The examples of
// Key.GetOrSet and of [Session.Update] show a CSRF token and flash messages that work
// under parallel requests.
//
// [Key.Refresh] is for a value whose renewal has an effect elsewhere that must not be
// repeated, such as an OAuth token: of all requests of the session, one at a time renews it.
//
// LevelMerge keeps each key consistent by itself. If an invariant spans several values,
// keep them in one key or use LevelSerializable.
//
// # Values whose type changes
//
// Sessions outlive deployments. A program therefore meets values of types that it had
// before, or that a newer instance has.
//
// A stored value that does not decode into the type of its key is absent for every method
// of [Key]. It is logged and reported to [Config].Observer. It stays in the record until
// the key is set, updated, deleted or cleared. [Upgrade] gives the key a decoder for its
// earlier type.
//
// A new field is zero in a value that was stored before. A renamed field is a new field;
// to keep the stored data, keep the old name in a json tag. A struct decodes into any
// other struct, so the decoder of Upgrade is not called. To change a struct beyond that,
// give the key another name, and copy from the old key to the new one.
//
// In a rolling deployment, older instances change values that newer ones have stored. An
// older instance that sets or updates a value drops the fields that it does not know.
// Reading the value, or changing other keys, drops nothing. A value that an older
// instance cannot decode is absent there, and is replaced if it is set or updated there.
// To lose nothing, deploy twice: first a version that decodes the new type and stores the
// old one, then a version that stores the new one.
//
// # Sessions of a user
//
// [Session.SetOwner] ties a session to a user. Call it at the login, together with Renew.
// [Manager.Sessions] then lists the user's sessions with the values of each, such as its
// device. [Manager.Revoke], [Manager.RevokeAll] and [Manager.RevokeOthers] end sessions,
// and [Config].OwnerLimit limits their number. A revoked session is destroyed: a request
// that is still using it can no longer save. RevokeAll ends every login that was answered
// before the call. A concurrent login is either ended or takes effect after RevokeAll.
// [Session.SetLabel], [Manager.SessionsBy] and [Manager.RevokeBy] do the same for tenants
// and other labels. [Manager.RevokeEverything] ends every session there is.
//
// [Manager.Update] changes a session outside of a request, by its public ID.
//
// # Stolen cookies
//
// Whoever has the cookie of a session has the session. Config.DeviceBinding changes that for
// browsers with Device Bound Session Credentials (W3C): after a Renew, the browser registers
// a key that it cannot export. From then on the session is served only together with a
// second cookie. It lives for Config.DeviceBindingInterval, and the browser refreshes it by
// a proof that it has the key. A request without it reads an empty session, as with the
// cookie of a session that has ended, but a change without Renew fails with ErrUnproven as long
// as the bound cookie of the browser is good. [Session.Binding] tells the
// state. [Manager.RequireProof] asks for a fresh proof.
//
// For other browsers, Config.RotateInterval replaces the cookie from time to time. If the one
// before is used after that, two clients have the session, and it ends: see [EndTheft].
//
// # Long-lived connections
//
// [Session.Watch] returns a context that ends with the session, on whatever instance it is
// ended. If the provider can broadcast (provider.Broadcaster), the context ends at once.
// Otherwise it ends within [Config].WatchInterval. [Session.Touch] keeps the session of a
// connection alive on which the user does something. [Session.Check] reports once whether
// a session is alive.
//
// # Entry points
//
// [Manager.HandlerFunc] passes the session to a function and answers when the store is
// down. It runs the function again when a safe request meets a conflict. Use it unless
// you need one of the others.
//
// [Manager.Handler] is the middleware for a whole tree of handlers, which call [Load]
// where they need the session. It calls the wrapped handler exactly once.
//
// [Manager.Replay] wraps the innermost handler of a route, inside of Handler or alone. It
// runs the handler again on a conflict, whatever the method.
//
// [Manager.Open] and [Session.Commit] are for programs whose requests are not those of
// net/http. Clients without cookies, such as mobile apps, send the token of their session
// in [Config].Header.
//
// # Routers and frameworks
//
// A handler must answer with the ResponseWriter that Handler passed to it, and load the
// session with the context of the request that came with it. Routers that take net/http
// middleware do both, such as http.ServeMux and chi.
//
// gin, echo and fiber have handlers and writers of their own. The modules
// adapters/ginholdfast, adapters/echoholdfast and adapters/fiberholdfast of the repository
// are middleware for them, as in router.Use(ginholdfast.Sessions(sessions)). Without these
// modules, put Handler around the whole router, as in sessions.Handler(engine). A gin
// middleware that passes on only the request keeps writing to its own writer, and so
// bypasses the session. echo's WrapMiddleware saves the session of a request that an error
// answers with status 500. fiber's adaptor.HTTPMiddleware lets the middleware return before
// the handler runs; convert whole handlers, as in
// adaptor.HTTPHandler(sessions.HandlerFunc(f)).
//
// A library that asserts interfaces of the server's own ResponseWriter, as WebTransport's
// Upgrade does, gets that writer from Unwrap. The file docs/frameworks.md of the repository
// has the code for each of them.
//
// # Order of middleware
//
// Put Handler outside of middleware that reads the session, and inside of middleware that
// must see the final response: logging, compression, recovery from panics. Middleware
// that sets headers for every response, such as CORS or a Content-Security-Policy, should
// be outside, too. If a commit fails, ErrorHandler answers with the header as it was when
// Handler was called; headers that middleware inside has set are gone. Without its CORS
// headers, a script of another origin could not even read the status.
//
//	log(compress(cors(sessions.Handler(authenticate(router)))))
//
// With http.TimeoutHandler inside of Handler, a handler that is too late commits nothing.
// With TimeoutHandler outside, the visitor may get status 503 although the change was
// committed.
//
// # When changes are committed
//
// Changes are committed before the first byte of the response's header is sent, or when
// the handler returns. A failed commit is therefore answered by [Config].ErrorHandler,
// and the handler's response, a redirect included, is never sent. A response with a
// status of 500 or more commits nothing, and a panic commits nothing. [Session.Save]
// commits at once and returns the error. A change after the response has begun is
// committed when the handler returns. A new session then has no cookie, so it is dropped
// and logged.
//
// A commit goes on if the client disconnects. Only a Renew, and a new session that begins
// over a tombstone, are given up then, because their cookie would be lost.
//
// A change that is not committed when the request ends is never committed. From then on
// every change outside of [Session.Update] is dropped and logged, and Save returns
// [ErrRequestDone] once a change was dropped. So a handler that http.TimeoutHandler has
// given up, or a goroutine of the request, cannot take its change for saved.
//
// # Requests from other sites
//
// Browsers do not send a SameSite=Lax cookie with a POST from a page of another site,
// such as the answer of an identity provider (SAML, form_post) or of a bank. A value that
// such a request sets begins a new session, whose cookie replaces the visitor's own. This
// is logged. Keep the data of such requests in a second Manager with SameSite=None: see
// the example of [Cookie].
//
// # Errors
//
//	ErrConflict, ErrEnded                  409   nothing was saved
//	ErrTooManySessions                     409   nothing was saved
//	ErrNotListed                           500   of RevokeAll: some sessions may live
//	ErrUnavailable                         503   nothing was saved
//	ErrOutcomeUnknown (an ErrUnavailable)  503   it may have been saved
//	ErrUnreadable                          503   nothing is overwritten
//	ErrTooLarge, ErrEncode, ErrHeaderSent  500   nothing was saved
//	ErrRequestDone                         500   pending and later changes were not saved
//
// # What is not guaranteed
//
// Parallel first requests of a visitor without a cookie each begin a session, and the
// browser keeps the last cookie. A store that loses acknowledged writes, in a failover or
// an eviction, loses sessions, too: see the documentation of the provider. Two competing
// saves draw the same 32 random bits for their versions once in four billion conflicts,
// and are then taken for one.
package session
