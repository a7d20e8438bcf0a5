package txn

import (
	"cmp"
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/records"
)

// maxWait is how long a commit waits for the save of another. A save takes longer only if
// the store is in trouble, or if a closure waits for the commit that waits for it.
const maxWait = 100 * time.Millisecond

// turns let the commits of one record take turns: while one saves, the others wait. The
// commit that gets the next turn is the leader of a group. The others of the group are
// its followers, whose changes it saves together with its own. Turns save trips only.
// Correctness depends on compare-and-swap, as everywhere.
type turns struct {
	shards [32]turnShard
}

var turnSeed = maphash.MakeSeed()

type turnShard struct {
	mu    sync.Mutex
	lines map[string]line // by the ID of the record; no line without a leader
	last  int64           // the number of the last follower
}

// line is the commits of one record.
type line struct {
	leader  *commit     // whose turn it is
	waiting []*follower // in the order of arrival
	since   time.Time   // when somebody began to wait for this leader; zero: nobody has
}

// shard returns the locked shard of that record.
func (ts *turns) shard(id string) *turnShard {
	sh := &ts.shards[maphash.String(turnSeed, id)%uint64(len(ts.shards))]
	sh.mu.Lock()
	if sh.lines == nil {
		sh.lines = make(map[string]line)
	}
	return sh
}

// enter gives c the turn and returns nil, or returns c as a follower if another commit has
// it.
func (ts *turns) enter(c *commit) *follower {
	id := c.d.id
	sh := ts.shard(id)
	defer sh.mu.Unlock()
	l, busy := sh.lines[id]
	if !busy {
		sh.lines[id] = line{leader: c}
		return nil
	}
	sh.last++
	f := newFollower(c, sh.last)
	l.waiting = append(l.waiting, f)
	if l.since.IsZero() {
		l.since = time.Now()
	}
	sh.lines[id] = l
	return f
}

// next returns the first follower that the leader has not called yet, and takes it out of
// the line. It returns nil if there is none, or if it is no longer the leader's turn.
func (ts *turns) next(id string, leader *commit) *follower {
	sh := ts.shard(id)
	defer sh.mu.Unlock()
	l := sh.lines[id]
	if l.leader != leader {
		return nil
	}
	at := slices.IndexFunc(l.waiting, func(f *follower) bool { return f.passedBy != leader })
	if at < 0 {
		return nil
	}
	f := l.waiting[at]
	l.waiting = slices.Delete(l.waiting, at, at+1)
	sh.lines[id] = l
	return f
}

// putBack puts followers back to their places in the line. PassedBy is the leader that is
// not to call them again, or nil.
func (ts *turns) putBack(id string, passedBy *commit, followers ...*follower) {
	sh := ts.shard(id)
	defer sh.mu.Unlock()
	l := sh.lines[id]
	for _, f := range followers {
		if f.gone {
			continue
		}
		f.passedBy = passedBy
		at, _ := slices.BinarySearchFunc(l.waiting, f, func(a, b *follower) int { return cmp.Compare(a.number, b.number) })
		l.waiting = slices.Insert(l.waiting, at, f)
	}
	sh.set(id, l, nil)
}

// pass ends the turn of the leader. The first in the line gets the next one, and the
// newest content that is known, which may be nil.
func (ts *turns) pass(id string, leader *commit, known *records.Content) {
	sh := ts.shard(id)
	defer sh.mu.Unlock()
	l := sh.lines[id]
	if l.leader == leader {
		l.leader = nil
		sh.set(id, l, known)
	}
}

// leave takes out a follower whose goroutine has panicked or ended.
func (ts *turns) leave(f *follower) {
	sh := ts.shard(f.id)
	defer sh.mu.Unlock()
	f.gone = true
	l := sh.lines[f.id]
	if at := slices.Index(l.waiting, f); at >= 0 {
		l.waiting = slices.Delete(l.waiting, at, at+1)
	}
	if l.leader == f.c {
		l.leader = nil
	}
	sh.set(f.id, l, nil)
}

// overtake ends the turn of a leader that f has waited for too long. It returns how long f
// may wait before it asks again.
func (ts *turns) overtake(f *follower) time.Duration {
	sh := ts.shard(f.id)
	defer sh.mu.Unlock()
	l := sh.lines[f.id]
	if !slices.Contains(l.waiting, f) {
		return maxWait
	}
	if left := maxWait - time.Since(l.since); left > 0 {
		return left
	}
	l.leader = nil
	sh.set(f.id, l, nil)
	return maxWait
}

// set stores l. If it has no leader, the first that waits becomes the leader.
func (sh *turnShard) set(id string, l line, known *records.Content) {
	switch {
	case l.leader != nil:
	case len(l.waiting) == 0:
		delete(sh.lines, id)
		return
	default:
		f := l.waiting[0]
		l.leader, l.waiting, l.since = f.c, slices.Delete(l.waiting, 0, 1), time.Now()
		f.calls <- call{verb: callLead, on: known}
	}
	sh.lines[id] = l
}
