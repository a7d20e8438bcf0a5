package session

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/binding"
)

// RequireProof returns a handler that serves a request by next if the browser has proven
// within maxAge that it has the key of its session, and by unproven if the session is not
// bound. If the last proof is older, it clears the bound cookie and redirects to the same
// URL, with the same method and body: the browser then proves its key before it sends the
// request again. A client with copied cookies gets no further, although the bound cookie
// that it has copied has not expired yet. Use it for what a thief wants most, such as a
// change of the password or a payment; browsers limit proofs to a few in ten minutes.
//
// If unproven is nil, it answers 403, or 503 as long as the browser may still bind the
// session. RequireProof panics if maxAge is under ten seconds,
// in which a slow browser may not be able to send the request again.
func (m *Manager) RequireProof(maxAge time.Duration, next, unproven http.Handler) http.Handler {
	m.check()
	if maxAge < 10*time.Second {
		panic("session: RequireProof needs a maxAge of ten seconds or more")
	}
	return m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := m.loadOrFail(r)
		if s == nil {
			return
		}
		b := s.Binding()
		if m.binder == nil { // nobody can prove anything
			b = Binding{}
		}
		switch {
		case b.State != BindingBound && unproven != nil:
			unproven.ServeHTTP(w, r)
		case b.State == BindingPending:
			w.Header().Set("Retry-After", "2")
			http.Error(w, "Your browser is about to bind your session to your device. Please try again in a moment.", http.StatusServiceUnavailable)
		case b.State != BindingBound:
			http.Error(w, "This needs a session that is bound to your device. Please sign in again with a browser that supports it.", http.StatusForbidden)
		case time.Since(b.ProvenAt) <= maxAge && s.hasNewestToken():
			next.ServeHTTP(w, r)
		default:
			putCookie(w.Header(), m.cfg.Cookie.bound().expired(), nil)
			w.Header().Set("Location", sameURL(r)) // http.Redirect would change the path
			w.WriteHeader(http.StatusTemporaryRedirect)
		}
	}))
}

// hasNewestToken reports whether the request came with the token for which the browser has
// made its last proof. An earlier one may still be good, and may be a copy.
func (s *Session) hasNewestToken() bool {
	b := s.transaction().Base().Fields.Binding()
	return binding.IsNewest(&b, s.req.boundTokens())
}

// sameURL returns the URL of r as its client sees it, without the scheme and host.
func sameURL(r *http.Request) string {
	uri := r.URL.RequestURI()
	if u, err := url.ParseRequestURI(r.RequestURI); err == nil { // as it was before a StripPrefix
		uri = u.RequestURI()
	}
	if strings.HasPrefix(uri, "//") { // else the browser would take what follows for a host
		return "/." + uri
	}
	return uri
}
