package session

import (
	"context"

	"github.com/holdfast-go/holdfast/session/internal/txn"
)

// Refresh returns the value of the key, after fn has renewed it if stale says so. Of all
// requests of the session, on all instances, one at a time runs fn. The others wait, and
// get what it has made. It is for a value whose renewal must not be repeated, such as an
// OAuth token: a provider that takes each refresh token once revokes the grant if two
// requests send the same one.
//
// stale gets the value that Get would return, or the zero value. If it returns false,
// Refresh returns that value and does nothing else. Otherwise Refresh takes a lease of the
// key, which is stored in the session, and runs fn with the value. A request that finds
// the lease of another waits, and asks its own stale about the new value. It is woken at
// once on the same instance, and by a message on another one if the provider is a
// provider.Broadcaster. A message may be lost: so it looks at the session every half second.
// stale may run several times. stale and fn must not set the key.
//
// The result of fn is saved at once and alone, whatever becomes of the request and its
// response. Other changes of the request stay pending; changes of this key that were made
// before are part of the value that fn gets, and its result replaces them. HandlerFunc and
// Replay do not run a handler again once Refresh has taken a lease.
//
// The context of fn ends at the deadline of ctx, or after 30 seconds if ctx has none, and
// at the latest after five minutes. fn must return then. The lease lasts five seconds
// longer, so that clocks may differ by that much. If the program crashes while fn runs,
// another request runs fn when the lease has ended. If fn takes longer than the lease and
// another request has taken it over, the result is not saved.
//
// If fn fails, its lease is given up at once, nothing is saved, and Refresh returns what
// fn has returned. Each request that waited then runs its own fn, if its own stale says
// so, one after the other. An error does not affect the response and other changes. The
// other errors are, with the value that was stored, as fn did not run:
//
//   - ErrEnded: there is no such session any more.
//   - ErrUnavailable: the store failed, or ctx ended before the lease was free.
//   - ErrHeaderSent: the session is not stored yet, and it is too late for its cookie.
//   - ErrRequestDone, and the error of an earlier Save, as of [Session.Save].
//
// and, with the value that fn has returned and that was not saved:
//
//   - ErrEnded: the session was destroyed or renewed, or has expired, while fn ran. The
//     value is not saved in any other session.
//   - ErrConflict: another request has taken over the lease, or has changed the key while
//     fn ran. MergeWith avoids the latter at LevelMerge, and LastWriteWins at every level:
//     the result of fn then replaces that change.
//   - ErrEncode, ErrTooLarge, ErrUnavailable or ErrOutcomeUnknown: it could not be saved.
//     While the lease lasts, a save that fails is tried again.
//
// So if fn has run, revoke the value or use it once. Refresh is the same at every
// isolation level. Only the change of the key itself is seen by the request.
//
// Refresh works after the request, and for a Session of [Manager.Sessions]. It must not be
// called inside of [Session.Update] or [Manager.Update], whose functions may run again;
// call it before or after. fn may use the session, and call Refresh of another key: do so
// in the same order everywhere, or two requests wait for each other until a context ends.
// If the session is not stored yet, there is no other request to wait for, and Refresh
// begins the session.
func (k Key[T]) Refresh(ctx context.Context, s *Session, stale func(T) bool, fn func(ctx context.Context, old T) (T, error)) (T, error) {
	tx := k.in(s)
	var value T
	got, err := tx.Refresh(ctx, &txn.Refresh{
		Key:           k.name,
		LastWriteWins: k.lastWriteWins,
		Merge:         k.threeWay(s),
		Stale: func(v txn.Value, format string) bool {
			value, _ = k.decode(s, v, format)
			return stale(value)
		},
		Renew: func(ctx context.Context, old txn.Value, format string) (v txn.Value, err error) {
			value, _ = k.decode(s, old, format)
			if value, err = fn(ctx, value); err != nil {
				return v, err
			}
			return k.encode(s, &value)
		},
	})
	if err == nil && got.Merged {
		value, _ = k.decode(s, got.Value, got.Format)
	}
	return value, err
}
