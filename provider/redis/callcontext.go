package redis

import (
	"context"

	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/provider"
)

// await makes a call and returns its error, or that of ctx as soon as it ends.
//
// go-redis does not notice the cancellation of a command that it has sent, nor
// always its deadline. Where that may matter, the call gets a goroutine of its own,
// which takes as long again as a server nearby. When ctx ends, the call is left to
// the client's timeouts: until one of them it may use a connection, and all that it
// was given.
func (p *Provider) await(ctx context.Context, call func() error) error {
	if p.honorsDeadline && provider.OnlyTimesOut(ctx) || ctx.Done() == nil {
		return call()
	}
	done := make(chan error, 1)
	go func() { done <- call() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done: // both have happened
		return err
	default:
		return ctx.Err()
	}
}

// honorsDeadline reports whether the client's calls end at the deadline of their context,
// whatever they wait for. With a timeout of -2 go-redis sets no deadline at all. A
// ClusterClient may have to ask for something else first, by a context of its own.
func honorsDeadline(client Client) bool {
	c, ok := client.(*goredis.Client)
	if !ok {
		return false
	}
	o := c.Options()
	return o.ContextTimeoutEnabled && o.ReadTimeout >= 0 && o.WriteTimeout >= 0
}
