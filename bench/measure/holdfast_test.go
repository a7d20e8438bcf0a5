package measure_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

const idleTimeout = time.Hour

var signingKey = bytes.Repeat([]byte("k"), 32)

var (
	countKey = session.NewKey[int]("count")
	textKeys = func() (keys [manyCount]session.Key[string]) {
		for i, name := range names {
			keys[i] = session.NewKey[string](name)
		}
		return keys
	}()
)

type holdfastSession struct{ *session.Session }

func (s holdfastSession) count() int              { n, _ := countKey.Get(s.Session); return n }
func (s holdfastSession) setCount(n int)          { countKey.Set(s.Session, n) }
func (s holdfastSession) text(i int) string       { t, _ := textKeys[i].Get(s.Session); return t }
func (s holdfastSession) setText(i int, t string) { textKeys[i].Set(s.Session, t) }

// config returns the configuration of all measurements.
func config(keys ...[]byte) session.Config {
	if keys == nil {
		keys = [][]byte{signingKey}
	}
	return session.Config{
		SigningKeys: keys,
		IdleTimeout: idleTimeout,
		MaxSize:     1 << 20,
		Cookie:      session.Cookie{Insecure: true},
		Logger:      slog.New(slog.DiscardHandler),
	}
}

func newManager(tb testing.TB, p provider.Provider, cfg session.Config) *session.Manager {
	tb.Helper()
	m, err := session.New(p, cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

func holdfast(tb testing.TB, p provider.Provider, keys ...[]byte) app {
	return holdfastOf(newManager(tb, p, config(keys...)))
}

func holdfastOf(m *session.Manager) app {
	return app{name: "Holdfast", net: m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/untouched" {
			io.WriteString(w, "ok")
			return
		}
		s, err := session.Load(r.Context())
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		io.WriteString(w, answer(r.URL.Path, holdfastSession{s}))
	}))}
}
