package main

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// progress shows the progress of long work once a second, in a line that is erased at the
// end.
type progress struct {
	n    atomic.Int64
	stop func()
}

// watch starts to show the number of items called what, if a user can see it.
func (j *job) watch(visible bool, what string) *progress {
	p := &progress{stop: func() {}}
	if !j.progress || !visible {
		return p
	}
	done := make(chan struct{})
	var shown sync.WaitGroup
	shown.Go(func() { p.show(j.stderr, what, done) })
	p.stop = sync.OnceFunc(func() {
		close(done)
		shown.Wait()
	})
	return p
}

func (p *progress) add(n int64) { p.n.Add(n) }

const eraseLine = "\r\x1b[K"

func (p *progress) show(w io.Writer, what string, done <-chan struct{}) {
	began := time.Now()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-done:
			fmt.Fprint(w, eraseLine)
			return
		case <-tick.C:
			count := ""
			if n := p.n.Load(); n > 0 {
				count = fmt.Sprint(n, " ")
			}
			fmt.Fprintf(w, "%s%s%s, %v", eraseLine, count, what, time.Since(began).Round(time.Second))
		}
	}
}
