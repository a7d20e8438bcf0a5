package scsholdfast

import (
	"context"
	"errors"
)

// MergeSession copies the values of the session with that token into the session of ctx,
// saves it, and then ends the other session. It is for a login whose answer came without
// the visitor's own cookie, as after a POST from the page of an identity provider. A
// value of the other session replaces one of the same key. The later of both deadlines
// counts. If the token stands for no session that is alive, or for that of ctx,
// MergeSession changes nothing.
//
// If the program ends between the two steps, both sessions have the values. A change that
// a parallel request makes to the other session in the meantime may be lost.
func (s *SessionManager) MergeSession(ctx context.Context, token string) error {
	d := s.data(ctx)
	if d.session == nil {
		return errors.New("scsholdfast: MergeSession in a context of Iterate; use it in a request")
	}
	octx, err := s.Load(context.WithValue(ctx, d.core.key, nil), token)
	if err != nil {
		return err
	}
	other := s.data(octx)
	if other.session.IsNew() || other.session.PublicID() == d.session.PublicID() {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, key := range other.values.keys() {
		if v, ok := other.values.get(key); ok {
			d.values.set(key, v)
		}
	}
	if other.deadline.After(d.deadline) {
		d.values.setDeadline(other.deadline)
		d.deadline = other.deadline
	}
	d.status = Modified
	d.saveInPlace()
	if _, err := d.values.commit(ctx); err != nil {
		return err
	}
	return other.values.destroy(ctx)
}
