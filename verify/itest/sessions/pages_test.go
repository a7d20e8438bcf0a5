package sessions_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
)

// Parallel GETs of a page with a form, whose token is made by the first of them: every
// page carries the token that is stored, and none is a 409.
func testPagesCarryTheStoredToken(t *testing.T, a *app) {
	const pages = 6
	cookie := a.begin()
	for range *rounds {
		a.send(postHandler, cookie, "signs out of the form")
		a.faults(fmt.Sprintf("gate=%d", pages/len(a.urls))) // all make a token at first
		var got [pages]answer
		var wg sync.WaitGroup
		for i := range pages {
			wg.Go(func() { got[i] = a.send(getLeaf, cookie, "shows a form") })
		}
		wg.Wait()
		a.faults("")
		stored := a.send(getLeaf, cookie, "shows a form").text
		for _, page := range got {
			if page.status != http.StatusOK || page.text != stored || stored == "" {
				t.Errorf("got %d with %q, stored is %q", page.status, page.text, stored)
			}
		}
	}
}
