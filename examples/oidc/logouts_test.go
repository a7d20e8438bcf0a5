package main

import (
	"sync"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider/memory"
)

// Of logouts that arrive in any order, or at once, the latest counts.
func TestTheLatestLogoutIsNoted(t *testing.T) {
	l := logouts{memory.New()}
	ann := account{Issuer: "https://idp.example", Subject: "ann"}
	begin := time.Now().Truncate(time.Second)
	var notes sync.WaitGroup
	for second := range 10 {
		notes.Go(func() {
			if err := l.note(t.Context(), ann, begin.Add(time.Duration(second)*time.Second)); err != nil {
				t.Error(err)
			}
		})
	}
	notes.Wait()
	for second, want := range map[int]bool{-1: true, 9: true, 10: false} {
		ended, err := l.include(t.Context(), login{ann, begin.Add(time.Duration(second) * time.Second)})
		if ended != want || err != nil {
			t.Errorf("a login in second %d: ended %v, error %v", second, ended, err)
		}
	}
	other := account{Issuer: ann.Issuer, Subject: "bob", SessionID: "ann"}
	if ended, err := l.include(t.Context(), login{other, begin}); ended || err != nil {
		t.Errorf("a login of another user: ended %v, error %v", ended, err)
	}
}
