// Package pooling waits for a connection of a pool.
package pooling

import (
	"context"
	"time"
)

// Acquire waits for a connection, for half of the time that ctx leaves if the pool is
// crowded: if there are more calls than connections. A call that gets one at the last moment
// has no time left for its answer, and drivers close the connection of a call that has ended
// without one. After an outage, when many calls are waiting, each would then be the last on
// its connection: the server would do nothing but open others.
//
// It is late if half of the time is over and ctx has not ended.
func Acquire[C any](ctx context.Context, crowded bool, acquire func(context.Context) (C, error)) (conn C, late bool, err error) {
	half := ctx
	if deadline, ok := ctx.Deadline(); ok && crowded {
		var cancel context.CancelFunc
		half, cancel = context.WithTimeout(ctx, time.Until(deadline)/2)
		defer cancel()
	}
	conn, err = acquire(half)
	return conn, err != nil && half.Err() != nil && ctx.Err() == nil, err
}
