package soak_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// An instance serves at one address, whatever Manager it is by now.
type instance struct {
	t      *testing.T
	store  provider.Provider
	server *httptest.Server
	routes atomic.Pointer[managers]
}

// managers are those of an instance: the usual one, and one with patience for what has
// to be done in the end, also on a machine so slow that little is within storeTimeout.
type managers struct{ usual, patient http.Handler }

// patiently is a header by which a request comes to the patient one.
const patiently = "Patiently"

func newInstance(t *testing.T, store provider.Provider) *instance {
	i := &instance{t: t, store: store}
	i.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := i.routes.Load()
		if r.Header.Get(patiently) != "" {
			now.patient.ServeHTTP(w, r)
			return
		}
		now.usual.ServeHTTP(w, r)
	}))
	t.Cleanup(i.server.Close)
	return i
}

// restart makes the instance one that knows nothing of what it was. What is in
// flight is served to the end by the old one.
func (i *instance) restart(signingKeys [][]byte) {
	usual, patient := i.manage(signingKeys, storeTimeout), i.manage(signingKeys, patience/4)
	if usual != nil && patient != nil {
		i.routes.Store(&managers{usual, patient})
	}
}

func (i *instance) manage(signingKeys [][]byte, timeout time.Duration) http.Handler {
	m, err := session.New(i.store, session.Config{
		SigningKeys:        signingKeys,
		SigningKeyRotation: ringRotation,
		IdleTimeout:        ringRotation,
		Lifetime:           ringLifetime,
		PersistLifetime:    ringLifetime,
		StoreTimeout:       timeout,
		Cookie:             session.Cookie{Insecure: true},
		ErrorHandler:       sayWhatFailed,
		Logger:             slog.New(slog.DiscardHandler),
	})
	if err != nil {
		i.t.Error(err)
		return nil
	}
	return routes(m)
}
