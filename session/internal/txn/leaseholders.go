package txn

import (
	"sync"
	"time"
)

// Leases are the leases that one process holds. The zero Leases are ready for use.
type Leases struct {
	// LongestPause is the longest time between two looks at the lease of another process.
	// Default 500 ms.
	LongestPause time.Duration

	mu   sync.Mutex
	held map[any]chan struct{} // by envelope.Holder or renewing; closed at the release
}

// ofThisProcess are the leases of all Engines: two Managers on one store wait for each other
// as well.
var ofThisProcess Leases

func (e *Engine) leases() *Leases {
	if e.Leases != nil {
		return e.Leases
	}
	return &ofThisProcess
}

func (ls *Leases) longestPause() time.Duration {
	if ls.LongestPause > 0 {
		return ls.LongestPause
	}
	return lastLook
}

// hold records that this process holds the lease of that name. It returns false if it
// already does.
func (ls *Leases) hold(name any) bool {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.held[name] != nil {
		return false
	}
	if ls.held == nil {
		ls.held = map[any]chan struct{}{}
	}
	ls.held[name] = make(chan struct{})
	return true
}

// release wakes those who wait in this process for the lease of that name.
func (ls *Leases) release(name any) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	close(ls.held[name])
	delete(ls.held, name)
}

// released returns a channel that is closed at the release of the lease of that name. It
// is nil if this process does not hold it.
func (ls *Leases) released(name any) <-chan struct{} {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	return ls.held[name]
}
