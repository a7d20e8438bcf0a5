package admin_test

import (
	"fmt"
	"net/http"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider/redis"
)

// The pages over a store on another machine: one that lists by SCAN, in no order.
func TestOnRedis(t *testing.T) {
	client := goredis.NewClient(&goredis.Options{Addr: testserver.SharedRedis(t)})
	t.Cleanup(func() { client.Close() })
	s := newSite(t, redis.New(client, redis.Prefix(t.Name()+":")))
	want := map[string]bool{}
	for i := range 120 {
		_, id := s.signIn(fmt.Sprint("user-", i%9), inAcme)
		want[id] = true
	}
	s.get("").want(http.StatusOK, "counted", "Nothing. All checks are fine.")
	for page := "sessions"; page != ""; {
		a := s.get(page).want(http.StatusOK)
		for _, id := range a.publicIDs() {
			delete(want, id)
		}
		page = a.next()
	}
	if len(want) > 0 {
		t.Errorf("%d sessions were not listed", len(want))
	}
	cookie, id := s.signIn("ann", inAcme)
	for _, page := range pagesOf(id) {
		s.get(page).want(http.StatusOK).wantNot("secret of ann")
	}
	s.post("values", "id", id).want(http.StatusOK, "secret of ann")
	s.follow(s.post("end-session", "id", id)).want(http.StatusOK, "The session has ended.")
	if s.lives(cookie) {
		t.Error("the session lives")
	}
	other, _ := s.signIn("bob", inAcme)
	s.follow(s.post("end-label", "label", "tenant", "value", "acme")).want(http.StatusOK, "0 sessions")
	if s.lives(other) {
		t.Error("a session of the label lives")
	}
}
