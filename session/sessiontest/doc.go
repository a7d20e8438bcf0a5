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
package sessiontest
