package httpstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
)

var (
	errNotFound = fmt.Errorf("httpstore: %w", provider.ErrNotFound)
	errConflict = fmt.Errorf("httpstore: %w", provider.ErrVersionConflict)
	errGarbled  = fmt.Errorf("httpstore: %w", errUnreadable)

	errUnreadable = errors.New("the answer cannot be read; is there a server of Holdfast's protocol at the URL?")
)

// explain returns the error of a call that has got no answer. What was not sent has
// certainly changed nothing.
func explain(ctx context.Context, err error, sent bool) error {
	over := ended(ctx, err)
	if over == nil && isForeign(ctx, err) {
		err = errForeign
	}
	reason := discreet(err)
	explained := fmt.Errorf("httpstore: %w", reason)
	if over != nil && !errors.Is(reason, over) {
		explained = fmt.Errorf("httpstore: %w: %w", over, reason)
	}
	switch {
	case sent:
		return explained
	case over != nil:
		return outcome.Refused(explained)
	default:
		return outcome.NotSaved(explained)
	}
}

// errForeign is in place of the error of another call's context. If a call is cancelled
// at the moment when its answer arrives, net/http closes the connection when the next
// call may be using it already, and returns the error of the first one to it.
var errForeign = errors.New("the connection was closed at the end of another call over it")

// isForeign reports whether err is the error of another call's context.
func isForeign(ctx context.Context, err error) bool {
	return ctx.Err() == nil && (err == context.Canceled || err == context.DeadlineExceeded)
}

// ended returns the error of ctx if it has ended. A connection may notice a deadline
// before the context does.
func ended(ctx context.Context, err error) error {
	if over := ctx.Err(); over != nil {
		return over
	}
	deadline, bounded := ctx.Deadline()
	if bounded && errors.Is(err, context.DeadlineExceeded) && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return nil
}

// discreet returns err, or another one in its place if net/http or net/textproto quote a
// response that they cannot read: that may be a part of a record.
func discreet(err error) error {
	text := err.Error()
	switch {
	case strings.ContainsAny(text, "\"\n\r") || strings.Contains(text, "malformed"):
		return errUnreadable
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the connection was closed before the answer was complete: %w", err)
	}
	return err
}

// checkProtocol returns an error for a response that is not of a server of the protocol,
// but of a proxy or of another program.
func checkProtocol(resp *http.Response) error {
	switch got := resp.Header.Get(headerProtocol); {
	case got == protocolVersion:
		return nil
	case got != "":
		return outcome.Refused(errors.New("httpstore: the server speaks another version of the protocol than this client's, which is " + protocolVersion + "; update the older one"))
	}
	err := errors.New("httpstore: " + foreign(resp.StatusCode))
	switch resp.StatusCode {
	case http.StatusRequestEntityTooLarge:
		return fmt.Errorf("%w: %w", err, provider.ErrTooLarge)
	case http.StatusTooManyRequests:
		return outcome.NotSaved(err)
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect,
		http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed:
		return outcome.Refused(err)
	default: // a proxy may have passed the request on
		return err
	}
}

// foreign says what to do about a response that is not of a server of the protocol.
func foreign(status int) string {
	answer := fmt.Sprintf("not the server but something before it, or another program, answers %d", status)
	switch {
	case status >= 300 && status < 400:
		return answer + ", a redirect, which is not followed; use the URL that it leads to"
	case status == http.StatusRequestEntityTooLarge:
		return answer + "; raise the proxy's limit of a body (nginx: client_max_body_size)"
	case status == http.StatusNotFound:
		return answer + "; check the URL's host and path"
	}
	return answer
}

// conflict returns the error of an answer of kindConflict.
func (a *answer) conflict(id string) error {
	switch a.header.Get(headerCurrent) {
	case currentNone:
		return fmt.Errorf("httpstore: %w", &provider.ConflictError{})
	case currentRecord:
		if rec, err := parseRecord(a.header, id, a.body); err == nil {
			return fmt.Errorf("httpstore: %w", &provider.ConflictError{Current: rec})
		}
	}
	return errConflict
}

// failure returns the error of an answer that is none of success.
func (a *answer) failure(id string) error {
	k, known := kindsByName[a.kind]
	if !known && a.status < http.StatusBadRequest {
		return errGarbled
	}
	switch k.err {
	case provider.ErrNotFound:
		return errNotFound
	case provider.ErrVersionConflict:
		return errConflict
	}
	return a.mark(a.describe(k, id))
}

// describe returns an error that wraps that of the kind and has the server's own text.
func (a *answer) describe(k kind, id string) error {
	detail := a.detail(id)
	switch {
	case k.name == kindUnauthorized.name:
		return errors.New("httpstore: the server does not accept the token; give the client one that the server has")
	case k.err != nil && detail != "":
		return fmt.Errorf("httpstore: %w; the server says: %s", k.err, detail)
	case k.err != nil:
		return fmt.Errorf("httpstore: %w", k.err)
	case detail != "":
		return errors.New("httpstore: the server says: " + detail)
	}
	return fmt.Errorf("httpstore: the server answers %d", a.status)
}

// mark adds what the server says about the outcome of a change.
func (a *answer) mark(err error) error {
	switch a.header.Get(headerOutcome) {
	case outcomeRefused:
		return outcome.Refused(err)
	case outcomeNotSaved:
		return outcome.NotSaved(err)
	default:
		return err
	}
}

// problemKind returns the kind of the problem in the body, or "".
func (a *answer) problemKind() string {
	var p problem
	if json.Unmarshal(a.body, &p) != nil {
		return ""
	}
	return p.Kind
}

const maxDetail = 1000

// detail returns the text of the problem in the body, or "". A server must not put an ID
// into it; one that does is not quoted.
func (a *answer) detail(id string) string {
	var p problem
	if len(a.body) > 16*maxDetail || json.Unmarshal(a.body, &p) != nil || len(p.Detail) > maxDetail {
		return ""
	}
	if id != "" && strings.Contains(p.Detail, id) || strings.ContainsFunc(p.Detail, unicode.IsControl) {
		return ""
	}
	return p.Detail
}
