package browsers

import (
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// flushTime is the longest time after which a browser has written its cookies to its disk.
const flushTime = 30 * time.Second

// sessionCookie is the name of the cookie of the session.
const sessionCookie = "__Host-session"

// cookies are the names and values in a jar.
type cookies map[string]string

// header returns the header of a request with these cookies.
func (c cookies) header() string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(c)) {
		pairs = append(pairs, name+"="+c[name])
	}
	return strings.Join(pairs, "; ")
}

// jar has the cookies of a browser, in memory and on its disk. A thief's jar is never
// written to a disk.
type jar struct {
	flushTime time.Duration // how long a change may be in memory only

	mu     sync.Mutex
	rng    *rand.Rand
	memory cookies
	disk   cookies
	dirty  bool // memory is to be written
	run    int  // of the browser, from start to crash

	rotated chan struct{} // closed when the cookie of the session changes
}

func newJar(rng *rand.Rand) *jar {
	return &jar{flushTime: flushTime, rng: rng, memory: cookies{}, disk: cookies{}, rotated: make(chan struct{})}
}

// read returns the cookies for a request, and the run of the browser.
func (j *jar) read() (cookies, int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return maps.Clone(j.memory), j.run
}

// take takes the cookies of an answer to a request that was sent in that run. It reports
// whether the browser still runs, and has taken them.
func (j *jar) take(run int, set []*http.Cookie) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if run != j.run {
		return false
	}
	before := j.memory[sessionCookie]
	for _, c := range set {
		if c.MaxAge < 0 {
			delete(j.memory, c.Name)
		} else {
			j.memory[c.Name] = c.Value
		}
	}
	if j.memory[sessionCookie] != before {
		close(j.rotated)
		j.rotated = make(chan struct{})
	}
	if len(set) > 0 && !j.dirty {
		j.dirty = true
		time.AfterFunc(time.Duration(j.rng.Int64N(int64(j.flushTime))), func() { j.flush(run) })
	}
	return true
}

// rotation returns a channel that is closed when the cookie of the session changes.
func (j *jar) rotation() <-chan struct{} {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.rotated
}

// flush writes the cookies to the disk, if the browser still runs.
func (j *jar) flush(run int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if run == j.run {
		j.disk, j.dirty = maps.Clone(j.memory), false
	}
}

// crash ends the run of the browser. The next one begins with what is on the disk. It
// reports whether that is older than what was in memory.
func (j *jar) crash() (lost bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	lost = !maps.Equal(j.memory, j.disk)
	j.run++
	j.memory, j.dirty = maps.Clone(j.disk), false
	return lost
}

// closeBrowser ends the run of the browser as its user does.
func (j *jar) closeBrowser() {
	_, run := j.read()
	j.flush(run)
	j.crash()
}

// copied returns a copy of the jar for a thief.
func (j *jar) copied(rng *rand.Rand) *jar {
	c := newJar(rng)
	c.memory, _ = j.read()
	return c
}
