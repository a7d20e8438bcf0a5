package shop

import (
	"html/template"
	"io"
)

// Page is what a page shows.
type Page struct {
	User     string // "" if nobody is signed in
	Basket   map[string]int
	Items    []string
	Messages []string
}

// Render writes the page as HTML.
func (p Page) Render(w io.Writer) error { return Template.Execute(w, p) }

// Template is the template of a Page.
var Template = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en">
<title>Shop</title>
{{range .Messages}}<p role="status">{{.}}</p>
{{end}}{{if .User}}<p>Signed in as {{.User}}</p>
<form method="post" action="/logout"><button>Sign out</button></form>
<ul>
{{range $item, $n := .Basket}}<li>{{$n}} × {{$item}}</li>
{{end}}</ul>
{{range .Items}}<form method="post" action="/basket/{{.}}"><button>Add {{.}}</button></form>
{{end}}{{else}}<form method="post" action="/login">
<p>Sign in as ada with the password engine.</p>
<input name="name" placeholder="Name" autocomplete="username">
<input name="password" type="password" placeholder="Password" autocomplete="current-password">
<button>Sign in</button>
</form>
{{end}}</html>
`))
