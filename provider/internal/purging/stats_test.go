package purging_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/purging"
)

func TestStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s purging.Stats
		s.Note(3, errors.New("down"))
		if got, want := s.Sum(), (provider.PurgeStats{Removed: 3}); got != want {
			t.Errorf("after a Purge that failed: %+v; want %+v", got, want)
		}
		complete := time.Now()
		s.Note(4, nil)
		time.Sleep(time.Minute)
		s.Note(1, errors.New("down"))
		if got, want := s.Sum(), (provider.PurgeStats{Last: complete, Removed: 8}); got != want {
			t.Errorf("after another: %+v; want %+v", got, want)
		}
	})
}
