package nats

import "time"

// ProbeTimeout sets how long a Listen waits for the message to itself.
func ProbeTimeout(d time.Duration) Option {
	return func(p *Provider) { p.probeTimeout = d }
}
