// Package known lets package session tell a store that a new record is of somebody who
// is known: a user who signs in, or a visitor whose session gets another ID. A store
// with little room left keeps it for them.
package known

import "context"

// Key is the key of the context's value, which is a bool.
type Key struct{}

// Background is a context of such a call. It never ends.
var Background = context.WithValue(context.Background(), Key{}, true)

// Is reports whether ctx is that of a call for a visitor who is known.
func Is(ctx context.Context) bool {
	is, _ := ctx.Value(Key{}).(bool)
	return is
}
