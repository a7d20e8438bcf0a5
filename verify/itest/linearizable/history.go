package linearizable

import (
	"context"
	"math"
	"slices"
	"sync"

	"github.com/anishathalye/porcupine"

	"github.com/holdfast-go/holdfast/provider"
)

// A history is what has been asked of a provider and answered, in the order of a
// clock that ticks when a call begins and when one ends.
type history struct {
	mu      sync.Mutex
	now     int64
	alarms  []alarm
	calls   []porcupine.Operation
	records map[int64]*provider.Record // that were to be saved, by version
	failed  int                        // calls that were not cancelled
	faults  []error                    // what shows at once
}

// An alarm cancels a call when others have got on, which takes no timer to hit it
// in the middle.
type alarm struct {
	at     int64
	cancel context.CancelFunc
}

// tick returns the time, a new one.
func (h *history) tick() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now++
	h.alarms = slices.DeleteFunc(h.alarms, func(a alarm) bool {
		if a.at <= h.now {
			a.cancel()
		}
		return a.at <= h.now
	})
	return h.now
}

// cancelAfter cancels at so many ticks from now.
func (h *history) cancelAfter(ticks int64, cancel context.CancelFunc) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.alarms = append(h.alarms, alarm{h.now + ticks, cancel})
}

// announce keeps a copy of a record that is about to be saved.
func (h *history) announce(rec *provider.Record) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.records[rec.Version] = rec.Clone()
}

// announced returns the record that was to be saved with a version, or nil.
func (h *history) announced(version int64) *provider.Record {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.records[version]
}

// add adds a call that began at a time and has ended. One of unknown outcome may
// still take effect, so that it does not end.
func (h *history) add(client int, began int64, c call, r result) {
	ended := h.tick()
	if r.outcome == unknown && c.verb == fetch {
		return // and tells nothing
	}
	if r.outcome == unknown {
		ended = math.MaxInt64
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, porcupine.Operation{ClientId: client, Input: c, Call: began, Output: r, Return: ended})
}

// blame adds a fault that no order of the calls explains.
func (h *history) blame(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults = append(h.faults, err)
}

// fail counts a call that has failed though it was not cancelled.
func (h *history) fail() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failed++
}
