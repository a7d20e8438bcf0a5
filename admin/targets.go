package admin

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/holdfast-go/holdfast/session"
)

// These functions return the confirmation of an act, and set its target.

func sessionTarget(h *handler, r *request, e *Entry) (*confirmation, error) {
	info, err := h.sessionNamed(r)
	if err != nil {
		return nil, err
	}
	e.PublicID, e.Owner = info.PublicID, info.Owner
	c := &confirmation{
		Title:  "End this session?",
		Text:   []string{"Session " + shortID(info.PublicID), "Its visitor is signed out at the next request. A request that is using it can no longer save. This cannot be undone."},
		Button: "End the session",
		Fields: map[string]string{"id": info.PublicID},
		Back:   sessionURL(info.PublicID),
	}
	if info.Owner != "" {
		c.Text[0] += " of owner " + info.Owner
	}
	return c, nil
}

func valuesTarget(h *handler, r *request, e *Entry) (*confirmation, error) {
	c, err := sessionTarget(h, r, e)
	if err != nil {
		return nil, err
	}
	c.Title, c.Button = "Show the values of this session?", "Show the values"
	c.Text[1] = "They are the visitor’s data. The audit log gets your name, the time and the session."
	return c, nil
}

func ownerTarget(h *handler, r *request, e *Entry) (*confirmation, error) {
	if e.Owner = r.FormValue("owner"); e.Owner == "" {
		return nil, pageError{status: http.StatusBadRequest, title: "Which owner?", text: "The request names no owner. Nothing was done."}
	}
	return &confirmation{
		Title:  "End all sessions of this owner?",
		Text:   []string{"Owner " + e.Owner, "The user is signed out on every device. A login at the same moment is either ended, too, or counts as later. This cannot be undone."},
		Button: "End all sessions of this owner",
		Fields: map[string]string{"owner": e.Owner},
		Back:   "sessions?" + url.Values{"owner": {e.Owner}}.Encode(),
	}, nil
}

func labelTarget(h *handler, r *request, e *Entry) (*confirmation, error) {
	e.LabelName, e.LabelValue = r.FormValue("label"), r.FormValue("value")
	if e.LabelName == "" || e.LabelValue == "" {
		return nil, pageError{status: http.StatusBadRequest, title: "Which label?", text: "The request names no label with a value. Nothing was done."}
	}
	return &confirmation{
		Title:  "End all sessions with this label?",
		Text:   []string{"Label " + e.LabelName + " = " + e.LabelValue, "All their visitors are signed out. A login at the same moment is either ended, too, or counts as later. This cannot be undone."},
		Button: "End all sessions with this label",
		Fields: map[string]string{"label": e.LabelName, "value": e.LabelValue},
		Back:   "sessions?" + url.Values{"label": {e.LabelName}, "value": {e.LabelValue}}.Encode(),
	}, nil
}

// confirmingWord has to be typed before every session is ended.
const confirmingWord = "end all"

func allTarget(h *handler, r *request, _ *Entry) (*confirmation, error) {
	c := &confirmation{
		Title:  "End every session?",
		Text:   []string{"Everybody is signed out, you included, on all instances. It takes some seconds. This cannot be undone."},
		Button: "End every session",
		Word:   confirmingWord,
		Back:   "./",
	}
	if !h.m.CanRevokeEverything() {
		c.Blocked = "This is switched off. It needs Config.RevokeEverythingWithin on every instance of the program: see Manager.RevokeEverything."
	}
	return c, nil
}

func keyTarget(h *handler, r *request, _ *Entry) (*confirmation, error) {
	c := &confirmation{
		Title: "Add a signing key?",
		Text: []string{
			"The new key signs in 15 minutes, when every instance knows it. Nobody is signed out: older keys verify until their last cookie has expired.",
			"If keys may have leaked, this is not enough: end every session as well.",
		},
		Button: "Add a signing key",
		Back:   "keys",
	}
	keys, err := h.m.SigningKeys(r.Context())
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		switch {
		case k.InRing && k.From.After(r.now):
			c.Blocked = "A new key was added and does not sign yet. It signs from " + timeText(k.From) + " UTC."
		case !k.InRing && k.Signs && !usesRing(keys):
			c.Blocked = "The keys are those of Config.SigningKeys. Change them in the program’s configuration."
		}
	}
	return c, nil
}

func usesRing(keys []session.SigningKey) bool {
	for _, k := range keys {
		if k.InRing {
			return true
		}
	}
	return false
}

// sessionNamed returns the session that the parameter id names.
func (h *handler) sessionNamed(r *request) (*session.Info, error) {
	id := r.FormValue("id")
	info, err := h.m.Inspect(r.Context(), id)
	switch {
	case errors.Is(err, session.ErrEnded):
		return nil, pageError{status: http.StatusNotFound, title: "No such session", text: "There is no session with the public ID " + quoteID(id) + ". It may have ended or expired, or have another public ID since a login: look for its owner."}
	case err != nil:
		return nil, err
	case info.Kind == session.KindTombstone && info.Successor == "":
		return nil, pageError{status: http.StatusGone, title: "This session has ended", text: "The session " + quoteID(id) + " was ended a short time ago. Nothing was done."}
	case info.Kind == session.KindTombstone:
		return nil, pageError{
			status: http.StatusGone, title: "This session was renewed", text: "The session goes on under another public ID.",
			LinkURL: sessionURL(info.Successor), LinkText: "Show the session",
		}
	case info.Kind != session.KindSession:
		return nil, pageError{status: http.StatusNotFound, title: "Not a session", text: "The record " + quoteID(id) + " is of kind " + string(info.Kind) + "."}
	}
	return info, nil
}

func sessionURL(id string) string { return "session?" + url.Values{"id": {id}}.Encode() }

// quoteID returns a public ID that came with a request, for a message.
func quoteID(id string) string {
	if id == "" {
		return "“” (none was given)"
	}
	const longest = 64
	if len(id) > longest {
		id = id[:longest] + "…"
	}
	return "“" + id + "”"
}
