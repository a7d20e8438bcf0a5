package reauth

import (
	"crypto/subtle"
	"fmt"
	"html/template"
	"net/http"

	"github.com/holdfast-go/holdfast/session"
)

// Routes returns the handlers of the site.
func (site *Site) Routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", site.Sessions.HandlerFunc(site.logIn))
	mux.HandleFunc("POST /password", site.Sessions.HandlerFunc(site.answer))
	mux.Handle("POST /email", site.fresh(site.changeEmail))
	mux.Handle("GET /keys", site.fresh(site.showKeys))
	return http.NewCrossOriginProtection().Handler(mux)
}

// The page that asks, and the one that offers the request again.
var (
	askPage = template.Must(template.New("").Parse(`<p>{{.Problem}}</p>
<form method="post" action="/password">
<label>Your password, please <input type="password" name="password" autocomplete="current-password" required></label>
<input type="hidden" name="to" value="{{.To}}"><input type="hidden" name="kept" value="{{.Kept}}">
{{if .Post}}<input type="hidden" name="post" value="1">{{end}}
<button>Go on</button>
</form>`))

	againPage = template.Must(template.New("").Parse(`<p>Thank you. This has not been done yet:</p>
<form method="post" action="{{.To}}">
{{range $name, $values := .Form}}{{range $values}}<p>{{$name}}: {{.}}</p><input type="hidden" name="{{$name}}" value="{{.}}">
{{end}}{{end}}<button>Do it</button>
</form>`))
)

// show writes a page that no cache keeps: it has what the user has typed.
func show(w http.ResponseWriter, status int, page *template.Template, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = page.Execute(w, data)
}

var email = session.NewKey[string]("email")

func (site *Site) logIn(w http.ResponseWriter, r *http.Request, s *session.Session) {
	if user := r.PostFormValue("name"); passwordOf(user, r.PostFormValue("password")) {
		s.Renew()
		s.SetOwner(user)
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (site *Site) changeEmail(w http.ResponseWriter, r *http.Request, s *session.Session) {
	email.Set(s, r.PostFormValue("email"))
	fmt.Fprint(w, "your address is ", r.PostFormValue("email"))
}

func (site *Site) showKeys(w http.ResponseWriter, _ *http.Request, _ *session.Session) {
	fmt.Fprint(w, "your keys")
}

// passwordOf stands for the check of a password.
func passwordOf(user, password string) bool {
	return user != "" && subtle.ConstantTimeCompare([]byte(password), []byte("the password of "+user)) == 1
}
