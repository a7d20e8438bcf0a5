package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/holdfast-go/holdfast/session"
)

// label is the value of -label. The zero label is that of no -label.
type label struct{ name, value string }

// set parses NAME=VALUE. Only the value may contain an equals sign.
func (l *label) set(text string) error {
	name, value, found := strings.Cut(text, "=")
	if !found || name == "" || value == "" {
		return errors.New("a label is given as NAME=VALUE, and neither is empty")
	}
	*l = label{name, value}
	return nil
}

// selectsSome reports whether the flags select the sessions of a user or of a label.
func (j *job) selectsSome() bool { return j.user != "" || j.label != label{} }

// checkSelection returns an error for flags that contradict each other or have no effect.
func (j *job) checkSelection() error {
	switch {
	case j.user != "" && j.label != label{}:
		return usageError("give -user or -label, not both")
	case j.namespace != "" && !j.selectsSome() && !j.everything:
		return usageError("-namespace needs a user or a label; give -user or -label as well")
	}
	return nil
}

// selection names the selected sessions in a sentence.
func (j *job) selection() string {
	if j.user != "" {
		return "of user " + printable(j.user)
	}
	return "with the label " + printable(j.label.name+"="+j.label.value)
}

var errNone = errors.New("if the program has a Config.Namespace, give it as -namespace")

// publicIDs returns the public IDs of the selected sessions, at least one.
func (j *job) publicIDs(ctx context.Context, m *session.Manager) (publicIDs []string, err error) {
	var sessions []*session.Session
	if j.user != "" {
		sessions, err = m.Sessions(ctx, j.user)
	} else {
		sessions, err = m.SessionsBy(ctx, j.label.name, j.label.value)
	}
	switch {
	case errors.Is(err, session.ErrUnreadable) && j.seals == nil:
		return nil, fmt.Errorf("%w; if the store is sealed, set %s to the keys", err, sealsEnv)
	case err == nil && len(sessions) == 0:
		return nil, fmt.Errorf("there is no session %s; %w", j.selection(), errNone)
	}
	for _, s := range sessions {
		publicIDs = append(publicIDs, s.PublicID())
	}
	return publicIDs, err
}

// endSelected ends the selected sessions.
func (j *job) endSelected(ctx context.Context, m *session.Manager) error {
	if j.user != "" {
		return m.RevokeAll(ctx, j.user)
	}
	return m.RevokeBy(ctx, j.label.name, j.label.value)
}
