package epoch

import "time"

// learn records an epoch that a read which was sent at that time has found.
func (e *Epochs) learn(epoch int64, sent time.Time) {
	if e.note(epoch, sent) {
		e.look()
	}
}

// note is learn that calls nobody. It reports whether the epoch is later than those known.
func (e *Epochs) note(epoch int64, sent time.Time) (later bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if later = epoch > e.known.Load(); later {
		e.known.Store(epoch)
	}
	at := e.read.Load()
	if !sent.Before(e.announced) && (at == nil || at.Before(sent)) {
		e.read.Store(&sent)
	}
	return later
}

// announcedPause is the minimum time between two messages that are followed. It limits what
// a flood of forged messages costs.
const announcedPause = time.Second

// Announced is called for a message about a later epoch, which may be forged. What was read
// before is not used any more.
func (e *Epochs) Announced() {
	if e.follow() {
		e.look()
	}
}

// follow reports whether the message is followed now, and not later or with another one.
func (e *Epochs) follow() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	switch wait := announcedPause - now.Sub(e.announced); {
	case e.waiting:
		return false
	case wait > 0:
		e.waiting = true
		time.AfterFunc(wait, func() {
			e.mu.Lock()
			e.waiting = false
			e.mu.Unlock()
			e.Announced()
		})
		return false
	}
	e.announced, e.reading = now, nil
	e.read.Store(nil)
	return true
}

func (e *Epochs) look() {
	if e.opts.Look != nil {
		e.opts.Look()
	}
}
