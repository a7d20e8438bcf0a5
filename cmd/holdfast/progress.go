package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// progress shows the progress of long work: on a terminal once a second, in a line that
// is erased at the end; elsewhere, if at all, in lines of their own.
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
	p.start(j.stderr, display{time.Second, eraseLine, "", func(n int64, elapsed time.Duration) string {
		count := ""
		if n > 0 {
			count = fmt.Sprint(n, " ")
		}
		return fmt.Sprintf("%s%s, %v", count, what, elapsed.Round(time.Second))
	}})
	return p
}

// betweenLines is the time between lines that no terminal shows, such as those of a log.
const betweenLines = 10 * time.Second

// track starts to show how many items of total are done, with the rate and the time that
// is left. A total of 0 is not known.
func (j *job) track(done string, total int64) *progress {
	p := &progress{stop: func() {}}
	d := display{time.Second, eraseLine, "", func(n int64, elapsed time.Duration) string {
		return bar(n, total) + doneText(done, n, total, elapsed)
	}}
	if !j.progress {
		d = display{betweenLines, "", "\n", func(n int64, elapsed time.Duration) string {
			return "holdfast: " + doneText(done, n, total, elapsed)
		}}
	}
	p.start(j.stderr, d)
	return p
}

const barWidth = 20

// bar returns a bar as long as the part of total that is done.
func bar(n, total int64) string {
	if total <= 0 {
		return ""
	}
	part := float64(min(n, total)) / float64(total)
	full := int(part * barWidth)
	return fmt.Sprintf("[%s%s] %3d%% ", strings.Repeat("=", full), strings.Repeat(" ", barWidth-full), int(part*100))
}

// doneText returns what is done, how fast, and how long the rest takes at that rate.
func doneText(done string, n, total int64, elapsed time.Duration) string {
	text := fmt.Sprintf("%s %d", done, n)
	if total > 0 {
		text = fmt.Sprintf("%s of %d", text, total)
	}
	rate := float64(n) / elapsed.Seconds()
	if n == 0 || elapsed <= 0 {
		return text
	}
	text = fmt.Sprintf("%s, %.0f/s", text, rate)
	if total >= n {
		left := time.Duration(float64(total-n) / rate * float64(time.Second))
		text = fmt.Sprintf("%s, %v left", text, left.Round(time.Second))
	}
	return text
}

func (p *progress) add(n int64) { p.n.Add(n) }

func (p *progress) set(n int64) { p.n.Store(n) }

const eraseLine = "\r\x1b[K"

// display is how progress is shown.
type display struct {
	every         time.Duration
	before, after string // each text
	text          func(n int64, elapsed time.Duration) string
}

// start shows the progress until p.stop is called.
func (p *progress) start(w io.Writer, d display) {
	done := make(chan struct{})
	var shown sync.WaitGroup
	shown.Go(func() { p.show(w, d, done) })
	p.stop = sync.OnceFunc(func() {
		close(done)
		shown.Wait()
	})
}

func (p *progress) show(w io.Writer, d display, done <-chan struct{}) {
	began := time.Now()
	tick := time.NewTicker(d.every)
	defer tick.Stop()
	for {
		select {
		case <-done:
			fmt.Fprint(w, d.before)
			return
		case <-tick.C:
			fmt.Fprint(w, d.before, d.text(p.n.Load(), time.Since(began)), d.after)
		}
	}
}
