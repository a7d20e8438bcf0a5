package identity

import (
	_ "embed" // the pages
	"html/template"
	"net/http"

	"github.com/zitadel/oidc/v3/pkg/op"
)

var (
	//go:embed login.html
	loginPage string
	//go:embed sessions.html
	sessionsPage string

	loginTemplate    = template.Must(template.New("login").Parse(loginPage))
	sessionsTemplate = template.Must(template.New("sessions").Parse(sessionsPage))
)

// routes returns the protocol's handlers, the page of the login, to which the protocol
// sends its visitors, and the page of the sessions.
func (p *Provider) routes(protocol *op.Provider) http.Handler {
	done := op.AuthCallbackURL(protocol)
	login := func(w http.ResponseWriter, r *http.Request) {
		id := r.FormValue("authRequestID")
		if r.Method == http.MethodPost && p.storage.CheckUsernamePassword(r.PostFormValue("name"), r.PostFormValue("password"), id) == nil {
			http.Redirect(w, r, done(r.Context(), id), http.StatusFound)
			return
		}
		show(w, loginTemplate, id)
	}
	mux := http.NewServeMux()
	mux.Handle("/", protocol)
	mux.Handle("/login/username", op.NewIssuerInterceptor(protocol.IssuerFromRequest).HandlerFunc(login))
	mux.HandleFunc("GET /sessions", func(w http.ResponseWriter, _ *http.Request) { show(w, sessionsTemplate, p.Sessions()) })
	mux.HandleFunc("POST /sessions/end", p.endByForm)
	return mux
}

// endByForm ends a session. The page that an administrator has is open to everybody here.
func (p *Provider) endByForm(w http.ResponseWriter, r *http.Request) {
	if err := p.EndSession(r.Context(), r.PostFormValue("sid")); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	http.Redirect(w, r, "/sessions", http.StatusSeeOther)
}

func show(w http.ResponseWriter, page *template.Template, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_ = page.Execute(w, data)
}
