package nats

import "time"

var (
	InParts    = inParts
	LevelFor   = levelFor
	ErrTooMany = errTooMany
)

const Levels = levels

// Path returns the key of an ID without the name of its bucket.
func (p *Provider) Path(id string) string { return p.subject(id)[len(p.subjects("")):] }

// ProbeTimeout sets how long a Listen waits for the message to itself.
func ProbeTimeout(d time.Duration) Option {
	return func(p *Provider) { p.probeTimeout = d }
}
