package admin

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// Action is an act of an operator.
type Action string

// The actions that Options.Audit is told.
const (
	ActionShowValues Action = "show_values" // the values of the session Entry.PublicID are shown
	ActionEndSession Action = "end_session" // the session Entry.PublicID is ended
	ActionEndOwner   Action = "end_owner"   // all sessions of Entry.Owner are ended
	ActionEndLabel   Action = "end_label"   // all sessions with the label Entry.Label are ended
	ActionEndAll     Action = "end_all"     // every session is ended
	ActionRotateKeys Action = "rotate_keys" // a signing key is added
)

// Entry is one entry of the audit log: an act that is about to be carried out.
type Entry struct {
	Time     time.Time
	Operator string // as Options.Authorize has named the operator
	Action   Action

	// The target of the action; the fields that do not belong to it are empty.
	PublicID   string // ActionShowValues, ActionEndSession
	Owner      string // ActionEndOwner; also of the session of ActionShowValues and ActionEndSession, if it has one
	LabelName  string // ActionEndLabel
	LabelValue string // ActionEndLabel
}

// LogValue implements slog.LogValuer.
func (e Entry) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.Time("at", e.Time),
		slog.String("operator", e.Operator),
		slog.String("action", string(e.Action)),
	}
	for _, target := range []struct{ name, value string }{
		{"public_id", e.PublicID}, {"owner", e.Owner}, {"label", e.LabelName}, {"label_value", e.LabelValue},
	} {
		if target.value != "" {
			attrs = append(attrs, slog.String(target.name, target.value))
		}
	}
	return slog.GroupValue(attrs...)
}

// audit reports an act that is about to be carried out. After an error it must not be.
func (h *handler) audit(ctx context.Context, e Entry) error {
	e.Time = time.Now()
	if h.opts.Audit != nil {
		if err := h.opts.Audit(ctx, e); err != nil {
			return fmt.Errorf("the audit log could not be written: %w", err)
		}
		return nil
	}
	h.opts.Logger.LogAttrs(ctx, slog.LevelInfo, "admin: "+string(e.Action), slog.Any("entry", e))
	return nil
}
