package soak_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// An instance serves at one address, whatever Manager it is by now.
type instance struct {
	t      *testing.T
	store  provider.Provider
	server *httptest.Server
	routes atomic.Pointer[http.Handler]
}

func newInstance(t *testing.T, store provider.Provider) *instance {
	i := &instance{t: t, store: store}
	i.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		(*i.routes.Load()).ServeHTTP(w, r)
	}))
	t.Cleanup(i.server.Close)
	return i
}

// restart makes the instance one that knows nothing of what it was. What is in
// flight is served to the end by the old one.
func (i *instance) restart(signingKeys [][]byte) {
	m, err := session.New(i.store, session.Config{
		SigningKeys:        signingKeys,
		SigningKeyRotation: ringRotation,
		IdleTimeout:        ringRotation,
		Lifetime:           ringLifetime,
		MaxLifetime:        ringLifetime,
		StoreTimeout:       storeTimeout,
		Cookie:             session.Cookie{Insecure: true},
		ErrorHandler:       sayWhatFailed,
		Logger:             slog.New(slog.DiscardHandler),
	})
	if err != nil {
		i.t.Error(err)
		return
	}
	handler := routes(m)
	i.routes.Store(&handler)
}
