package lane_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/lane"
)

func TestFirstComeFirstServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		head, waited := lane.Enter(t.Context(), "record")
		if waited {
			t.Fatal("an empty lane was busy")
		}
		var order []int
		for i := range 10 {
			go func() {
				turn, waited := lane.Enter(t.Context(), "record")
				if !waited {
					t.Error("a busy lane was empty")
				}
				order = append(order, i) // one at a time: -race would tell
				turn.Leave()
			}()
			synctest.Wait()
		}
		head.Leave()
		synctest.Wait()
		if want := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}; !slices.Equal(order, want) {
			t.Errorf("order %v", order)
		}
		mustBeEmpty(t, "record")
	})
}

func TestRecordsDoNotWaitForEachOther(t *testing.T) {
	for i := range 200 { // more than there are shards
		turn, waited := lane.Enter(t.Context(), fmt.Sprint("record ", i))
		if waited {
			t.Fatalf("record %d waited", i)
		}
		defer turn.Leave()
	}
}

func TestWhoGivesUpIsSkipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		head, _ := lane.Enter(t.Context(), "record")
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		got := make(chan *lane.Turn, 1)
		go func() {
			turn, _ := lane.Enter(impatient, "record")
			got <- turn
		}()
		synctest.Wait()
		patient := make(chan *lane.Turn, 1)
		go func() {
			turn, _ := lane.Enter(t.Context(), "record")
			patient <- turn
		}()
		if turn := <-got; turn != nil {
			t.Error("a turn after the context had ended")
		}
		head.Leave()
		(<-patient).Leave()
		mustBeEmpty(t, "record")
	})
}

func TestLeavingTwiceIsHarmless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, _ := lane.Enter(t.Context(), "record")
		first.Leave()
		second, _ := lane.Enter(t.Context(), "record")
		first.Leave()
		done := make(chan bool)
		go func() {
			third, waited := lane.Enter(t.Context(), "record")
			third.Leave()
			done <- waited
		}()
		synctest.Wait()
		second.Leave()
		if !<-done {
			t.Error("the second's place was given away")
		}
		(*lane.Turn)(nil).Leave()
	})
}

func mustBeEmpty(t *testing.T, key string) {
	t.Helper()
	turn, waited := lane.Enter(t.Context(), key)
	if waited {
		t.Error("the lane is not empty")
	}
	turn.Leave()
}
