package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// WaitReplicas makes Save and Delete wait, at most for a time, until so many
// replicas have received the change. If they have not, the error says so; the
// change is made nevertheless, and may yet reach them.
//
// That makes it less likely that a failover undoes the change, no more: nothing
// keeps Redis from promoting a replica that has not received it, and Redis does
// not take it back if too few have. Package session reads back after such an error,
// finds its change and goes on, so that requests are slowed down rather than
// refused; min-replicas-to-write refuses them.
//
// The wait is part of the same round trip (WAIT). Its time must be shorter than the
// client's ReadTimeout. Give New the client itself, since the reply has to come
// from the key's own node of a cluster or ring.
//
// From Redis 7.2 on, WAIT looks at changes of its own connection alone. A Save that is
// repeated over another, and finds its change made, is then not waited for: it may
// succeed although no replica has received it.
//
// WaitReplicas panics if count is not positive or the time is below a millisecond.
func WaitReplicas(count int, atMost time.Duration) Option {
	if count <= 0 || atMost < time.Millisecond {
		panic("redis: WaitReplicas for no replica or no time")
	}
	return func(p *Provider) { p.replicas = replicas{count, atMost} }
}

type replicas struct {
	count  int
	atMost time.Duration
}

// process sends the command, which changes the key, and WAIT after it. WAIT looks
// at what was changed over its own connection, hence the pipeline.
func (r replicas) process(ctx context.Context, client Client, key string, cmd once) error {
	node, err := nodeOf(ctx, client, key)
	if err != nil {
		return err
	}
	wait := goredis.NewIntCmd(ctx, "wait", r.count, r.atMost.Milliseconds())
	_, _ = node.Pipelined(ctx, func(pipe goredis.Pipeliner) error {
		_ = pipe.Process(ctx, cmd)
		return pipe.Process(ctx, wait)
	})
	err = cmd.Err()
	moving := redirected(err)
	if moving { // only the client of the whole cluster gets there, and not with WAIT
		err = client.Process(ctx, cmd)
	}
	switch {
	case err != nil:
		return err
	case cmd.Val() != changed:
		return nil
	case moving:
		return errMoving
	case wait.Err() != nil:
		return &waitError{wait.Err()}
	case wait.Val() < int64(r.count):
		return fmt.Errorf("the change was made, but only %d of %d replicas have it after %v", wait.Val(), r.count, r.atMost)
	}
	return nil
}

// waitError is why the wait for replicas has failed, after the change was made.
type waitError struct{ error }

func (w *waitError) Unwrap() error { return w.error }

var errMoving = errors.New("the change was made, but it is unknown how many replicas have it: the key's slot is being moved")

func redirected(err error) bool {
	_, moved := goredis.IsMovedError(err)
	_, ask := goredis.IsAskError(err)
	return moved || ask
}

// nodeOf returns the client of the one server that has the key.
func nodeOf(ctx context.Context, client Client, key string) (Client, error) {
	switch c := client.(type) {
	case interface {
		MasterForKey(ctx context.Context, key string) (*goredis.Client, error)
	}: // ClusterClient
		return c.MasterForKey(ctx, key)
	case interface {
		GetShardClientForKey(key string) (*goredis.Client, error)
	}: // Ring
		return c.GetShardClientForKey(key)
	default:
		return client, nil
	}
}
