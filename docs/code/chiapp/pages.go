package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"html/template"
	"net/http"

	"github.com/holdfast-go/holdfast/session"
)

var notices = session.NewKey[[]string]("notices").LastWriteWins()

// addNotice leaves a message for the next page.
func addNotice(s *session.Session, message string) {
	notices.Update(s, func(all []string) []string { return append(all, message) })
}

// forPage returns the CSRF token of a page's forms, and the messages that no page has shown
// yet. One Session.Update does both: if it meets a conflict with another tab, its function
// runs again, and no page is answered 409. Most pages need no Update and no storage trip.
func forPage(ctx context.Context, s *session.Session) (token string, messages []string, err error) {
	token, ok := csrfToken.Get(s)
	if _, waiting := notices.Get(s); ok && !waiting {
		return token, nil, nil
	}
	err = s.Update(ctx, func(s *session.Session) error {
		token = csrfToken.GetOrSet(s, rand.Text)
		messages, _ = notices.Pop(s)
		return nil
	})
	return token, messages, err
}

type page struct {
	Notices []string
	User    string
	CSRF    string
	Devices []row
}

var pages = template.Must(template.New("").Parse(`<!doctype html><title>Shop</title>
{{range .Notices}}<p>{{.}}</p>
{{end}}{{if .User}}<p>You are {{.User}}. <a href="/devices">Devices</a>
<form method="post" action="/logout"><input type="hidden" name="csrf" value="{{.CSRF}}"><button>Log out</button></form>
{{else}}<form method="post" action="/login"><input type="hidden" name="csrf" value="{{.CSRF}}">
<input name="name"><input name="password" type="password"><button>Log in</button></form>
{{end}}{{range .Devices}}<form method="post" action="/devices/{{.ID}}/end"><input type="hidden" name="csrf" value="{{$.CSRF}}">
{{.Name}}{{if .This}} (this device){{end}} <button>Log out</button></form>
{{end}}`))

// show answers with a page.
func show(w http.ResponseWriter, r *http.Request, s *session.Session, rows []row) {
	token, messages, err := forPage(r.Context(), s)
	if err != nil {
		http.Error(w, "please try again", session.StatusCode(err))
		return
	}
	p := page{Notices: messages, User: s.Owner(), CSRF: token, Devices: rows}
	var text bytes.Buffer
	if err := pages.Execute(&text, p); err != nil {
		http.Error(w, "please try again", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	_, _ = text.WriteTo(w)
}

func (a *app) home(w http.ResponseWriter, r *http.Request, s *session.Session) { show(w, r, s, nil) }
