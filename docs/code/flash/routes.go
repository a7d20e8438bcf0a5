package flash

import (
	"fmt"
	"net/http"

	"github.com/holdfast-go/holdfast/session"
)

// Routes returns a site with messages of both kinds.
func Routes(sessions *session.Manager) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /save", sessions.HandlerFunc(save))
	mux.HandleFunc("GET /page", sessions.HandlerFunc(showPage))
	mux.HandleFunc("POST /import", sessions.HandlerFunc(importAll))
	mux.HandleFunc("GET /list", sessions.HandlerFunc(showList))
	return mux
}

func importAll(w http.ResponseWriter, r *http.Request, s *session.Session) {
	addNotice(s, "12 rows imported")
	addNotice(s, "1 row skipped")
	http.Redirect(w, r, "/list", http.StatusSeeOther)
}

func showList(w http.ResponseWriter, r *http.Request, s *session.Session) {
	messages, err := takeNotices(r.Context(), s)
	if err != nil {
		http.Error(w, "please try again", session.StatusCode(err))
		return
	}
	for _, m := range messages {
		fmt.Fprintln(w, m)
	}
	fmt.Fprintln(w, "list")
}
