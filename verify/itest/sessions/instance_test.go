package sessions_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// An instance is one of an app's: a Manager over the store, and what it serves.
//
//	/Handler?do=updates      the leaf of that name, in Manager.Handler,
//	/HandlerFunc?do=updates  as Manager.HandlerFunc
//	/HandlerFuncInHandler?do=updates
//	/Replay?do=updates       and in Manager.Replay
//	/revoke?owner=ann        Manager.RevokeAll
//	/trips                   how many trips to the store there were
//	/faults?lose=true       what the trips are to meet from now on
type instance struct {
	*session.Manager
	http.Handler
	store  *storetest.Store
	faults faults
}

func newInstance(t testing.TB, p provider.Provider, cfg session.Config) *instance {
	t.Helper()
	i := &instance{store: &storetest.Store{Provider: p}}
	i.store.OnFetch, i.store.OnSave = i.faults.fetch, i.faults.save
	cfg.Cookie.Insecure = true
	cfg.StoreTimeout = patience           // the machine may be slow
	cfg.ReplayAttempts = parallelRequests // a run can lose to each other request once
	cfg.Logger = slog.New(slog.DiscardHandler)
	m, err := session.New(i.store, cfg)
	if err != nil {
		t.Fatal(err)
	}
	i.Manager, i.Handler = m, i.routes(m)
	return i
}

func (i *instance) routes(m *session.Manager) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/Handler", m.Handler(http.HandlerFunc(load)))
	mux.Handle("/HandlerFunc", m.HandlerFunc(do))
	mux.Handle("/HandlerFuncInHandler", m.Handler(m.HandlerFunc(do)))
	mux.Handle("/Replay", m.Handler(m.Replay(http.HandlerFunc(load))))
	mux.HandleFunc("/revoke", func(w http.ResponseWriter, r *http.Request) {
		if err := m.RevokeAll(r.Context(), r.URL.Query().Get("owner")); err != nil {
			http.Error(w, err.Error(), session.StatusCode(err))
		}
	})
	mux.HandleFunc("/trips", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, i.store.Trips()) })
	mux.HandleFunc("/faults", func(_ http.ResponseWriter, r *http.Request) { i.faults.set(r.URL.Query()) })
	return mux
}

func load(w http.ResponseWriter, r *http.Request) {
	s, err := session.Load(r.Context())
	if err != nil {
		http.Error(w, err.Error(), session.StatusCode(err))
		return
	}
	do(w, r, s)
}

func do(w http.ResponseWriter, r *http.Request, s *session.Session) {
	handlers[r.URL.Query().Get("do")](w, r, s)
}
