package admin_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

// While the store fails, the pages say so, and an act that has failed is no success.
func TestAStoreThatFails(t *testing.T) {
	store := &storetest.Store{Provider: memory.New()}
	s := newSite(t, store)
	_, id := s.signIn("ann")
	store.OnFetch = func(context.Context, string, storetest.FetchFunc) (*provider.Record, error) { return nil, errBroken }
	s.get("health").want(http.StatusOK, "Problem", errBroken.Error(), "answered 503")
	s.get("").want(http.StatusOK, "Needs attention", errBroken.Error())
	s.get("sessions?owner=ann").want(http.StatusServiceUnavailable, "This did not work")
	s.get("session?id="+id).want(http.StatusServiceUnavailable, errBroken.Error())
	s.post("end-session", "id", id).want(http.StatusServiceUnavailable)
	s.wantAudited()
}
