package session

import "net/http"

// Unwrap commits the sessions of the request that w answers, puts their cookies into the
// header, and returns the server's own ResponseWriter below w. It is for a library that
// asserts interfaces of that writer and would panic on w, such as the Upgrade of
// WebTransport over HTTP/3. [http.ResponseController] needs no Unwrap.
//
// If a commit fails, Unwrap returns the error, and ErrorHandler or another run of the
// handler answers after the handler has returned. After Unwrap the header counts as sent:
// changes are still committed, but a new session gets no cookie. Unwrap returns
// ErrNoHandler if w wraps no writer of a Manager. Every wrapper in between must implement
// Unwrap, as for http.ResponseController.
func Unwrap(w http.ResponseWriter) (http.ResponseWriter, error) {
	found := false
	for {
		if rw, ok := w.(*responseWriter); ok {
			if err := rw.begin(http.StatusOK); err != nil {
				return nil, err
			}
			rw.markHeaderSent()
			found = true
		}
		outer, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			break
		}
		w = outer.Unwrap()
	}
	if !found {
		return nil, ErrNoHandler
	}
	return w, nil
}
