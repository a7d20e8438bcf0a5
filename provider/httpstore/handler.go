package httpstore

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

// HandlerOptions configure a Handler.
type HandlerOptions struct {
	// Token is what clients have to send: at least 16 characters of ASCII without blanks.
	Token string

	// MoreTokens are accepted as well. To replace a token without an interruption, accept
	// the new one here first, then give it to the clients, and remove the old one last.
	MoreTokens []string

	// NoToken serves everyone who can connect. It is for servers that only the right
	// clients can connect to: by mutual TLS (tls.RequireAndVerifyClientCert), or a Unix
	// socket in a directory that only they may enter.
	NoToken bool

	// MaxBytes limits the Data of a record. A larger one is refused with
	// provider.ErrTooLarge. Zero means 4 MiB.
	MaxBytes int64

	// MaxRequests limits the requests that are served at the same time, each of which may
	// take MaxBytes of memory. One more is answered at once that nothing was saved
	// (provider.ErrNotSaved). As many clients may listen to messages besides. Zero means
	// 1024.
	MaxRequests int
}

const (
	defaultMaxBytes    = 4 << 20
	defaultMaxRequests = 1024
)

type handler struct {
	store    provider.Provider
	tokens   tokens
	maxBytes int64
	places   chan struct{} // full: no more requests
	listens  chan struct{} // full: no more streams of messages
	listings listings

	heartbeat time.Duration
	shutdown  shutdowns
}

// Handler serves a provider to clients made by New, and to others that speak the protocol
// of docs/httpstore.md. It returns an error if the options have no token and do not say
// that none is needed. To serve it below a path, use http.StripPrefix.
//
// It writes no log: the errors of p are reported to the clients, with their text. See the
// documentation of the package for the settings of the http.Server.
func Handler(p provider.Provider, options HandlerOptions) (http.Handler, error) {
	if p == nil {
		return nil, errors.New("httpstore: the Provider of Handler is nil")
	}
	if options.MaxBytes < 0 || options.MaxRequests < 0 {
		return nil, errors.New("httpstore: MaxBytes or MaxRequests of HandlerOptions is negative")
	}
	accepted, err := newTokens(options)
	if err != nil {
		return nil, err
	}
	h := &handler{store: p, tokens: accepted, maxBytes: options.MaxBytes, heartbeat: heartbeat}
	if h.maxBytes == 0 {
		h.maxBytes = defaultMaxBytes
	}
	places := options.MaxRequests
	if places == 0 {
		places = defaultMaxRequests
	}
	h.places, h.listens = make(chan struct{}, places), make(chan struct{}, places)
	return h, nil
}

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set(headerProtocol, protocolVersion)
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	if f := h.serve(w, r); f != nil {
		f.write(w)
	}
}

// serve serves a request of a client that has a token and for which there is a place.
func (h *handler) serve(w http.ResponseWriter, r *http.Request) *failure {
	if !h.tokens.admit(r) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		return refusal(kindUnauthorized, "")
	}
	places := h.places
	if r.Method == http.MethodGet && r.URL.EscapedPath() == messagesPath {
		places = h.listens
	}
	select {
	case places <- struct{}{}:
		defer func() { <-places }()
	default:
		w.Header().Set("Retry-After", "1")
		return &failure{kind: kindBusy, outcome: outcomeNotSaved, detail: "the limit is MaxRequests of httpstore.HandlerOptions"}
	}
	ctx, cancel, f := deadline(r)
	if f != nil {
		return f
	}
	defer cancel()
	return h.route(w, r.WithContext(ctx))
}

// deadline returns a context that ends when the client no longer waits.
func deadline(r *http.Request) (context.Context, context.CancelFunc, *failure) {
	text := r.Header.Get(headerTimeout)
	if text == "" {
		return r.Context(), func() {}, nil
	}
	ms, err := parseInt(text)
	if err != nil || ms < 1 {
		return nil, nil, refusal(kindBadRequest, headerTimeout+" is not a positive number of milliseconds")
	}
	const longest = 24 * time.Hour
	ctx, cancel := context.WithTimeout(r.Context(), min(time.Duration(min(ms, longest.Milliseconds()))*time.Millisecond, longest))
	return ctx, cancel, nil
}

// route does not use http.ServeMux, which redirects to normalized paths.
func (h *handler) route(w http.ResponseWriter, r *http.Request) *failure {
	path := r.URL.EscapedPath()
	segment, one := strings.CutPrefix(path, recordsPath+"/")
	switch {
	case path == recordsPath:
		return h.list(w, r)
	case path == messagesPath:
		return h.messages(w, r)
	case !one:
		return refusal(kindNoSuchPath, "this server has version "+protocolVersion+" of the protocol, at "+recordsPath)
	}
	id, err := decodeID(segment)
	if err != nil {
		return refusal(kindBadRequest, "the ID in the path is not in base64url without padding")
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return h.fetch(w, r, id)
	case http.MethodPut:
		return h.save(w, r, id)
	case http.MethodDelete:
		return h.delete(w, r, id)
	}
	w.Header().Set("Allow", "GET, HEAD, PUT, DELETE")
	return refusal(kindNoMethod, "")
}
