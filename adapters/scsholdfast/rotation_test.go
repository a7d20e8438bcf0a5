package scsholdfast_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// With Config.RotateInterval, a slow request that calls RememberMe does not put the cookie
// that it came with over a newer one. The newer ones have the setting.
func TestRememberMeAndRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := newManager(t)
		m.Cookie.Persist = false
		m.Config.RotateInterval = 15 * time.Minute
		during := func() {}
		v := app(t, m, func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/put":
				m.Put(r.Context(), "a", "kept")
			case "/remember":
				during()
				m.RememberMe(r.Context(), true)
			}
			_, _ = w.Write([]byte(m.GetString(r.Context(), "a")))
		})
		v.get("/put")
		const settled = 65*time.Second + time.Minute + time.Millisecond // an index is confirmed from then on
		rotate := func() {
			time.Sleep(15 * time.Minute)
			if cookies := v.do("GET", "/").Cookies(); len(cookies) != 1 {
				t.Fatalf("new cookies: %v", cookies)
			}
			time.Sleep(settled)
			v.get("/")
		}
		during = rotate
		slow := &visitor{t: t, handler: v.handler, cookie: v.cookie}
		if cookies := slow.do("GET", "/remember").Cookies(); len(cookies) > 0 {
			t.Errorf("a slow request sends %v", cookies)
		}
		rotate()
		if v.cookie.MaxAge == 0 {
			t.Errorf("the new cookie is not kept: %v", v.cookie)
		}
		if got := v.get("/"); got != "kept" {
			t.Errorf("the session has %q", got)
		}
	})
}
