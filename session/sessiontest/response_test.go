package sessiontest_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/holdfast-go/holdfast/session"
	"github.com/holdfast-go/holdfast/session/sessiontest"
)

func TestResponseReturnsCookie(t *testing.T) {
	managers(t, session.Config{}, func(t *testing.T, m *session.Manager) {
		if c := sessiontest.Response(t, m, send(m, nil, func(*session.Session) {})); c != nil {
			t.Errorf("a response without a session sets %v", c)
		}
		c := sessiontest.Response(t, m, send(m, nil, func(s *session.Session) { count.Set(s, 7) }))
		if !sessiontest.Alive(t, m, c) {
			t.Errorf("a response with a new session sets %v", c)
		}
		if c := sessiontest.Response(t, m, send(m, c, func(s *session.Session) { count.Set(s, 8) })); c != nil {
			t.Errorf("a response with a session that was changed sets %v", c)
		}
		renewed := sessiontest.Response(t, m, send(m, c, (*session.Session).Renew))
		if !sessiontest.Alive(t, m, renewed) || renewed.Value == c.Value {
			t.Errorf("a response with a renewed session sets %v", renewed)
		}
		if c := sessiontest.Response(t, m, send(m, renewed, (*session.Session).Destroy)); c == nil || c.MaxAge >= 0 {
			t.Errorf("a response with a destroyed session sets %v", c)
		}
	})
}

func TestResponseOfScopes(t *testing.T) {
	m := sessiontest.NewManager(t, session.Config{Cookie: session.Cookie{Name: "id", Path: "/shop", Domain: "example.com"}})
	res := &http.Response{Header: http.Header{"Set-Cookie": {
		"id=; Path=/; Max-Age=0",
		"identity=1; Path=/shop; Domain=example.com",
		"id=new; Path=/shop; Domain=example.com; HttpOnly",
		"malformed",
	}}}
	if c := sessiontest.Response(t, m, res); c == nil || c.Value != "new" {
		t.Errorf("the cookie is %v", c)
	}
}

func TestResponseFails(t *testing.T) {
	m := sessiontest.NewManager(t)
	inner := sessiontest.NewManager(t)
	w := httptest.NewRecorder()
	m.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		count.Set(s, 1)
		w.Header().Add("Set-Cookie", "session=1; Path=/shop") // of another Path
		inner.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { count.Set(s, 1) })(w, httptest.NewRequest(http.MethodGet, "/", nil))
	})(w, httptest.NewRequest(http.MethodGet, "/", nil))
	nested := w.Result()
	if sessiontest.Response(t, m, nested) == nil {
		t.Error("nested Managers overwrite each other's cookie, and there is none")
	}
	for name, tc := range map[string]struct {
		res  *http.Response
		want string
	}{
		"for nil":                        {nil, "the response is nil"},
		"for a cookie that is set twice": {&http.Response{Header: http.Header{"Set-Cookie": {"session=1; Path=/", "session=2; Path=/"}}}, `the response sets the cookie "session" twice`},
		"for a malformed cookie":         {&http.Response{Header: http.Header{"Set-Cookie": {"session=a\x01b; Path=/"}}}, `the line "Set-Cookie: session=a\x01b; Path=/" is not a cookie`},
	} {
		t.Run(name, func(t *testing.T) {
			r := record(t, func(tb *recorder) { sessiontest.Response(tb, m, tc.res) })
			r.wants(t, "sessiontest: Response: "+tc.want)
			if !r.ended {
				t.Error("the test goes on")
			}
		})
	}
}
