package measure_test

import (
	"io"
	"net/http"
	"strings"

	"github.com/gorilla/sessions"
)

type gorillaSession struct{ *sessions.Session }

func (s gorillaSession) count() int              { n, _ := s.Values["count"].(int); return n }
func (s gorillaSession) setCount(n int)          { s.Values["count"] = n }
func (s gorillaSession) text(i int) string       { t, _ := s.Values[names[i]].(string); return t }
func (s gorillaSession) setText(i int, t string) { s.Values[names[i]] = t }

// gorilla saves where the session has changed. It has no idle timeout: that would
// take a save with every request.
func gorilla(name string, store sessions.Store) app {
	return app{name: name, net: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/untouched" {
			io.WriteString(w, "ok")
			return
		}
		s, err := store.Get(r, "session")
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		body := answer(r.URL.Path, gorillaSession{s})
		if changes(r.URL.Path) {
			if err := s.Save(r, w); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
		}
		io.WriteString(w, body)
	})}
}

func changes(route string) bool {
	return strings.HasPrefix(route, "/begin") || strings.Contains(route, "change")
}
