package redis

import "time"

// Ping sets the time between two pings of a Listen, and how long it waits for an answer.
func Ping(every, timeout time.Duration) Option {
	return func(p *Provider) { p.pingEvery, p.pingTimeout = every, timeout }
}

// Channel returns the channel of the messages.
func (p *Provider) Channel() string { return p.channel() }
