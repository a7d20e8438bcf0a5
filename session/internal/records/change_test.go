package records_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/queue"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

var errNo = errors.New("no")

// change is a records.Change that appends "+mine" to the value, and notes what it was
// asked.
type change struct {
	base     *records.Content
	edit     func(current *records.Content) (*records.Content, error)
	check    func(current *records.Content, afterUnknown bool) error
	unqueued bool
	asked    []string
}

func newChange(base *records.Content) *change {
	c := &change{base: base}
	c.edit = func(current *records.Content) (*records.Content, error) {
		c.asked = append(c.asked, "edit "+text(current))
		if current == nil {
			return content("mine"), nil
		}
		return edited(current, text(current)+"+mine"), nil
	}
	c.check = func(current *records.Content, afterUnknown bool) error {
		asked := "check " + text(current)
		if afterUnknown {
			asked += " after unknown"
		}
		c.asked = append(c.asked, asked)
		return nil
	}
	return c
}

func (c *change) Edit(current *records.Content) (*records.Content, error) { return c.edit(current) }

func (c *change) Check(current *records.Content, afterUnknown bool) error {
	return c.check(current, afterUnknown)
}

// do makes the change.
func (c *change) do(a *records.Access) (*records.Content, error) {
	if c.unqueued {
		return a.ChangeUnqueued(id, c.base, c.edit)
	}
	return a.Change(id, c.base, c)
}

func (c *change) wantAsked(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(c.asked, want) {
		t.Errorf("asked: %q, want %q", c.asked, want)
	}
}

// begun returns a rig with a record, and its content.
func begun(t *testing.T) (*rig, *records.Content) {
	r, base := newRig(t), content("base")
	r.put(id, base)
	return r, base
}

func TestChangeIsOneSaveWithoutAConflict(t *testing.T) {
	r, base := begun(t)
	c := newChange(base)
	a := r.Access(t.Context(), nil)
	saved, err := c.do(&a)
	if err != nil || text(saved) != "base+mine" || saved.Version != r.get(id).Version {
		t.Errorf("saved %q, %v", text(saved), err)
	}
	c.wantAsked(t, "edit base")
	r.wantCalls(1, 0)
	if a.Conflicts() != 0 || a.Ticket() != nil {
		t.Errorf("%d conflicts, ticket %v", a.Conflicts(), a.Ticket())
	}
}

func TestChangeOfNothingMakesARecord(t *testing.T) {
	r := newRig(t)
	c := newChange(nil)
	a := r.Access(t.Context(), nil)
	if _, err := c.do(&a); err != nil {
		t.Error(err)
	}
	c.wantAsked(t, "edit nothing")
	r.wantStored(id, "mine")
}

func TestChangeIsMadeAgainOnTheNewest(t *testing.T) {
	for _, tc := range []struct {
		rule      string
		saves     []saveHook
		asked     []string
		conflicts int
		stored    string
	}{
		{
			"after a conflict",
			[]saveHook{before(rivals(1), pass)},
			[]string{"edit base", "check theirs", "edit theirs"},
			1,
			"theirs+mine",
		},
		{
			"after each of several",
			[]saveHook{before(rivals(1), pass), before(rivals(1), bare), pass},
			[]string{"edit base", "check theirs", "edit theirs", "check theirs", "edit theirs"},
			2,
			"theirs+mine",
		},
		{
			"after an unknown outcome",
			[]saveHook{after(dropped, rivals(1))},
			[]string{"edit base", "check theirs after unknown", "edit theirs"},
			1,
			"theirs+mine",
		},
		{
			"not after one that has landed",
			[]saveHook{after(landed, rivals(1))},
			[]string{"edit base"},
			0,
			"theirs",
		},
		{
			"where the record is gone",
			[]saveHook{before(erase, pass)},
			[]string{"edit base", "check nothing", "edit nothing"},
			1,
			"mine",
		},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, base := begun(t)
				r.onSave = tc.saves
				c := newChange(base)
				a := r.Access(t.Context(), nil)
				defer a.Leave()
				if _, err := c.do(&a); err != nil {
					t.Error(err)
				}
				c.wantAsked(t, tc.asked...)
				r.wantStored(id, tc.stored)
				if a.Conflicts() != tc.conflicts {
					t.Errorf("%d conflicts, want %d", a.Conflicts(), tc.conflicts)
				}
			})
		})
	}
}

func TestChangeWithoutACheck(t *testing.T) {
	r, base := begun(t)
	r.onSave = []saveHook{before(rivals(1), pass)}
	c := newChange(base)
	a := r.Access(t.Context(), nil)
	defer a.Leave()
	if _, err := a.Change(id, base, records.Edit[*records.Content](c.edit)); err != nil {
		t.Error(err)
	}
	r.wantStored(id, "theirs+mine")
}

func TestEditEndsAChange(t *testing.T) {
	for _, tc := range []struct {
		rule  string
		saves []saveHook
		stop  string // the value that Edit changes nothing of
		err   error
		asked []string
		sent  int64
	}{
		{"nil at once: nothing is sent", nil, "base", nil, []string{"edit base"}, 0},
		{"an error at once", nil, "base", errNo, []string{"edit base"}, 0},
		{"nil after a conflict", []saveHook{before(rivals(1), pass)}, "theirs", nil, []string{"edit base", "check theirs", "edit theirs"}, 1},
		{"an error after a conflict", []saveHook{before(rivals(1), pass)}, "theirs", errNo, []string{"edit base", "check theirs", "edit theirs"}, 1},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			r, base := begun(t)
			r.onSave = tc.saves
			c := newChange(base)
			edit := c.edit
			c.edit = func(current *records.Content) (*records.Content, error) {
				next, err := edit(current)
				switch {
				case text(current) != tc.stop:
					return next, err
				case tc.err != nil:
					return next, tc.err
				default:
					return nil, nil
				}
			}
			a := r.Access(t.Context(), nil)
			defer a.Leave()
			saved, err := c.do(&a)
			if saved != nil || !errors.Is(err, tc.err) {
				t.Errorf("saved %q, %v", text(saved), err)
			}
			c.wantAsked(t, tc.asked...)
			r.wantCalls(tc.sent, 0)
			r.wantStored(id, tc.stop)
		})
	}
}

func TestErrorOfTheSaveEndsAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, base := begun(t)
		r.onSave = slices.Repeat([]saveHook{dropped}, 4)
		c := newChange(base)
		a := r.Access(t.Context(), nil)
		saved, err := c.do(&a)
		if saved != nil {
			t.Errorf("saved %q", text(saved))
		}
		wantErr(t, err, records.ErrOutcomeUnknown)
		c.wantAsked(t, "edit base")
	})
}

// inQueue runs fn while another is served in the queue of the record, and calls leave
// once fn can only wait.
func inQueue(t *testing.T, fn func(), leave func()) {
	t.Helper()
	head, _ := queue.Join(t.Context(), id)
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn()
	}()
	synctest.Wait()
	leave()
	head.Leave()
	<-done
}

func TestCheckIsAskedBeforeTheQueueAndAgainAfterwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, base := begun(t)
		r.onSave = []saveHook{before(rivals(1), pass)}
		c := newChange(base)
		a := r.Access(t.Context(), nil)
		defer a.Leave()
		inQueue(t, func() {
			if _, err := c.do(&a); err != nil {
				t.Error(err)
			}
		}, func() {
			c.wantAsked(t, "edit base", "check theirs")
			r.put(id, edited(r.get(id), "later"))
		})
		c.wantAsked(t, "edit base", "check theirs", "check later", "edit later")
		r.wantStored(id, "later+mine")
		r.wantCalls(2, 1)
	})
}

func TestCheckThatFails(t *testing.T) {
	t.Run("costs no place in the queue", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, base := begun(t)
			r.onSave = []saveHook{before(rivals(1), pass)}
			c := newChange(base)
			c.check = func(*records.Content, bool) error { return errNo }
			a := r.Access(t.Context(), nil)
			inQueue(t, func() {
				start := time.Now()
				_, err := c.do(&a)
				wantErr(t, err, errNo)
				if took := time.Since(start); took > 0 {
					t.Errorf("took %v", took)
				}
			}, func() { elapse(time.Second) })
			r.wantCalls(1, 0)
		})
	})
	t.Run("ends the change after it has waited", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, base := begun(t)
			r.onSave = []saveHook{before(rivals(1), pass)}
			c := newChange(base)
			c.check = func(current *records.Content, _ bool) error {
				if text(current) == "later" {
					return errNo
				}
				return nil
			}
			a := r.Access(t.Context(), nil)
			defer a.Leave()
			inQueue(t, func() {
				_, err := c.do(&a)
				wantErr(t, err, errNo)
			}, func() { r.put(id, edited(r.get(id), "later")) })
			c.wantAsked(t, "edit base")
			r.wantStored(id, "later")
		})
	})
}

func TestPlaceInTheQueue(t *testing.T) {
	busy := func(t *testing.T) bool {
		t.Helper()
		ticket, waited := queue.Join(t.Context(), id)
		ticket.Leave()
		return waited
	}
	t.Run("is kept after the change, until it is given up", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, base := begun(t)
			r.onSave = []saveHook{before(rivals(1), pass)}
			a := r.Access(t.Context(), nil)
			if _, err := newChange(base).do(&a); err != nil || a.Ticket() == nil {
				t.Errorf("ticket %v, %v", a.Ticket(), err)
			}
			inBackground(t, a.Leave, func() {
				if !busy(t) {
					t.Error("no place in the queue")
				}
			})
			if a.Ticket() != nil || busy(t) {
				t.Error("the place was not given up")
			}
		})
	})
	t.Run("is taken over from an earlier commit", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, base := begun(t)
			r.onSave = []saveHook{before(rivals(1), pass)}
			ticket, _ := queue.Join(t.Context(), id)
			a := r.Access(t.Context(), ticket)
			if _, err := newChange(base).do(&a); err != nil || a.Ticket() != ticket {
				t.Errorf("ticket %p, %v, want %p", a.Ticket(), err, ticket)
			}
			a.Leave()
			r.wantCalls(2, 0)
		})
	})
	t.Run("is not waited for longer than Timeout", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, base := begun(t)
			r.onSave = []saveHook{before(rivals(1), pass)}
			head, _ := queue.Join(t.Context(), id)
			defer head.Leave()
			a := r.Access(t.Context(), nil)
			start := time.Now()
			if _, err := newChange(base).do(&a); err != nil {
				t.Error(err)
			}
			if took := time.Since(start); took != timeout {
				t.Errorf("waited %v, want %v", took, timeout)
			}
			r.wantStored(id, "theirs+mine")
		})
	})
	t.Run("is not needed by a change that is Unqueued", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, base := begun(t)
			r.onSave = []saveHook{before(rivals(1), pass)}
			head, _ := queue.Join(t.Context(), id)
			defer head.Leave()
			c := newChange(base)
			c.unqueued = true
			a := r.Access(t.Context(), nil)
			start := time.Now()
			if _, err := c.do(&a); err != nil {
				t.Error(err)
			}
			if took := time.Since(start); took > 0 || a.Ticket() != nil || a.Conflicts() != 0 {
				t.Errorf("took %v, ticket %v, %d conflicts", took, a.Ticket(), a.Conflicts())
			}
			r.wantStored(id, "theirs+mine")
		})
	})
}

// inBackground runs fn after other has begun to wait.
func inBackground(t *testing.T, fn, other func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		other()
	}()
	synctest.Wait()
	fn()
	<-done
}

func TestConflicts(t *testing.T) {
	for _, unqueued := range []bool{false, true} {
		t.Run(fmt.Sprintf("cost no time until there have been many, unqueued %v", unqueued), func(t *testing.T) {
			for _, tc := range []struct {
				conflicts int
				pauses    bool
			}{{1, false}, {8, false}, {20, true}} {
				synctest.Test(t, func(t *testing.T) {
					r, base := begun(t)
					r.onSave = slices.Repeat([]saveHook{before(rivals(1), pass)}, tc.conflicts)
					c := newChange(base)
					c.unqueued = unqueued
					a := r.Access(t.Context(), nil)
					defer a.Leave()
					start := time.Now()
					if _, err := c.do(&a); err != nil {
						t.Error(err)
					}
					if took := time.Since(start); took > 0 != tc.pauses {
						t.Errorf("%d conflicts took %v", tc.conflicts, took)
					}
					r.wantStored(id, "theirs+mine")
				})
			}
		})
		t.Run(fmt.Sprintf("end with the time, unqueued %v", unqueued), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, base := begun(t)
				r.onSave = slices.Repeat([]saveHook{before(rivals(1), pass)}, 100_000)
				c := newChange(base)
				c.unqueued = unqueued
				a := r.Access(t.Context(), nil)
				defer a.Leave()
				start := time.Now()
				_, err := c.do(&a)
				wantErr(t, err, records.ErrUnavailable)
				if took := time.Since(start); took < timeout || took > timeout+time.Second {
					t.Errorf("took %v, want about %v", took, timeout)
				}
				r.wantStored(id, "theirs")
			})
		})
	}
}
