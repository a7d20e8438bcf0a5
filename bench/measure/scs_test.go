package measure_test

import (
	"context"
	"io"
	"net/http"

	"github.com/alexedwards/scs/v2"
)

type scsSession struct {
	*scs.SessionManager
	ctx context.Context
}

func (s scsSession) count() int              { return s.GetInt(s.ctx, "count") }
func (s scsSession) setCount(n int)          { s.Put(s.ctx, "count", n) }
func (s scsSession) text(i int) string       { return s.GetString(s.ctx, names[i]) }
func (s scsSession) setText(i int, t string) { s.Put(s.ctx, names[i], t) }

func scsApp(name string, store scs.Store) app {
	return scsAppWith(name, store, func(scsSession) {})
}

// scsAppWith has begin add to the sessions that begin.
func scsAppWith(name string, store scs.Store, begin func(scsSession)) app {
	m := scs.New()
	m.Store = store
	m.IdleTimeout = idleTimeout
	return app{name: name, net: m.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/untouched" {
			io.WriteString(w, "ok")
			return
		}
		s := scsSession{m, r.Context()}
		if r.URL.Path == "/begin" {
			begin(s)
		}
		io.WriteString(w, answer(r.URL.Path, s))
	}))}
}
