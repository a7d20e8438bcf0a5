package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// racedProduct is the product that the race adds to the basket.
const racedProduct = "shackle"

// queryTime simulates the time that a handler takes between reading its session and
// answering: a query, a call of another service.
const queryTime = 30 * time.Millisecond

// raceAdd counts the same click twice: in the basket, and in a counter that is
// loaded, changed and written back, as other session libraries do it.
func (s *shop) raceAdd(w http.ResponseWriter, r *http.Request, sess *session.Session) {
	n, err := s.unchecked.load(r.Context(), sess.PublicID())
	if err != nil {
		http.Error(w, "the store does not answer", http.StatusServiceUnavailable)
		return
	}
	time.Sleep(queryTime)
	if err := s.unchecked.save(r.Context(), sess.PublicID(), n+1); err != nil {
		http.Error(w, "the store does not answer", http.StatusServiceUnavailable)
		return
	}
	addProduct(sess, racedProduct)
	w.WriteHeader(http.StatusNoContent)
}

func (s *shop) raceCounts(w http.ResponseWriter, r *http.Request, sess *session.Session) {
	b, _ := baskets.Get(sess)
	n, err := s.unchecked.load(r.Context(), sess.PublicID())
	if err != nil {
		http.Error(w, "the store does not answer", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(map[string]any{"session": !sess.IsNew(), "basket": b[racedProduct], "unchecked": n})
}

// uncheckedStore keeps a counter in a way that loses updates: the last save wins. It is a
// demonstration; do not copy it.
type uncheckedStore struct{ store provider.Provider }

func (u uncheckedStore) load(ctx context.Context, publicID string) (int, error) {
	rec, err := u.store.Fetch(ctx, "unchecked "+publicID)
	if errors.Is(err, provider.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(string(rec.Data))
}

func (u uncheckedStore) save(ctx context.Context, publicID string, n int) error {
	return u.store.Save(ctx, &provider.Record{
		ID:        "unchecked " + publicID,
		Version:   1,
		ExpiresAt: time.Now().Add(time.Hour),
		Format:    "text",
		Data:      strconv.AppendInt(nil, int64(n), 10),
	}, -1) // whatever is there
}
