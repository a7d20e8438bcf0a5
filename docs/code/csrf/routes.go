package csrf

import (
	"fmt"
	"html/template"
	"net/http"

	"github.com/holdfast-go/holdfast/session"
)

var page = template.Must(template.New("").Parse(`<form method="post" action="/send">{{.}}<button>Send</button></form>`))

// Routes returns a site that checks tokens.
func Routes(sessions *session.Manager) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /form", sessions.HandlerFunc(form))
	mux.HandleFunc("POST /send", sessions.HandlerFunc(send))
	mux.HandleFunc("POST /login", sessions.HandlerFunc(logIn))
	return sessions.Handler(checkToken(sessions, mux))
}

// form is the handler of a page with a form. Of parallel GET requests for new forms,
// HandlerFunc runs those again that were too late, so all forms have the same token.
func form(w http.ResponseWriter, r *http.Request, s *session.Session) {
	if err := page.Execute(w, field(s)); err != nil {
		http.Error(w, "please try again", http.StatusInternalServerError)
	}
}

func send(w http.ResponseWriter, r *http.Request, s *session.Session) {
	fmt.Fprintln(w, "sent")
}
