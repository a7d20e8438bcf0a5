package etcd

import "time"

const (
	// PageSize is how many records List and Purge read at a time.
	PageSize = pageSize

	// MaxDeletes is how many records Purge removes at a time.
	MaxDeletes = maxDeletes
)

// Ping sets how often a Listen asks for a sign, and how long it waits for one.
func Ping(every, timeout time.Duration) Option {
	return func(p *Provider) { p.pingEvery, p.pingTimeout = every, timeout }
}
