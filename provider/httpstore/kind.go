package httpstore

import (
	"context"
	"errors"
	"net/http"

	"github.com/holdfast-go/holdfast/provider"
)

// A kind is a kind of error, as the header Holdfast-Error names it.
type kind struct {
	name   string
	status int
	title  string
	err    error // what the client's error wraps; nil: nothing
}

// These kinds are errors of the store, in the order in which they are looked for.
var (
	kindNotFound       = kind{"not-found", http.StatusNotFound, "There is no such record.", provider.ErrNotFound}
	kindConflict       = kind{"conflict", http.StatusPreconditionFailed, "The stored record has another version.", provider.ErrVersionConflict}
	kindInvalid        = kind{"invalid-record", http.StatusBadRequest, "The record is invalid.", provider.ErrInvalidRecord}
	kindTooLarge       = kind{"too-large", http.StatusRequestEntityTooLarge, "The record is too large.", provider.ErrTooLarge}
	kindFull           = kind{"full", http.StatusInsufficientStorage, "The store is full.", provider.ErrFull}
	kindUnreadable     = kind{"unreadable", http.StatusInternalServerError, "The stored record cannot be read.", provider.ErrUnreadable}
	kindUnsupported    = kind{"unsupported", http.StatusNotImplemented, "The store cannot do that.", errors.ErrUnsupported}
	kindInvalidMessage = kind{"invalid-message", http.StatusBadRequest, "The message is invalid.", provider.ErrInvalidMessage}
	kindTimeout        = kind{"timeout", http.StatusGatewayTimeout, "The time that the client gave is over.", context.DeadlineExceeded}
	kindFailed         = kind{"failed", http.StatusInternalServerError, "The store has failed.", nil}
)

// These kinds are errors of the server itself.
var (
	kindBadRequest   = kind{"bad-request", http.StatusBadRequest, "The request is not one of this protocol.", nil}
	kindUnauthorized = kind{"unauthorized", http.StatusUnauthorized, "The token is missing or wrong.", nil}
	kindBusy         = kind{"busy", http.StatusServiceUnavailable, "The server has too many requests at the same time.", nil}
	kindNoSuchPath   = kind{"no-such-path", http.StatusNotFound, "There is nothing at this path.", nil}
	kindNoMethod     = kind{"method-not-allowed", http.StatusMethodNotAllowed, "The path does not support this method.", nil}
	kindCursorGone   = kind{"cursor-gone", http.StatusGone, "The listing of this cursor is no longer there.", errCursorGone}
)

var errCursorGone = errors.New("the cursor is gone")

var storeKinds = []kind{
	kindNotFound, kindConflict, kindInvalid, kindTooLarge, kindFull, kindUnreadable, kindUnsupported, kindInvalidMessage, kindTimeout,
}

// kindsByName are those that a client distinguishes.
var kindsByName = byName(storeKinds, kindFailed, kindBadRequest, kindUnauthorized, kindBusy, kindNoSuchPath, kindNoMethod, kindCursorGone)

func byName(kinds []kind, more ...kind) map[string]kind {
	names := make(map[string]kind)
	for _, k := range append(kinds, more...) {
		names[k.name] = k
	}
	return names
}

// kindOf returns the kind of a store's error.
func kindOf(err error) kind {
	for _, k := range storeKinds {
		if errors.Is(err, k.err) {
			return k
		}
	}
	return kindFailed
}

// outcomeOf returns the header Holdfast-Outcome of a store's error.
func outcomeOf(err error) string {
	switch {
	case errors.Is(err, provider.ErrRefused):
		return outcomeRefused
	case errors.Is(err, provider.ErrNotSaved):
		return outcomeNotSaved
	default:
		return ""
	}
}
