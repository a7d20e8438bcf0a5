package binding

import (
	"errors"
	"fmt"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// ErrUnproven says that the session is bound, or has to be, and the request has no live token.
var ErrUnproven = errors.New("session: the session is bound to a device, and the request carries no proof of it")

// ErrUnregistered says that the browser has not registered a key in time. It wraps ErrUnproven.
var ErrUnregistered = fmt.Errorf("%w: the browser has not registered a key in time", ErrUnproven)

// Judge returns nil if a session with these fields may be served to a request with these
// tokens. Browser means that the token of the session came in a cookie, so that the request
// may have been under way since before the registration. A bound session never becomes one
// without a binding.
func Judge(f envelope.Fields, required, browser bool, tokens func() []string) error {
	now, b := records.Now(), f.Binding()
	switch {
	case b.Bound:
		sent := tokens()
		_, proves := newestOf(&b, sent, now)
		switch {
		case proves, browser && !Confirmed(&b) && now.Before(ConfirmBy(&b)):
			return nil
		case len(sent) == 0:
			return fmt.Errorf("%w: it came without the bound token", ErrUnproven)
		}
		return fmt.Errorf("%w: its bound token has expired, or belongs to another session", ErrUnproven)
	case required && b.Pending && !now.Before(b.Until):
		return ErrUnregistered
	}
	return nil
}

// HasLiveToken reports whether the browser of a session with these fields has a token that
// is good. A request without it was under way since before, or is not from that browser.
func HasLiveToken(f envelope.Fields) bool {
	b := f.Binding()
	return b.Bound && Confirmed(&b) && records.Now().Before(b.Until)
}
