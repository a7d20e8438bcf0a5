package admin

import (
	"context"
	"log/slog"
	"net/http"
	"path"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// Options configure a Handler. The zero Options show nothing to anybody.
type Options struct {
	// Authorize returns who sends a request, and what this operator may do. The name appears
	// on the pages and in the audit log. An operator without a name has no rights. It is
	// called for each request, and must not write a response. Default nil: nobody has a
	// right.
	Authorize func(*http.Request) (operator string, may Rights)

	// Audit is called before each act is carried out: before sessions are ended, values are
	// shown or a key is added. If it returns an error, the act is not carried out, and the
	// answer is 500. An act that Audit was told of may still fail, which is logged. Default
	// nil: the act is logged at level Info.
	Audit func(context.Context, Entry) error

	// Stats are the figures of the last hour; its Observe must be called for the events of
	// the Manager. Default nil: the pages show none.
	Stats *Stats

	// Logger receives errors that an operator sees in short, and acts if there is no Audit.
	// Default slog.Default().
	Logger *slog.Logger
}

// handler implements Handler.
type handler struct {
	m        *session.Manager
	opts     Options
	estimate estimator
	listings listings
}

// maxBody is the maximum size of a form in bytes.
const maxBody = 64 << 10

// Handler returns the operator's pages for the sessions of m. Mount it at any path that ends
// with a slash, with or without http.StripPrefix: its links are relative, and of the path of
// a request only what follows the last slash counts. Handler panics if m is nil.
func Handler(m *session.Manager, o Options) http.Handler {
	if m == nil {
		panic("admin: Handler of a nil *session.Manager; look at the error of session.New")
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	h := &handler{m: m, opts: o}
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(h.refuseCrossOrigin))
	pages := guard.Handler(http.HandlerFunc(h.serve))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secureHeaders(w.Header())
		if serveAsset(w, r) {
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		pages.ServeHTTP(w, r)
	})
}

// policy admits the style sheet and the icon of this package, and no script.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func secureHeaders(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "same-origin") // "no-referrer" would make the Origin of forms null
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY") // for browsers without frame-ancestors
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// request is a request of an operator with the right to view.
type request struct {
	*http.Request
	w        http.ResponseWriter
	operator string
	may      Rights
	now      time.Time
}

// pages are the pages by the last segment of their path. An act has a page of its own,
// which asks for a confirmation by GET and carries it out by POST.
var pages = map[string]func(*handler, *request){
	"":         (*handler).overview,
	"find":     (*handler).find,
	"sessions": (*handler).sessions,
	"session":  (*handler).session,
	"keys":     (*handler).keys,
	"health":   (*handler).health,
}

func (h *handler) serve(w http.ResponseWriter, r *http.Request) {
	req := &request{Request: r, w: w, now: time.Now()}
	if h.opts.Authorize != nil {
		req.operator, req.may = h.opts.Authorize(r)
	}
	if req.operator == "" || !req.may.View {
		h.fail(req, http.StatusForbidden, "No access", "You may not see this page. Options.Authorize of the program decides who may.")
		return
	}
	_, name := path.Split(r.URL.Path)
	if show, ok := pages[name]; ok {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.refuseMethod(req, "GET, HEAD")
			return
		}
		show(h, req)
		return
	}
	if act, ok := acts[name]; ok {
		h.act(req, act)
		return
	}
	h.fail(req, http.StatusNotFound, "Not found", "There is no such page.")
}

func (h *handler) refuseMethod(r *request, allowed string) {
	r.w.Header().Set("Allow", allowed)
	h.fail(r, http.StatusMethodNotAllowed, "Not allowed", "This page does not take "+r.Method+".")
}

func (h *handler) refuseCrossOrigin(w http.ResponseWriter, r *http.Request) {
	h.fail(&request{Request: r, w: w, now: time.Now()}, http.StatusForbidden, "Refused",
		"This form was sent by a page of another site. Nothing was done.")
}
