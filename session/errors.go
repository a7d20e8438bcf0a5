package session

import (
	"errors"
	"net/http"

	"github.com/holdfast-go/holdfast/session/internal/binding"
	"github.com/holdfast-go/holdfast/session/internal/owners"
	"github.com/holdfast-go/holdfast/session/internal/records"
	"github.com/holdfast-go/holdfast/session/internal/txn"
)

// The errors of Load, Save and Update, and of the commits that are passed to
// ErrorHandler. Match them with errors.Is. The text of a returned error has more details,
// such as the key.
var (
	// ErrConflict: a parallel request changed data that this one had read, by the rules of
	// the isolation level. Nothing was saved. The message names the key.
	ErrConflict = txn.ErrConflict

	// ErrEnded: the session was destroyed or renewed, or has expired, since the request
	// loaded it or up to 30 seconds before. Nothing was saved, and the session is not
	// created again. The visitor has to reload the page: the browser then sends the cookie
	// of the new session, or may begin one. For Manager.Revoke it means that there is no
	// session of that public ID, and nothing was ended.
	ErrEnded = records.ErrEnded

	// ErrUnavailable: the provider failed. Nothing was saved, but see
	// ErrOutcomeUnknown.
	ErrUnavailable = records.ErrUnavailable

	// ErrOutcomeUnknown: the provider failed during a save, and reading back did not show
	// whether the change was saved. The save will not be repeated. ErrOutcomeUnknown wraps
	// ErrUnavailable. If the provider is certain that nothing was saved
	// (provider.ErrNotSaved), the error is plain ErrUnavailable.
	ErrOutcomeUnknown = records.ErrOutcomeUnknown

	// ErrUnreadable: this Manager cannot read the stored record. It is damaged, encrypted
	// with a key that is not available, or written by a later version of this package. The
	// record is left as it is. Manager.ClearCookie gives the visitor a new session.
	ErrUnreadable = records.ErrUnreadable

	// ErrUnproven: the session is bound to a device (Config.DeviceBinding), and the request
	// carries no proof that it comes from that device. The load fails with it if the browser
	// said that it cannot prove that now, because its refresh of the bound cookie has failed or
	// because it has proven too often. The visitor should try again later. Any other such
	// request gets an empty session. Its commit fails with ErrUnproven if it would begin another
	// session by a change without Renew, while the browser holds a bound cookie that is good:
	// the cookie of the new session would replace that of the bound one.
	ErrUnproven = binding.ErrUnproven

	// ErrTooLarge: the session is larger than Config.MaxSize or the provider's limit. The
	// stored session is unchanged.
	ErrTooLarge = records.ErrTooLarge

	// ErrTooManySessions: the owner has Config.OwnerLimit sessions and OwnerLimitRefuses is
	// set, or the list of the sessions of the owner or of a label is full, which the message
	// says. Nothing was saved.
	ErrTooManySessions = owners.ErrTooManySessions

	// ErrNotListed: the session of the request belongs to the owner, but is missing in the
	// store's list of the owner's sessions. The store has lost the list, or has restored an
	// old one. The listed sessions were ended. Others may live. Each is listed again when it
	// is used after Config.TouchInterval, so repeat Manager.RevokeAll then, and make sure
	// that the store evicts nothing.
	ErrNotListed = owners.ErrNotListed

	// ErrEncode: a value cannot be encoded, or Get could not return the encoded value. The
	// message names the key and the type. Nothing was saved.
	ErrEncode = txn.ErrEncode

	// ErrHeaderSent: the session needs a cookie, but the response's header has
	// been sent. Nothing was saved.
	ErrHeaderSent = txn.ErrHeaderSent

	// ErrRequestDone: the request is over, and some of its changes were dropped. They were
	// pending when it ended, because its response was an error or its handler panicked; or
	// they came later, from a handler that http.TimeoutHandler has given up or from a
	// goroutine of the request. Save and Update of that Session return it from then on, so
	// that no code assumes that the changes were saved. The message names the cause. Use
	// Manager.Update with the session's public ID in such code.
	ErrRequestDone = txn.ErrRequestDone

	// ErrNoHandler: the context does not belong to a request that Manager.Handler,
	// HandlerFunc or Replay has passed on. It may belong to the outer request, as in a
	// framework that does not pass on the net/http request: see "Routers and frameworks" in
	// the documentation of the package.
	ErrNoHandler = errors.New("session: no session in this context: wrap the handler in Manager.Handler, and load with the context of the request that the handler was given (gin, echo, fiber: see \"Routers and frameworks\" in the documentation of package session)")
)

// StatusCode returns the HTTP status that fits an error of this package: 409 for
// ErrConflict, ErrEnded and ErrTooManySessions, 503 for ErrUnavailable (and so
// ErrOutcomeUnknown), ErrUnreadable and ErrUnproven, 500 for any other error.
func StatusCode(err error) int {
	switch {
	case errors.Is(err, ErrConflict), errors.Is(err, ErrEnded), errors.Is(err, ErrTooManySessions):
		return http.StatusConflict
	case errors.Is(err, ErrUnavailable), errors.Is(err, ErrUnreadable), errors.Is(err, ErrUnproven):
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}
