package session

import (
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/observe"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// noteVanished appends and logs that the session of a valid cookie is absent although it must
// be stored.
func (m *Manager) noteVanished(events []observe.Event, id string) []observe.Event {
	ago, vanished := m.records.Vanished(id)
	if !vanished {
		return events
	}
	if m.warnedOfVanished.due() {
		m.cfg.Logger.Error("session: a session that was saved a moment ago is not in the store, so its visitor is anonymous; "+
			"if the clock of the store is ahead of this machine's, synchronize both; otherwise check whether the store evicts records or was emptied",
			slog.String("public_id", id), slog.Duration("saved_ago", ago))
	}
	return append(events, observe.Event{Op: observe.Faulty, Fault: observe.Vanished, PublicID: id})
}

// tolerableSkew is the difference between the clocks of instances that does no harm: see
// Key.Refresh and Config.RotateInterval.
const tolerableSkew = 5 * time.Second

// noteClockSkew appends and logs that a session was used later than now.
func (m *Manager) noteClockSkew(events []observe.Event, id string, c *records.Content) []observe.Event {
	if m.records.InProcess() {
		return events
	}
	ahead := c.Seen.Sub(records.Now())
	if ahead < tolerableSkew {
		return events
	}
	if m.warnedOfClock.due() {
		m.cfg.Logger.Warn("session: another instance has used a session later than now, so the clock of one of the two is wrong; synchronize them",
			slog.String("public_id", id), slog.Duration("ahead", ahead))
	}
	return append(events, observe.Event{Op: observe.Faulty, Fault: observe.ClockSkew, PublicID: id})
}

// hourly limits a line of the log. The zero value is due.
type hourly struct {
	last atomic.Int64 // in Unix seconds
}

// due reports whether the line was not due within the last hour. If several goroutines ask at
// once, it is due for one of them.
func (h *hourly) due() bool {
	now, last := time.Now().Unix(), h.last.Load()
	return now-last >= int64(time.Hour/time.Second) && h.last.CompareAndSwap(last, now)
}
