package first

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-go/holdfast/docs/code/internal/browser"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

func visit(t *testing.T) (*browser.Browser, *memory.Provider) {
	store := memory.New()
	sessions, err := session.New(store, session.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return browser.New(t, Routes(sessions)), store
}

func TestBasket(t *testing.T) {
	b, _ := visit(t)
	b.Get("/basket").Want(t, 200, "your basket is empty")
	b.Post("/basket", "item", "tea").Want(t, 303, "/basket")
	b.Post("/theme", "theme", "dark").Want(t, 303, "/basket")
	b.Get("/basket").Want(t, 200, "[tea] dark")
	b.Post("/checkout").Want(t, 200, "ordered: [tea]")
	b.Post("/checkout").Want(t, 422, "nothing to order")
}

func TestAPageThatOnlyReadsStoresNothing(t *testing.T) {
	b, store := visit(t)
	answer := b.Get("/basket")
	if n := store.Len(); n != 0 || answer.Header.Get("Set-Cookie") != "" {
		t.Errorf("%d records, cookie %q", n, answer.Header.Get("Set-Cookie"))
	}
	b.Post("/basket", "item", "tea")
	if store.Len() == 0 {
		t.Error("no record after a change")
	}
}

func TestTheCookieThatThePageShows(t *testing.T) {
	b, _ := visit(t)
	cookie := b.Post("/basket", "item", "tea").Header.Get("Set-Cookie")
	name, rest, _ := strings.Cut(cookie, "=")
	_, attributes, _ := strings.Cut(rest, ";")
	if got := name + "=…;" + attributes; got != "__Host-session=…; Path=/; HttpOnly; Secure; SameSite=Lax" {
		t.Error(got)
	}
}

func TestParallelItemsAllCount(t *testing.T) {
	b, _ := visit(t)
	b.Post("/basket", "item", "tea")
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() { b.Post("/basket", "item", fmt.Sprint(i)).Want(t, http.StatusSeeOther, "/basket") })
	}
	wg.Wait()
	if items := strings.Fields(b.Get("/basket").Body); len(items) != 21 {
		t.Errorf("%d items", len(items))
	}
}

func TestOneOfTwoCheckoutsGetsTheBasket(t *testing.T) {
	b, _ := visit(t)
	b.Post("/basket", "item", "tea")
	answers := make(chan browser.Answer, 20)
	for range 20 {
		go func() { answers <- b.Post("/checkout") }()
	}
	ordered := 0
	for range 20 {
		switch a := <-answers; a.Status {
		case 200:
			ordered++
		case 409, 422:
		default:
			t.Errorf("%d %s", a.Status, a.Body)
		}
	}
	if ordered != 1 {
		t.Errorf("ordered %d times", ordered)
	}
}
