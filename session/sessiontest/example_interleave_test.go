package sessiontest_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/holdfast-go/holdfast/session"
	"github.com/holdfast-go/holdfast/session/sessiontest"
)

// A visitor clicks twice on "redeem". The first handler pays the voucher before it is
// certain that the voucher is used up: the conflict is detected, but too late. The second
// handler saves first.
func ExampleInterleave() {
	voucher := session.NewKey[string]("voucher")
	paid := 0

	paysFirst := func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		if _, ok := voucher.Pop(s); ok {
			paid++
		}
	}
	savesFirst := func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		_, ok := voucher.Pop(s)
		if err := s.Save(r.Context()); err != nil {
			http.Error(w, "redeemed by another request", session.StatusCode(err))
			return
		}
		if ok {
			paid++
		}
	}

	testRedeem := func(t *testing.T, redeem func(http.ResponseWriter, *http.Request, *session.Session)) {
		sessions := sessiontest.NewManager(t)
		visitor := sessiontest.Cookie(t, sessions, func(s *session.Session) { voucher.Set(s, "tea for two") })
		request := func() *http.Request {
			paid = 0 // for each order
			r := httptest.NewRequest("POST", "/redeem", nil)
			r.AddCookie(visitor)
			return r
		}
		sessiontest.Interleave(t, sessions, request, request, sessions.HandlerFunc(redeem),
			func(t testing.TB, order string, resA, resB *http.Response) {
				if paid != 1 {
					t.Errorf("the voucher was paid %d times", paid)
				}
			})
	}

	runTest(func(t *testing.T) { testRedeem(t, paysFirst) })
	runTest(func(t *testing.T) { testRedeem(t, savesFirst) })
	// Output:
	// in this order: A fetch, B fetch, A save, B save: conflict
	//     the voucher was paid 2 times
	// sessiontest: 4 of 6 interleavings failed:
	//     A fetch, B fetch, A save, B save: conflict
	//     A fetch, B fetch, B save, A save: conflict
	//     B fetch, A fetch, A save, B save: conflict
	//     B fetch, A fetch, B save, A save: conflict
	// PASS
}
