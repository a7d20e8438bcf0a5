package main

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"fmt"
	"html/template"
	"log"
	"net/http"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

//go:embed templates static
var files embed.FS

// pages are the templates, each within the layout, by name.
type pages map[string]*template.Template

// page is the data of the templates.
type page struct {
	Title   string
	User    string // who is signed in
	Admin   bool   // the user may administer the shop
	Flash   string
	Problem string
	Gone    bool   // the problem is a cookie of a session that has ended
	Name    string // what was typed into a form that has to be typed again

	Devices []signedInDevice // where the user is signed in
	Stolen  *theft           // nil: no cookies were copied

	Session  facts
	Visits   int
	Products []product
	Basket   []line
	Total    int // cents
}

// facts are the properties of a session that the pages show.
type facts struct {
	PublicID         string
	Created, Expires time.Time
}

func parsePages() pages {
	funcs := template.FuncMap{
		"money":  func(cents int) string { return fmt.Sprintf("%d.%02d", cents/100, cents%100) },
		"clock":  func(t time.Time) string { return t.Local().Format("2 Jan 2006, 15:04:05") },
		"minute": func(t time.Time) string { return t.Local().Format("2 Jan 2006, 15:04") },
	}
	layout := template.Must(template.New("layout.html").Funcs(funcs).ParseFS(files, "templates/layout.html"))
	all := pages{}
	for _, name := range []string{"home", "signin", "signup", "account", "error"} {
		all[name] = template.Must(template.Must(layout.Clone()).ParseFS(files, "templates/"+name+".html"))
	}
	return all
}

// write renders into memory first, so that a template that fails gives a clean 500.
func (all pages) write(w http.ResponseWriter, status int, name string, p page) {
	var body bytes.Buffer
	if err := all[name].Execute(&body, p); err != nil {
		log.Printf("page %s: %v", name, err)
		http.Error(w, "this page is broken", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store") // pages show who is signed in
	w.WriteHeader(status)
	_, _ = body.WriteTo(w)
}

// render writes a page with the session data that every page shows.
func (s *shop) render(w http.ResponseWriter, sess *session.Session, status int, name string, p page) {
	p.User = s.signedIn(sess)
	p.Admin = p.User != "" && s.users.isFirst(sess.Owner())
	if p.Flash == "" {
		p.Flash, _ = flash.Pop(sess)
	}
	p.Session = facts{sess.PublicID(), sess.CreatedAt(), sess.ExpiresAt()}
	s.pages.write(w, status, name, p)
}

// static serves the style sheet, the script and the icons. Embedded files have no
// modification times, so browsers compare a hash.
func static() http.Handler {
	server := http.FileServerFS(files)
	tags := map[string]string{}
	entries, err := files.ReadDir("static")
	if err != nil {
		panic(err)
	}
	for _, entry := range entries {
		data, err := files.ReadFile("static/" + entry.Name())
		if err != nil {
			panic(err)
		}
		tags[entry.Name()] = fmt.Sprintf(`"%x"`, sha256.Sum256(data))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if tag, ok := tags[r.PathValue("file")]; ok {
			w.Header().Set("ETag", tag)
			w.Header().Set("Cache-Control", "no-cache") // ask whether it has changed
		}
		server.ServeHTTP(w, r)
	})
}
