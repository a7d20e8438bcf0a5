package admin

import (
	"bytes"
	"embed"
	"html/template"
	"log/slog"
	"net/http"
	"time"
)

//go:embed templates
var templateFiles embed.FS

// views are the templates, each within the layout, by name.
var views = parseViews("overview", "find", "sessions", "session", "keys", "health", "confirm", "error")

func parseViews(names ...string) map[string]*template.Template {
	funcs := template.FuncMap{
		"time":    timeText,
		"iso":     func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"ago":     agoText,
		"age":     func(from, now time.Time) string { return durationText(now.Sub(from)) },
		"bytes":   bytesText,
		"short":   shortID,
		"latency": latencyText,
		"count":   countText,
		"plural":  pluralText,
		"when":    func(t, now time.Time) moment { return moment{t, now} },
	}
	layout := template.Must(template.New("layout.html").Funcs(funcs).ParseFS(templateFiles, "templates/layout.html", "templates/parts.html"))
	all := map[string]*template.Template{}
	for _, name := range names {
		all[name] = template.Must(template.Must(layout.Clone()).ParseFS(templateFiles, "templates/"+name+".html"))
	}
	return all
}

// moment is a time and the present.
type moment struct{ At, Now time.Time }

// view is the data of a template.
type view struct {
	Title    string
	Name     string // of the template
	Operator string
	May      Rights
	Now      time.Time
	Done     string // what was done, after a redirect
	Body     any
}

// render answers a request with a page. It renders into memory first, so that a template
// that fails gives a clean 500.
func (h *handler) render(r *request, status int, name, title string, body any) {
	v := view{Title: title, Name: name, Operator: r.operator, May: r.may, Now: r.now, Body: body}
	if r.Method == http.MethodGet {
		v.Done = done[r.URL.Query().Get("done")]
	}
	var page bytes.Buffer
	if err := views[name].Execute(&page, v); err != nil {
		h.log(r, err)
		http.Error(r.w, "this page is broken; the program's log has the error", http.StatusInternalServerError)
		return
	}
	r.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	r.w.WriteHeader(status)
	_, _ = page.WriteTo(r.w)
}

// fail answers with a page that says what is wrong.
func (h *handler) fail(r *request, status int, title, text string) {
	h.render(r, status, "error", title, pageError{text: text})
}

// log logs an error that an operator has met.
func (h *handler) log(r *request, err error) {
	h.opts.Logger.LogAttrs(r.Context(), slog.LevelError, "admin: a page or an act has failed",
		slog.String("operator", r.operator), slog.String("path", r.URL.Path), slog.Any("error", err))
}
