// Package sessiontest helps to test handlers that use package session.
//
// A handler test needs a Manager, a visitor's session, and a look at what the handler has
// stored:
//
//	func TestAddToCart(t *testing.T) {
//		sessions := sessiontest.NewManager(t)
//		visitor := sessiontest.Cookie(t, sessions, func(s *session.Session) {
//			cart.Set(s, []string{"tea"})
//		})
//
//		r := httptest.NewRequest("POST", "/cart?item=milk", nil)
//		r.AddCookie(visitor)
//		w := httptest.NewRecorder()
//		newServer(sessions).ServeHTTP(w, r)
//
//		sessiontest.Read(t, sessions, visitor, func(s *session.Session) {
//			if got, _ := cart.Get(s); len(got) != 2 {
//				t.Errorf("the cart is %v", got)
//			}
//		})
//	}
//
// [Response] returns the cookie that a response sets, as after a login. [Alive] reports
// whether a cookie still opens a session, as after a logout. These functions work with
// every Manager, also with one over a database.
//
// # Parallel requests
//
// A handler may work well until a visitor clicks twice. [Interleave] runs two requests
// through a handler in every order of their storage calls. If the check fails in one of
// them, it names the order:
//
//	sessiontest.Interleave(t, sessions, redeem, redeem, handler, func(t testing.TB, order string, resA, resB *http.Response) {
//		if paid != 1 {
//			t.Errorf("the voucher was paid %d times", paid)
//		}
//	})
//
// reports for a handler that pays before it saves:
//
//	in this order: A fetch, B fetch, A save, B save: conflict
//	    the voucher was paid 2 times
//
// Package session loses no update of a handler that changes nothing but its session. Test
// handlers that ignore errors, that use Key.LastWriteWins, or that have effects outside of
// the session.
//
// # Limits
//
// Interleave runs one of the requests at a time, unless both sleep until the same moment or
// one has waited for the other. Variables of the test therefore need no lock, and data races
// between the requests are not found. The requests run in a bubble of package
// testing/synctest, which has these limits:
//
//   - No sync.Mutex may be locked during a storage call if another goroutine of the test
//     waits for it. Goroutines of one request must not load its session at the same time,
//     which locks one, too. Otherwise the test hangs.
//   - Nothing in the bubble may use the network, or wait for anything else outside of the
//     bubble. Replace an http.Client by a fake.
//   - A handler that runs until its client disconnects needs a request whose context has a
//     timeout.
//   - Goroutines that a handler has started must end within a minute of the bubble's clock
//     after check.
//   - While a request sleeps, the other one waits before its next storage call for up to half
//     of Config.StoreTimeout, and then goes on.
//
// Only storage calls of the Manager whose context is derived from that of a request are
// put in order. Save, Update, Touch and Check must therefore be called with such a context.
// Calls that a request makes in parallel, in several goroutines, are made in one order
// only.
//
// In the same order of calls, the requests must make the same calls each time. Random bytes
// of crypto/rand are therefore the same in each interleaving, except in a test that calls
// T.Parallel. There, the IDs of new sessions are random, and the order in which a user's
// sessions are read depends on them.
package sessiontest
