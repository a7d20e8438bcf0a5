package session_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// A client library of a store that mixes up the replies of a connection returns one
// visitor's record for another's ID.
func TestTheReplyToAnotherRequestOpensNoSession(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.client(), w.client()
	alice.post(set("a=1")).wantPage(t)
	bob.post(set("a=2")).wantPage(t)
	mixedUp := w.stored(alice.sessionID())

	mix := func(_ context.Context, id string, _ storetest.FetchFunc) (*provider.Record, error) {
		rec := *mixedUp
		rec.ID = id // a store's records are found by their IDs, and do not name them
		return &rec, nil
	}
	w.onFetch(mix)
	a := bob.post(func(s *session.Session) { t.Errorf("bob's session has %q", show(s)) })
	a.wantError(t, http.StatusServiceUnavailable, session.ErrUnreadable)
	a.wantCookies(t, 0)
	bob.wantState("a=2")

	conflict := func(_ context.Context, rec *provider.Record, _ int64, _ storetest.SaveFunc) error {
		other := *mixedUp
		other.ID = rec.ID
		return &provider.ConflictError{Current: &other}
	}
	w.onSave(conflict)
	bob.post(set("b=2")).wantError(t, http.StatusServiceUnavailable, session.ErrUnreadable)
	bob.wantState("a=2")

	rec := *mixedUp
	rec.ID = bob.sessionID()
	if info, err := session.Inspect(&rec); err == nil {
		t.Errorf("Inspect reads %+v", info)
	}
}
