package redis

import "context"

// await makes a call and returns its error, or that of ctx as soon as it ends.
//
// go-redis does not notice the cancellation of a command that it has sent, and its
// deadline only with ContextTimeoutEnabled. The call is then left to the client's
// timeouts: until one of them it may use a connection, and all that it was given.
func await(ctx context.Context, call func() error) error {
	if ctx.Done() == nil {
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
