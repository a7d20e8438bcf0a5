package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestProgressTellsEverySecondAndGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		j := &job{tool: &tool{stderr: &out, progress: true}}
		p := j.watch(true, "records counted")
		p.add(7)
		time.Sleep(2500 * time.Millisecond)
		p.stop()
		p.stop()
		want := "\r\x1b[K7 records counted, 1s\r\x1b[K7 records counted, 2s\r\x1b[K"
		if out.String() != want {
			t.Errorf("got %q, want %q", out.String(), want)
		}
	})
}

func TestNoProgressThatNobodySees(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		for _, j := range []*job{{tool: &tool{stderr: &out}}, {tool: &tool{stderr: &out, progress: true}}} {
			p := j.watch(!j.progress, "records counted")
			time.Sleep(time.Minute)
			p.stop()
		}
		if out.Len() > 0 {
			t.Errorf("got %q", out.String())
		}
	})
}

// A terminal shows a bar, with the rate and the time that is left.
func TestTrackShowsABar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		j := &job{tool: &tool{stderr: &out, progress: true}}
		p := j.track("moved", 1000)
		time.Sleep(1500 * time.Millisecond)
		p.set(250)
		time.Sleep(time.Second)
		p.set(1001) // the total was of the beginning
		time.Sleep(time.Second)
		p.stop()
		want := "\r\x1b[K[                    ]   0% moved 0 of 1000" +
			"\r\x1b[K[=====               ]  25% moved 250 of 1000, 125/s, 6s left" +
			"\r\x1b[K[====================] 100% moved 1001 of 1000, 334/s" +
			"\r\x1b[K"
		if out.String() != want {
			t.Errorf("got %q, want %q", out.String(), want)
		}
	})
}

// Elsewhere there are lines, and none for what takes a moment.
func TestTrackWritesLinesToALog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		j := &job{tool: &tool{stderr: &out}}
		p := j.track("moved", 0)
		p.set(100)
		time.Sleep(25 * time.Second)
		p.stop()
		if want := "holdfast: moved 100, 10/s\nholdfast: moved 100, 5/s\n"; out.String() != want {
			t.Errorf("got %q, want %q", out.String(), want)
		}
		out.Reset()
		p = j.track("moved", 100)
		p.set(100)
		time.Sleep(9 * time.Second)
		p.stop()
		if out.Len() > 0 {
			t.Errorf("got %q, want nothing", out.String())
		}
	})
}
