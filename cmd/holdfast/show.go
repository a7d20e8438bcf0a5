package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// shown is the output of show -json.
type shown struct {
	ID      string       `json:"id"`
	Kind    session.Kind `json:"kind"`
	Sealed  bool         `json:"sealed,omitempty"`
	Format  string       `json:"format"`
	Size    int          `json:"size"`
	Commits int64        `json:"commits,omitempty"`
	Owner   string       `json:"owner,omitempty"`

	// Labels are those of Session.SetLabel, or the one of a label index.
	Labels map[string]string `json:"labels,omitempty"`

	Successor string         `json:"successor,omitempty"`
	Created   time.Time      `json:"created,omitzero"`
	Started   time.Time      `json:"started,omitzero"`
	LastSeen  time.Time      `json:"lastSeen,omitzero"`
	Expires   time.Time      `json:"expires,omitzero"`
	Deadline  time.Time      `json:"deadline,omitzero"`
	Values    map[string]any `json:"values,omitempty"`

	// Undecoded contains the bytes of values that do not decode.
	Undecoded map[string][]byte `json:"undecoded,omitempty"`

	// Sessions are the public IDs in an owner index.
	Sessions []string `json:"sessions,omitempty"`
}

func newShown(e entry) shown {
	s := shown{ID: e.ID, Kind: e.kind, Sealed: e.sealed, Format: e.Format, Size: e.size, Expires: e.Record.ExpiresAt.UTC()}
	if e.Info == nil {
		return s
	}
	s.Commits, s.Owner, s.Labels, s.Successor, s.Sessions = e.Commits, e.Owner, e.Labels, e.Successor, e.Sessions
	s.Created, s.Started, s.LastSeen, s.Deadline = e.CreatedAt.UTC(), e.StartedAt.UTC(), e.LastSeenAt.UTC(), e.Deadline.UTC()
	s.Values, s.Undecoded = map[string]any{}, map[string][]byte{}
	for _, v := range e.Values {
		if value, err := v.Decode(); err == nil {
			s.Values[v.Name] = value
		} else {
			s.Undecoded[v.Name] = v.Data
		}
	}
	return s
}

// show prints one record.
func show(ctx context.Context, j *job) error {
	if len(j.args) == 0 {
		return usageError("which session? Give its public ID; holdfast list prints the public IDs")
	}
	e, err := j.find(ctx, j.args[0])
	if err != nil {
		return err
	}
	if j.json {
		return j.printJSON(newShown(e))
	}
	return j.printShown(e)
}

// find looks up a public ID.
func (j *job) find(ctx context.Context, publicID string) (entry, error) {
	rec, err := j.store.Fetch(ctx, publicID)
	switch {
	case errors.Is(err, provider.ErrNotFound), errors.Is(err, provider.ErrInvalidRecord):
		return entry{}, fmt.Errorf("there is no session with the public ID %s; it may have ended", printable(publicID))
	case err != nil:
		return entry{}, err
	}
	return j.look(rec), nil
}

func (j *job) printShown(e entry) error {
	var b strings.Builder
	line := func(name, text string) { fmt.Fprintf(&b, "%-10s %s\n", name, text) }
	line("id", printable(e.ID))
	line("kind", kindText(e))
	if e.Info != nil {
		if e.Owner != "" {
			line("owner", printable(e.Owner))
		}
		for _, name := range slices.Sorted(maps.Keys(e.Labels)) {
			line("label", printable(name)+"="+printable(e.Labels[name]))
		}
		if e.Successor != "" {
			line("became", printable(e.Successor))
		}
		if !e.CreatedAt.IsZero() {
			line("created", when(e.CreatedAt))
		}
		if !e.StartedAt.Equal(e.CreatedAt) {
			line("renewed", when(e.StartedAt))
		}
		if !e.LastSeenAt.IsZero() {
			line("last seen", when(e.LastSeenAt))
		}
		if !e.Deadline.IsZero() {
			line("kept until", when(e.Deadline))
		}
	}
	line("expires", when(e.Record.ExpiresAt))
	line("size", fmt.Sprintf("%s, %s", bytesText(int64(e.size)), printable(e.Format)))
	if e.Info != nil {
		line("saved", plural(int(e.Commits), "time"))
		b.WriteString(valuesText(e))
	}
	_, err := fmt.Fprint(j.stdout, b.String())
	return err
}

// kindText describes the kind of the record.
func kindText(e entry) string {
	text := string(e.kind)
	switch e.kind {
	case session.KindTombstone:
		text = "tombstone: the session was destroyed"
		if e.Successor != "" {
			text = "tombstone: the session was renewed"
		}
	case session.KindOwnerIndex:
		text = "owner index: the sessions of a user"
	case session.KindLabelIndex:
		text = "label index: the sessions with a label"
	case session.KindEpoch:
		text = "epoch: the calls of RevokeEverything, the last of which was at the time of created"
	case session.KindKeyring:
		text = "keyring: the keys that sign cookies, which are not shown"
	case kindSealed:
		text = "sealed: " + e.err.Error()
	case kindMarker:
		text = "marker: of a move to another store, which has the record"
	case kindUnreadable:
		text = "unreadable: not of package session, or damaged"
	}
	if e.sealed && e.kind != kindSealed {
		text += " (sealed)"
	}
	return text
}

func valuesText(e entry) string {
	var b strings.Builder
	for _, member := range e.Sessions {
		fmt.Fprintf(&b, "\n%s", printable(member))
	}
	for _, v := range e.Values {
		fmt.Fprintf(&b, "\n%s = %s", printable(v.Name), valueText(v))
	}
	if b.Len() > 0 {
		b.WriteByte('\n')
	}
	return b.String()
}

const shownBytes = 256 // bytes shown of a value that does not decode; -json has all of them

func valueText(v session.Value) string {
	value, err := v.Decode()
	if err == nil {
		var text string
		if text, err = toJSON(value, "  "); err == nil {
			return text
		}
	}
	data, more := v.Data, ""
	if len(data) > shownBytes {
		data, more = data[:shownBytes], "…"
	}
	return fmt.Sprintf("%s%s (hexadecimal, %s: %v)", hex.EncodeToString(data), more, plural(len(v.Data), "byte"), err)
}
