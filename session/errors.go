package session

import (
	"errors"
	"net/http"

	"github.com/holdfast-go/holdfast/session/internal/owners"
	"github.com/holdfast-go/holdfast/session/internal/records"
	"github.com/holdfast-go/holdfast/session/internal/txn"
)

// The errors of Load, Save and Update, and of the commits that ErrorHandler
// gets to see. Match them with errors.Is; the text of what is returned says
// more, such as the key.
var (
	// ErrConflict: a parallel request changed what this one had read, as the
	// isolation level counts it. Nothing was saved. The message names the key.
	ErrConflict = txn.ErrConflict

	// ErrEnded: the session was destroyed or renewed, or has expired, since the
	// request loaded it, or up to 30 seconds before. Nothing was saved, and the
	// session is not made anew. The visitor has to load the page again: the browser
	// then sends the cookie of the new session, or may begin one.
	// Of Manager.Revoke: there is no session of that public ID, and nothing was ended.
	ErrEnded = records.ErrEnded

	// ErrUnavailable: the provider failed. Nothing was saved, but see
	// ErrOutcomeUnknown.
	ErrUnavailable = records.ErrUnavailable

	// ErrOutcomeUnknown: the provider failed in the middle of a save, and
	// reading back did not tell either: the change may have landed or not. It
	// will not be repeated. It wraps ErrUnavailable. Where the provider is certain
	// that nothing was saved (provider.ErrNotSaved), the error is not this one.
	ErrOutcomeUnknown = records.ErrOutcomeUnknown

	// ErrUnreadable: the stored record is not one that this Manager can read: it
	// is damaged, sealed by a key that is not there, or of a later version of this
	// package. It is left as it is. Manager.ClearCookie lets the visitor start over.
	ErrUnreadable = records.ErrUnreadable

	// ErrTooLarge: the session is over Config.MaxSize or the provider's limit.
	// What was stored stays.
	ErrTooLarge = records.ErrTooLarge

	// ErrTooManySessions: the owner has as many sessions as Config.OwnerLimit,
	// and OwnerLimitRefuses is set; or as many as can be listed, which the message
	// says. Nothing was saved.
	ErrTooManySessions = owners.ErrTooManySessions

	// ErrNotListed: the session of the request is its owner's, and the store does not
	// list it as such. It has lost the list of the owner's sessions, or an old one has
	// come back. Those that it does list were ended. Others may live: each is listed
	// again when it is next used after Config.TouchInterval, so repeat
	// Manager.RevokeAll then, and see that the store evicts nothing.
	ErrNotListed = owners.ErrNotListed

	// ErrEncode: a value cannot be encoded, or Get could not return what is
	// encoded. The message names the key and the type. Nothing was saved.
	ErrEncode = txn.ErrEncode

	// ErrHeaderSent: the session needs a cookie, but the response's header has
	// been sent. Nothing was saved.
	ErrHeaderSent = txn.ErrHeaderSent

	// ErrRequestDone: the request is over, and changes of it were dropped. They were
	// pending when it ended, because its response was an error or its handler
	// panicked; or they came later, from a handler that http.TimeoutHandler has given
	// up or from a goroutine of the request. Save and Update of that Session return it
	// from then on, so that nothing goes on as if they had been saved. The message
	// names the cause. Use Manager.Update with the session's public ID from there.
	ErrRequestDone = txn.ErrRequestDone

	// ErrNoHandler: the context is not that of a request that Manager.Handler,
	// HandlerFunc or Replay has passed on. It may be that of the request around,
	// as in a framework that hands on no net/http request: see "Routers and
	// frameworks" in the documentation of the package.
	ErrNoHandler = errors.New("session: no session in this context: wrap the handler in Manager.Handler, and load with the context of the request that the handler was given (gin, echo, fiber: see \"Routers and frameworks\" in the documentation of package session)")
)

// StatusCode returns the HTTP status that fits an error of this package: 409
// for ErrConflict, ErrEnded and ErrTooManySessions, 503 for ErrUnavailable and
// ErrUnreadable, else 500.
func StatusCode(err error) int {
	switch {
	case errors.Is(err, ErrConflict), errors.Is(err, ErrEnded), errors.Is(err, ErrTooManySessions):
		return http.StatusConflict
	case errors.Is(err, ErrUnavailable), errors.Is(err, ErrUnreadable):
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}
