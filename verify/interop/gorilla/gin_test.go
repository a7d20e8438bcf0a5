package gorilla_test

import (
	"io"
	"testing"

	"github.com/gin-contrib/sessions"
	"github.com/gin-contrib/sessions/tester"
	"github.com/gin-gonic/gin"

	"github.com/holdfast-go/holdfast/adapters/gorillaholdfast"
)

// ginStore makes a Store one of gin-contrib/sessions.
type ginStore struct{ *gorillaholdfast.Store }

func (s ginStore) Options(o sessions.Options) { s.Store.Options = o.ToGorillaOptions() }

func TestTesterOfGinContrib(t *testing.T) {
	gin.SetMode(gin.TestMode)
	gin.DefaultWriter = io.Discard
	each(t, func(t *testing.T, url string) {
		p := open(t, url)
		store := func(*testing.T) sessions.Store { return ginStore{gorillaholdfast.NewStore(p)} }
		for name, test := range map[string]func(*testing.T, func(*testing.T) sessions.Store){
			"GetSet":    func(t *testing.T, s func(*testing.T) sessions.Store) { tester.GetSet(t, s) },
			"DeleteKey": func(t *testing.T, s func(*testing.T) sessions.Store) { tester.DeleteKey(t, s) },
			"Flashes":   func(t *testing.T, s func(*testing.T) sessions.Store) { tester.Flashes(t, s) },
			"Clear":     func(t *testing.T, s func(*testing.T) sessions.Store) { tester.Clear(t, s) },
			"Options":   func(t *testing.T, s func(*testing.T) sessions.Store) { tester.Options(t, s) },
			"Many":      func(t *testing.T, s func(*testing.T) sessions.Store) { tester.Many(t, s) },
		} {
			t.Run(name, func(t *testing.T) { test(t, store) })
		}
	})
}
