package fleet

import (
	"context"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

// journal keeps the writes that the standby does not have yet.
type journal struct {
	lag time.Duration // how far the standby is behind

	mu     sync.Mutex
	writes []write
	lost   map[string]bool // IDs of the records of lost writes
}

type write struct {
	at     time.Time
	id     string
	before *provider.Record // nil: there was none
}

func newJournal(lag time.Duration) *journal { return &journal{lag: lag, lost: map[string]bool{}} }

func (j *journal) add(id string, before *provider.Record) {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := time.Now()
	j.writes = append(j.writes, write{now, id, before})
	for now.Sub(j.writes[0].at) > j.lag {
		j.writes = j.writes[1:]
	}
}

// undo takes back the writes, the last one first.
func (j *journal) undo(records provider.Provider) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i := len(j.writes) - 1; i >= 0; i-- {
		w := j.writes[i]
		var err error
		if w.before == nil {
			err = records.Delete(context.Background(), w.id)
		} else {
			err = records.Save(context.Background(), w.before, -1)
		}
		if err != nil {
			panic(err)
		}
		j.lost[w.id] = true
	}
	j.writes = nil
}

// has reports whether a write of that record was lost. A nil journal loses none.
func (j *journal) has(id string) bool {
	if j == nil {
		return false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.lost[id]
}
