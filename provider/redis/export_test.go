package redis

import "time"

// PingEvery sets the time between two pings of a Listen.
func PingEvery(d time.Duration) Option {
	return func(p *Provider) { p.pingEvery = d }
}

// Channel returns the channel of the messages.
func (p *Provider) Channel() string { return p.channel() }
