package nats

var (
	InParts    = inParts
	LevelFor   = levelFor
	ErrTooMany = errTooMany
)

const Levels = levels

// Path returns the key of an ID without the name of its bucket.
func (p *Provider) Path(id string) string { return p.subject(id)[len(p.subjects("")):] }
