package fiberholdfast

import (
	"errors"
	"net/http"

	"github.com/gofiber/fiber/v3"

	"github.com/holdfast-go/holdfast/session"
)

// ErrorHandler makes the app's ErrorHandler answer a request whose session could not be
// loaded or committed, so that it looks like the other errors of the app. It is for
// session.Config.ErrorHandler. The error contains a [fiber.Error] with the status of
// [session.StatusCode], such as 409 for a conflict, and the error of package session, for
// errors.As and errors.Is. ErrorHandler logs nothing. A request that is not in a function
// of this package is answered with a plain text.
func ErrorHandler(w http.ResponseWriter, _ *http.Request, err error) {
	w.Header().Set("Cache-Control", "no-store")
	status := session.StatusCode(err)
	res, ok := w.(*response)
	if !ok {
		http.Error(w, http.StatusText(status), status)
		return
	}
	res.WriteHeader(status)
	answer(res.c, &statusError{fiber.NewError(status), err})
}

// statusError is an error of package session with its status. Its text is that of the
// status, because fiber's default ErrorHandler shows it to the visitor.
type statusError struct {
	http  *fiber.Error
	cause error
}

// Error implements error.
func (e *statusError) Error() string { return e.http.Message }

// Unwrap makes errors.As find the *fiber.Error, as ErrorHandlers do, and errors.Is the
// cause.
func (e *statusError) Unwrap() []error { return []error{e.http, e.cause} }

// withStatus gives an error of package session the status that fits it. An error that has
// one, and an error whose status is 500, stay as they are.
func withStatus(err error) error {
	var has *fiber.Error
	if err == nil || errors.As(err, &has) {
		return err
	}
	if status := session.StatusCode(err); status != http.StatusInternalServerError {
		return &statusError{fiber.NewError(status), err}
	}
	return err
}
