package session_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// At the logout, the browser forgets what it keeps of the site.
func ExampleConfig_clearSiteData() {
	sessions := must(session.New(memory.New(), session.Config{ClearSiteData: []string{"cache", "storage"}}))
	logout := sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		s.Destroy()
		fmt.Fprint(w, "goodbye")
	})
	answer := httptest.NewRecorder()
	logout.ServeHTTP(answer, httptest.NewRequest("POST", "/logout", nil))
	fmt.Println(answer.Body, answer.Header().Get("Clear-Site-Data"))
	// Output:
	// goodbye "cache", "storage"
}
