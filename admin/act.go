package admin

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// actTime limits an act. It goes on if the operator's browser disconnects.
const actTime = 25 * time.Second

// act is something that an operator does, after a confirmation.
type act struct {
	action Action

	// target fills e with the target that the form or the query names, and returns what the
	// page says about it. An error is shown, and nothing is done.
	target func(*handler, *request, *Entry) (*confirmation, error)

	// carryOut does it.
	carryOut func(context.Context, *handler, Entry) error

	// after is the relative URL of the page that follows. If it is nil, the answer of the
	// POST is a page itself, by show.
	after func(Entry) string
	show  func(*handler, *request, Entry)
}

// confirmation is what the page says before an act.
type confirmation struct {
	Title   string
	Text    []string
	Button  string
	Word    string            // the operator has to type it; "": not asked for
	Fields  map[string]string // hidden fields of the form, which name the target
	Back    string            // relative URL
	Blocked string            // why the act cannot be carried out; "": it can
}

// acts are the acts by the last segment of their path.
var acts = map[string]act{
	"values":             {ActionShowValues, valuesTarget, nothing, nil, (*handler).showValues},
	"end-session":        {ActionEndSession, sessionTarget, endSession, afterSession, nil},
	"end-owner":          {ActionEndOwner, ownerTarget, endOwner, afterOwner, nil},
	"end-label":          {ActionEndLabel, labelTarget, endLabel, afterLabel, nil},
	"end-all":            {ActionEndAll, allTarget, endAll, func(Entry) string { return "./?done=ended-all" }, nil},
	"rotate-signing-key": {ActionRotateKeys, keyTarget, rotateKey, func(Entry) string { return "keys?done=rotated" }, nil},
}

// act asks for a confirmation by GET, and acts by POST.
func (h *handler) act(r *request, a act) {
	if !r.may.allow(a.action) {
		h.fail(r, http.StatusForbidden, "No right to do this", "Your rights do not include this. Nothing was done.")
		return
	}
	e := Entry{Operator: r.operator, Action: a.action}
	c, err := a.target(h, r, &e)
	switch {
	case err != nil:
		h.failErr(r, err)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		h.render(r, http.StatusOK, "confirm", c.Title, c)
	case r.Method != http.MethodPost:
		h.refuseMethod(r, "GET, HEAD, POST")
	case c.Blocked != "":
		h.fail(r, http.StatusConflict, c.Title, c.Blocked)
	case c.Word != "" && r.PostFormValue("word") != c.Word:
		h.fail(r, http.StatusUnprocessableEntity, c.Title, "The word that confirms this was not typed as asked. Nothing was done.")
	default:
		h.carryOut(r, a, e)
	}
}

func (h *handler) carryOut(r *request, a act, e Entry) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), actTime)
	defer cancel()
	if err := h.audit(ctx, e); err != nil {
		h.log(r, err)
		h.fail(r, http.StatusInternalServerError, "Nothing was done", "The audit log could not be written, and nothing is done without it. The program's log has the error.")
		return
	}
	if err := a.carryOut(ctx, h, e); err != nil {
		h.failErr(r, err)
		return
	}
	if a.after == nil {
		a.show(h, r, e)
		return
	}
	r.w.Header().Set("Location", a.after(e)) // relative, which http.Redirect would make absolute
	r.w.WriteHeader(http.StatusSeeOther)
}

func nothing(context.Context, *handler, Entry) error { return nil }

func endSession(ctx context.Context, h *handler, e Entry) error { return h.m.Revoke(ctx, e.PublicID) }

func endOwner(ctx context.Context, h *handler, e Entry) error { return h.m.RevokeAll(ctx, e.Owner) }

func endLabel(ctx context.Context, h *handler, e Entry) error {
	return h.m.RevokeBy(ctx, e.LabelName, e.LabelValue)
}

func endAll(ctx context.Context, h *handler, _ Entry) error { return h.m.RevokeEverything(ctx) }

func rotateKey(ctx context.Context, h *handler, _ Entry) error { return h.m.RotateSigningKey(ctx) }

func afterSession(e Entry) string {
	if e.Owner == "" {
		return "find?done=ended"
	}
	return "sessions?" + url.Values{"owner": {e.Owner}, "done": {"ended"}}.Encode()
}

func afterOwner(e Entry) string {
	return "sessions?" + url.Values{"owner": {e.Owner}, "done": {"ended-owner"}}.Encode()
}

func afterLabel(e Entry) string {
	return "sessions?" + url.Values{"label": {e.LabelName}, "value": {e.LabelValue}, "done": {"ended-label"}}.Encode()
}

// done are the messages of the parameter "done", after a redirect.
var done = map[string]string{
	"ended":       "The session has ended.",
	"ended-owner": "All sessions of this owner have ended.",
	"ended-label": "All sessions with this label have ended.",
	"ended-all":   "Every session has ended.",
	"rotated":     "There is a new signing key. It signs once every instance knows it.",
}

// failErr shows an error of the Manager.
func (h *handler) failErr(r *request, err error) {
	if known, ok := errors.AsType[pageError](err); ok {
		h.render(r, known.status, "error", known.title, known)
		return
	}
	h.log(r, err)
	text := err.Error()
	if errors.Is(err, session.ErrEnded) {
		text = "There is no such session any more: it has ended or expired, or was renewed in the meantime. Nothing was ended."
	}
	title := "This did not work"
	if errors.Is(err, context.DeadlineExceeded) { // the text says what was done by then
		title = "This has not finished in time"
	}
	h.fail(r, session.StatusCode(err), title, text)
}

// pageError is an error with a page of its own.
type pageError struct {
	status int
	title  string
	text   string

	LinkURL, LinkText string // a page to go on with; "": none
}

func (p pageError) Error() string { return p.text }

// Text returns what the page says.
func (p pageError) Text() string { return p.text }
