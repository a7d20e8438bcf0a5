package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// WaitReplicas makes Save and Delete wait until count replicas have received the change,
// for atMost at most. If fewer have received it by then, they return an error. The change
// is made nevertheless, and may still reach the replicas.
//
// This only makes it less likely that a failover undoes the change. Redis may still
// promote a replica that has not received it, and does not take the change back if too
// few replicas have it. Package session reads back after such an error, finds its change
// and goes on, so requests are slowed down but not refused; min-replicas-to-write refuses
// them.
//
// The wait is part of the same round trip (WAIT). It must be shorter than the client's
// ReadTimeout. Pass the client itself to New, since the reply must come from the key's
// own node of a cluster or ring.
//
// Since Redis 7.2, WAIT considers only changes of its own connection. If a Save is
// repeated over another connection and finds its change made, it is not waited for: it
// may succeed although no replica has received it.
//
// WaitReplicas panics if count is not positive or atMost is below a millisecond.
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

// process sends the command, which changes the key, and WAIT after it. They are a
// pipeline, because WAIT considers only changes made over its own connection.
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

// waitError is the reason why the wait for replicas has failed, after the change was
// made.
type waitError struct{ error }

func (w *waitError) Unwrap() error { return w.error }

var errMoving = errors.New("the change was made, but it is unknown how many replicas have it: the key's slot is being moved")

func redirected(err error) bool {
	_, moved := goredis.IsMovedError(err)
	_, ask := goredis.IsAskError(err)
	return moved || ask
}

// nodeOf returns the client of the server that stores the key.
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
