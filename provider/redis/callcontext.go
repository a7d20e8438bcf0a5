package redis

import (
	"context"

	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/provider"
)

// await makes a call and returns its error, or the error of ctx as soon as ctx ends.
//
// go-redis does not notice the cancellation of a command that it has sent, and not always
// its deadline. If that may matter, the call runs in its own goroutine, which doubles the
// time of a call to a nearby server. When ctx ends, the call is left to the client's
// timeouts: until one of them fires it may use a connection, and everything that was
// passed to it.
func (p *Provider) await(ctx context.Context, call func() error) error {
	if p.endsWith(ctx) {
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

// process is await for one command.
func (p *Provider) process(ctx context.Context, cmd goredis.Cmder) error {
	if p.endsWith(ctx) { // without the allocation of a function
		return p.client.Process(ctx, cmd)
	}
	return p.await(ctx, func() error { return p.client.Process(ctx, cmd) })
}

// endsWith reports whether a call that is made directly ends when ctx does.
func (p *Provider) endsWith(ctx context.Context) bool {
	return p.honorsDeadline && provider.OnlyTimesOut(ctx) || ctx.Done() == nil
}

// honorsDeadline reports whether the client's calls end at the deadline of their context,
// whatever they wait for. With a timeout of -2 go-redis sets no deadline at all. A
// ClusterClient may first have to send other requests, with a context of its own.
func honorsDeadline(client Client) bool {
	c, ok := client.(*goredis.Client)
	if !ok {
		return false
	}
	o := c.Options()
	return o.ContextTimeoutEnabled && o.ReadTimeout >= 0 && o.WriteTimeout >= 0
}
