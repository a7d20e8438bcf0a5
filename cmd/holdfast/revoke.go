package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// checkRevoke returns an error for flags that do not say clearly which sessions to end.
func (j *job) checkRevoke() error {
	switch {
	case !j.selectsSome() && !j.everything && len(j.args) == 0:
		return usageError("which sessions? Give their public IDs, -user ID, -label NAME=VALUE or -everything")
	case j.selectsSome() && len(j.args) > 0:
		return usageError("give public IDs or a user or a label, not both")
	case j.everything && (j.selectsSome() || len(j.args) > 0):
		return usageError("-everything ends every session; give no public ID, -user or -label with it")
	case j.everything && j.within == 0:
		return usageError("-everything needs -within, the program's Config.RevokeEverythingWithin")
	case j.everything && (j.within < time.Second || j.within > time.Hour):
		return usageError("-within must be between 1s and 1h")
	case !j.everything && j.within != 0:
		return usageError("-within is for -everything only")
	}
	return j.checkSelection()
}

// revoke ends sessions as the program itself does, so that a running request cannot bring
// one back.
func revoke(ctx context.Context, j *job) error {
	m, err := j.manager(j.store.Provider)
	switch {
	case err != nil:
		return err
	case j.everything:
		return j.revokeEverything(ctx, m)
	case j.selectsSome():
		return j.revokeSelected(ctx, m)
	}
	return j.revokePublicIDs(ctx, m)
}

func (j *job) revokeSelected(ctx context.Context, m *session.Manager) error {
	publicIDs, err := j.publicIDs(ctx, m)
	if errors.Is(err, errNone) { // none that can be read
		if unread := j.endSelected(ctx, m); unread != nil {
			err = fmt.Errorf("some sessions %s may go on: %w", j.selection(), unread)
		}
	}
	if err != nil {
		return err
	}
	if err := j.confirm(ctx, len(publicIDs), j.selection()); err != nil {
		return err
	}
	if err := j.endSelected(ctx, m); err != nil {
		return fmt.Errorf("some sessions %s may go on; repeat this: %w", j.selection(), err)
	}
	_, err = fmt.Fprintf(j.stdout, "ended %s %s\n", plural(len(publicIDs), "session"), j.selection())
	return err
}

func (j *job) revokePublicIDs(ctx context.Context, m *session.Manager) error {
	for _, publicID := range j.args {
		e, err := j.find(ctx, publicID)
		if err == nil {
			err = revocable(e)
		}
		if err != nil {
			return fmt.Errorf("%w; nothing was ended", err)
		}
	}
	if err := j.confirm(ctx, len(j.args), "with these public IDs"); err != nil {
		return err
	}
	for _, publicID := range j.args {
		err := m.Revoke(ctx, publicID)
		switch {
		case errors.Is(err, session.ErrEnded):
			return fmt.Errorf("%s was not ended: there is no session of this public ID or of its successor; it has expired, or has another public ID now", publicID)
		case err != nil:
			return fmt.Errorf("%s may go on; repeat this: %w", publicID, err)
		}
		if _, err := fmt.Fprintln(j.stdout, "ended", printable(publicID)); err != nil {
			return err
		}
	}
	return nil
}

// revocable returns why e is not a session that can be ended, or nil.
func revocable(e entry) error {
	switch {
	case e.kind == session.KindSession, e.kind == session.KindTombstone && e.Successor != "":
		return nil
	case e.kind == session.KindTombstone:
		return fmt.Errorf("%s has ended before", e.ID)
	case e.kind == kindSealed:
		return fmt.Errorf("%s: %w", e.ID, e.err)
	default:
		return fmt.Errorf("%s is not a session; its kind is %s", e.ID, e.kind)
	}
}

// confirm asks for confirmation before several sessions are ended.
func (j *job) confirm(ctx context.Context, n int, which string) error {
	if n < 2 {
		return nil
	}
	return j.confirmed(ctx, fmt.Sprintf("End %d sessions %s?", n, which), fmt.Sprintf("this ends %d sessions and", n), "nothing was ended")
}
