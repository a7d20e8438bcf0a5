package txn_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session/internal/records"
	"github.com/holdfast-go/holdfast/session/internal/txn"
)

// execution is one order of the calls of a few requests to the store, and of what fails.
// At each step it does one of the things that can happen next. The path says which. The
// pauses between attempts are random, so an execution may differ from the one whose path
// it continues.
type execution struct {
	begin  []func() // of the requests that have not begun
	path   []int    // the choices, of which those beyond its end are 0
	widths []int    // the number of options at each step, up to one that had too few for the path
	differ bool     // there was such a step
	faults int      // that may still happen
	elapse int      // how often MaxWait may still pass while something else could happen

	mu    sync.Mutex
	calls []*storeCall
	late  []func() // saves whose caller got no answer
	trace []string
}

// storeCall is a call to the store that has not been answered.
type storeCall struct {
	by     string // the letter of the requester
	name   string
	apply  func() error
	answer chan error
}

// byKey is the context key of the letter of a requester.
type byKey struct{}

// option is something that can happen next.
type option struct {
	what string
	do   func()
}

// call is a call to the store. It returns when the execution says so.
func (x *execution) call(ctx context.Context, name string, apply func() error) error {
	by, _ := ctx.Value(byKey{}).(string)
	c := &storeCall{by, name, apply, make(chan error)}
	x.mu.Lock()
	x.calls = append(x.calls, c)
	slices.SortStableFunc(x.calls, func(a, b *storeCall) int { return strings.Compare(a.by, b.by) })
	x.mu.Unlock()
	return <-c.answer
}

// watch makes the calls of w's store those of x.
func (x *execution) watch(w *world) {
	w.via.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
		copied := *rec
		copied.Data = slices.Clone(rec.Data)
		return x.call(ctx, "save", func() error { return next(context.Background(), &copied, expect) })
	}
	w.via.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (rec *provider.Record, err error) {
		err = x.call(ctx, "fetch", func() (err error) {
			rec, err = next(ctx, id)
			return err
		})
		return rec, err
	}
}

// options returns what can happen next.
func (x *execution) options() (all []option) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i, begin := range x.begin {
		all = append(all, option{fmt.Sprint("begin ", i), func() { x.begin = slices.Delete(x.begin, i, i+1); begin() }})
	}
	for i, c := range x.calls {
		answer := func(fault bool, how func() error) func() {
			return func() {
				if fault {
					x.faults--
				}
				x.calls = slices.Delete(x.calls, i, i+1)
				c.answer <- how()
			}
		}
		all = append(all, option{c.by + ": " + c.name, answer(false, c.apply)})
		if x.faults == 0 {
			continue
		}
		if c.name == "fetch" {
			all = append(all, option{"fetch fails", answer(true, func() error { return errBroken })})
			continue
		}
		all = append(all,
			option{"save lands without an answer", answer(true, func() error { _ = c.apply(); return errBroken })},
			option{"save is late", answer(true, func() error { x.late = append(x.late, func() { _ = c.apply() }); return errBroken })},
			option{"save is refused", answer(true, func() error { return provider.ErrRefused })},
		)
	}
	for i, arrive := range x.late {
		all = append(all, option{"the late save arrives", func() { x.late = slices.Delete(x.late, i, i+1); arrive() }})
	}
	if x.elapse > 0 && len(x.calls) > 0 {
		all = append(all, option{"100 ms pass", func() { x.elapse--; elapse(txn.MaxWait) }})
	}
	return all
}

// run takes all steps.
func (x *execution) run() {
	for step := 0; ; step++ {
		synctest.Wait()
		all := x.options()
		if len(all) == 0 {
			elapse(timeout) // pauses end, and so does waiting
			synctest.Wait()
			if all = x.options(); len(all) == 0 {
				return
			}
		}
		if step == len(x.path) {
			x.path = append(x.path, 0)
		}
		if last := len(all) - 1; x.path[step] > last {
			x.path[step], x.differ = last, true
		}
		if !x.differ {
			x.widths = append(x.widths, len(all))
		}
		chosen := all[x.path[step]]
		x.trace = append(x.trace, chosen.what)
		chosen.do()
	}
}

// next returns the path of the next execution, or nil after the last.
func (x *execution) next() []int {
	for i := len(x.widths) - 1; i >= 0; i-- {
		if x.path[i]+1 < x.widths[i] {
			return append(slices.Clone(x.path[:i]), x.path[i]+1)
		}
	}
	return nil
}

// requester is a request of an execution, which puts its letter into the key n.
type requester struct {
	letter string
	reads  bool // by Get and Set, and not by Update
	saw    string
	ended  bool
	err    error
}

func (r *requester) begin(w *world) {
	v := w.visit(first)
	v.req.ctx = context.WithValue(v.req.ctx, byKey{}, r.letter)
	if r.reads {
		r.saw = v.get("n")
		v.set("n", r.saw+r.letter)
	} else {
		v.appends("n", r.letter)
	}
	go func() {
		r.err = v.commit()
		r.ended = true
	}()
}

// check returns what is wrong with the answer, if n is what was stored in the end.
func (r *requester) check(n string) string {
	times := strings.Count(n, r.letter)
	switch {
	case !r.ended:
		return "was not answered"
	case times > 1:
		return "is saved twice"
	case r.err == nil && times == 0:
		return "is lost"
	case r.err != nil && !errors.Is(r.err, records.ErrOutcomeUnknown) && times > 0:
		return fmt.Sprintf("is saved, and was told %v", r.err)
	case r.reads && times > 0 && !strings.HasPrefix(n, r.saw+r.letter):
		return fmt.Sprintf("has read %q, which is not what was before it", r.saw)
	case r.err != nil && !errors.Is(r.err, records.ErrUnavailable) && !(r.reads && errors.Is(r.err, txn.ErrConflict)):
		return fmt.Sprintf("has got %v", r.err)
	}
	return ""
}

// TestGroupsInEveryOrder runs three requests of one session in every order of their
// calls, with a failure of each call, and, in the second case, with a request of another
// instance.
func TestGroupsInEveryOrder(t *testing.T) {
	for _, tc := range []struct {
		rule       string
		requesters func() []*requester
		elsewhere  int // so many of them, the last ones, are of another instance
		faults     int
		elapse     int
	}{
		{"updates", func() []*requester { return []*requester{{letter: "x"}, {letter: "y"}, {letter: "z"}} }, 0, 1, 1},
		{"an update, and two that read first", func() []*requester {
			return []*requester{{letter: "x"}, {letter: "r", reads: true}, {letter: "s", reads: true}}
		}, 0, 1, 0},
		{"two updates and one of another instance", func() []*requester {
			return []*requester{{letter: "x"}, {letter: "y"}, {letter: "z"}}
		}, 1, 1, 0},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			executions, joined := 0, 0
			for path := []int{}; path != nil; executions++ {
				synctest.Test(t, func(t *testing.T) {
					w, second := newWorld(t, txn.LevelSerializable), newWorld(t, txn.LevelSerializable)
					w.put(first, content("a=1 n=0"))
					second.mem, second.via.Provider = w.mem, w.mem
					x := &execution{path: path, faults: tc.faults, elapse: tc.elapse}
					x.watch(w)
					x.watch(second)
					all := tc.requesters()
					for i, r := range all {
						of := w
						if i >= len(all)-tc.elsewhere {
							of = second
						}
						x.begin = append(x.begin, func() { r.begin(of) })
					}
					x.run()
					stored := text(w.get(first))
					for _, r := range all {
						if wrong := r.check(stored[strings.Index(stored, "n=")+2:]); wrong != "" {
							t.Errorf("%s %s; stored %q; executed: %s", r.letter, wrong, stored, strings.Join(x.trace, ", "))
						}
					}
					for _, e := range w.events {
						if e.Joined {
							joined++
						}
					}
					path = x.next()
				})
				if t.Failed() {
					return
				}
			}
			t.Logf("%d executions, %d commits saved by others", executions, joined)
			if joined == 0 {
				t.Error("no group was formed")
			}
		})
	}
}
