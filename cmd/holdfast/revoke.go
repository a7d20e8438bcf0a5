package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/holdfast-go/holdfast/session"
)

// revoke ends sessions as the program itself does, so that a running request cannot bring
// one back.
func revoke(ctx context.Context, j *job) error {
	switch {
	case j.user == "" && len(j.args) == 0:
		return usageError("which sessions? Give their public IDs, or -user ID")
	case j.user != "" && len(j.args) > 0:
		return usageError("give public IDs or -user, not both")
	}
	if err := j.checkUser(); err != nil {
		return err
	}
	m, err := j.manager(j.store.Provider)
	if err != nil {
		return err
	}
	if j.user != "" {
		return j.revokeUser(ctx, m)
	}
	return j.revokePublicIDs(ctx, m)
}

func (j *job) revokeUser(ctx context.Context, m *session.Manager) error {
	whose := "user " + printable(j.user)
	publicIDs, err := j.publicIDs(ctx, m)
	if errors.Is(err, errNoUser) { // none that can be read
		if unread := m.RevokeAll(ctx, j.user); unread != nil {
			err = fmt.Errorf("some sessions of %s may go on: %w", whose, unread)
		}
	}
	if err != nil {
		return err
	}
	if err := j.confirm(ctx, len(publicIDs), "of "+whose); err != nil {
		return err
	}
	if err := m.RevokeAll(ctx, j.user); err != nil {
		return fmt.Errorf("some sessions of %s may go on; repeat this: %w", whose, err)
	}
	_, err = fmt.Fprintf(j.stdout, "ended %s of %s\n", plural(len(publicIDs), "session"), whose)
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
