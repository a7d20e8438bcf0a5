package queue_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/queue"
)

func TestFirstComeFirstServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		head, waited := queue.Join(t.Context(), "record")
		if waited {
			t.Fatal("an empty queue was busy")
		}
		var order []int
		for i := range 10 {
			go func() {
				ticket, waited := queue.Join(t.Context(), "record")
				if !waited {
					t.Error("a busy queue was empty")
				}
				order = append(order, i) // one at a time: -race would tell
				ticket.Leave()
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
		ticket, waited := queue.Join(t.Context(), fmt.Sprint("record ", i))
		if waited {
			t.Fatalf("record %d waited", i)
		}
		defer ticket.Leave()
	}
}

func TestATicketThatIsGivenUpIsSkipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		head, _ := queue.Join(t.Context(), "record")
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		got := make(chan *queue.Ticket, 1)
		go func() {
			ticket, _ := queue.Join(impatient, "record")
			got <- ticket
		}()
		synctest.Wait()
		patient := make(chan *queue.Ticket, 1)
		go func() {
			ticket, _ := queue.Join(t.Context(), "record")
			patient <- ticket
		}()
		if ticket := <-got; ticket != nil {
			t.Error("a ticket after the context had ended")
		}
		head.Leave()
		(<-patient).Leave()
		mustBeEmpty(t, "record")
	})
}

func TestLeavingTwiceIsHarmless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, _ := queue.Join(t.Context(), "record")
		first.Leave()
		second, _ := queue.Join(t.Context(), "record")
		first.Leave()
		done := make(chan bool)
		go func() {
			third, waited := queue.Join(t.Context(), "record")
			third.Leave()
			done <- waited
		}()
		synctest.Wait()
		second.Leave()
		if !<-done {
			t.Error("the second's place was given away")
		}
		(*queue.Ticket)(nil).Leave()
	})
}

func mustBeEmpty(t *testing.T, key string) {
	t.Helper()
	ticket, waited := queue.Join(t.Context(), key)
	if waited {
		t.Error("the queue is not empty")
	}
	ticket.Leave()
}
