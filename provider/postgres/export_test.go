package postgres

import "time"

// PageSize is how many records List reads at a time.
const PageSize = pageSize

// ListSQL returns the statement of List, and its arguments for a page.
func (p *Provider) ListSQL(prefix, last string) (sql string, args []any) {
	return p.sql.list, []any{prefix, end(prefix), last, pageSize}
}

// Ping sets the time without a message after which a Listen sends a ping, and how long it
// waits for an answer.
func Ping(every, timeout time.Duration) Option {
	return func(p *Provider) { p.pingEvery, p.pingTimeout = every, timeout }
}

// ProbeTimeout sets how long a Listen waits for the message to itself.
func ProbeTimeout(d time.Duration) Option {
	return func(p *Provider) { p.probeTimeout = d }
}

// ChannelOf returns the name of a table's channel.
var ChannelOf = channelOf
