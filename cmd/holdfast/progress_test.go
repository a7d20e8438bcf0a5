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
