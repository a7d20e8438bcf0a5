package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/provider/migrate"
)

func TestMove(t *testing.T) {
	s := newStores(t)
	recs := fill(t, s.from, 100)
	r := s.do(exitFailed, "move", "-verify")
	says(t, r.out, "not moved 100", "not in -to 100")
	says(t, r.errOut, "not complete: 100 records of -from are not moved; run holdfast move")
	if number(t, s.to) != 0 || number(t, s.from) != 100 {
		t.Error("-verify has changed a store")
	}
	r = s.do(exitDone, "move", "-yes")
	says(t, r.out, "moved 100", "not moved 0", "complete: -from has no record", "run on -to alone")
	has(t, s.to, recs...)
	if err := s.to.Delete(t.Context(), recs[0].ID); err != nil {
		t.Fatal(err)
	}
	says(t, s.do(exitDone, "move", "-verify").out, "not moved 0", "moved, or created in -to 100", "in -to 99", "ended since 1", "complete: ")
	says(t, s.do(exitDone, "move", "-yes").out, "moved 0", "complete: ")
	says(t, s.do(exitDone, "move", "-clean", "-yes").out, "removed 100 markers")
	if n := number(t, s.from); n != 0 {
		t.Errorf("-from has %d records", n)
	}
	has(t, s.to, recs[1:]...)
}

// What was interrupted goes on.
func TestMoveGoesOn(t *testing.T) {
	s := newStores(t)
	recs := fill(t, s.from, 100)
	ctx, cancel := context.WithCancel(t.Context())
	to := s.to
	s.to = &endless{Provider: to, after: 100, do: cancel}
	r := s.runIn(ctx, "move", "-yes", "-parallel", "1", "-from", "test:from", "-to", "test:to")
	if r.code != exitFailed || r.errOut != "holdfast: interrupted\n" {
		t.Errorf("%+v", r)
	}
	says(t, r.out, "not complete: run holdfast move again")
	s.to = to
	says(t, s.do(exitFailed, "move", "-verify").errOut, "not complete: ")
	says(t, s.do(exitFailed, "move", "-clean", "-yes").errOut, "nothing was removed", "run holdfast move first")
	s.do(exitDone, "move", "-yes")
	has(t, s.to, recs...)
}

// endless does something at a Save.
type endless struct {
	provider.Provider
	after int
	do    func()
}

func (e *endless) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	if e.after--; e.after == 0 {
		e.do()
	}
	return e.Provider.Save(ctx, rec, expectVersion)
}

// refused prepares a record of each kind that cannot be moved, and two that can.
func refused(t *testing.T, s *stores) {
	t.Helper()
	fill(t, s.from, 2)
	s.to = memory.New(memory.MaxBytes(1 << 20))
	s.to = limited{s.to, 1000}
	put(t, s.from, &provider.Record{ID: "large", Version: 1, Data: make([]byte, 1001)})
	put(t, s.from, &provider.Record{ID: "unversioned"})
	put(t, s.from, &provider.Record{ID: "both", Version: 1})
	put(t, s.to, &provider.Record{ID: "both", Version: 2})
	put(t, s.from, &provider.Record{ID: "damaged", Version: 1, Format: "holdfast-migrate/moving x"})
}

// limited takes records up to a size.
type limited struct {
	provider.Provider
	size int
}

func (l limited) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	if len(rec.Data) > l.size {
		return provider.ErrTooLarge
	}
	return l.Provider.Save(ctx, rec, expectVersion)
}

func TestMoveSaysWhatIsRefused(t *testing.T) {
	s := newStores(t)
	refused(t, s)
	r := s.do(exitFailed, "move", "-dry-run")
	says(t, r.out, "to be moved 6", "would be refused 4", "over 1000 B 1", "another in -to 1", "without a positive version 1", "damaged markers 1")
	says(t, r.errOut, "4 records would be refused")
	if n := number(t, s.from); n != 6 {
		t.Errorf("-dry-run has changed -from: %d records", n)
	}
	r = s.do(exitFailed, "move", "-yes")
	says(t, r.out, "moved 2", "not moved 4", "too large 1", "another in -to 1", "without a positive version 1", "damaged markers 1", "not complete: ")
	says(t, r.errOut, "records that are not moved: 1 too large for a store, 1 in both stores")
	r = s.do(exitFailed, "move", "-verify")
	says(t, r.out, "not moved 4", "not in -to 2", "another in -to 1", "damaged markers 1", "moved, or created in -to 2")
	says(t, r.errOut, "-to has other versions of 1")
	for _, id := range []string{"large", "unversioned", "both", "damaged"} {
		for _, r := range []result{s.run("move", "-yes", "-from", "test:from", "-to", "test:to"), r} {
			if strings.Contains(r.out+r.errOut, "\""+id) {
				t.Errorf("an ID in %q", r.out+r.errOut)
			}
		}
	}
}

func TestDryRunTellsSizes(t *testing.T) {
	s := newStores(t)
	put(t, s.from, &provider.Record{ID: "a", Version: 1, Data: make([]byte, 3000)})
	put(t, s.from, &provider.Record{ID: "b", Version: 1, Data: make([]byte, 1096)})
	says(t, s.do(exitDone, "move", "-dry-run").out, "to be moved 2", "bytes 4.0 KiB", "largest 2.9 KiB", "would be refused 0")
	if number(t, s.to) != 0 {
		t.Error("-to has a record")
	}
}

// -dry-run finds the limit of -to, whatever it is.
func TestLimit(t *testing.T) {
	for _, limit := range []int{0, 1, 2, 63, 64, 65, 99, 100, 101} {
		p, err := migrate.New(memory.New(), limited{memory.New(), limit}, migrate.Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := limitOf(t.Context(), p.Probe, 100)
		if want := min(limit, 100); err != nil || got != want {
			t.Errorf("limit %d: got %d and error %v, want %d", limit, got, err, want)
		}
	}
}

func TestMoveJSON(t *testing.T) {
	s := newStores(t)
	refused(t, s)
	for _, tc := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"-dry-run"}, exitFailed, `{"left":6,"bytes":1011,"largest":1001,"marked":0,"refused":4,"tooLarge":1,"limit":1000,"inBoth":1,"unversioned":1,"damaged":1}`},
		{[]string{"-verify"}, exitFailed, `{"left":6,"moving":0,"missing":4,"same":0,"differ":1,"damaged":1,"marked":0,"ended":0,"complete":false}`},
		{[]string{"-yes"}, exitFailed, `{"moved":2,"gone":0,"changed":0,"left":4,"tooLarge":1,"inBoth":1,"unversioned":1,"damaged":1,"failed":0,"complete":false}`},
	} {
		r := s.do(tc.code, "move", append(tc.args, "-json")...)
		if r.out != tc.want+"\n" || !json.Valid([]byte(r.out)) {
			t.Errorf("%q: got\n%swant\n%s", tc.args, r.out, tc.want)
		}
	}
	s = newStores(t)
	fill(t, s.from, 2)
	s.do(exitDone, "move", "-yes")
	if r := s.do(exitDone, "move", "-clean", "-yes", "-json"); r.out != `{"removed":2}`+"\n" {
		t.Errorf("-clean: %s", r.out)
	}
}

func TestMoveWithinOneStore(t *testing.T) {
	s := newStores(t)
	fill(t, s.from, 1)
	s.to = struct{ provider.Provider }{s.from} // another value
	for _, args := range [][]string{{"move", "-yes"}, {"move", "-dry-run"}, {"copy"}} {
		says(t, s.do(exitFailed, args[0], args[1:]...).errOut, "same store")
	}
}

func TestMoveAsks(t *testing.T) {
	for _, tc := range []struct {
		args   []string
		answer string
		code   int
		left   int64
	}{
		{nil, "n\n", exitFailed, 2},
		{nil, "", exitUsage, 2}, // as from /dev/null
		{nil, "y\n", exitDone, 0},
		{[]string{"-dry-run"}, "", exitDone, 2},
	} {
		s := newStores(t)
		fill(t, s.from, 2)
		s.asks, s.input = true, tc.answer
		s.do(tc.code, "move", tc.args...)
		p, err := migrate.New(s.from, s.to, migrate.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if status, err := p.Status(t.Context()); err != nil || status.Left != tc.left {
			t.Errorf("%q, %q: %d left, want %d; %v", tc.args, tc.answer, status.Left, tc.left, err)
		}
	}
	s := newStores(t)
	fill(t, s.from, 1)
	s.do(exitDone, "move", "-yes")
	s.asks, s.input = true, "no\n"
	says(t, s.do(exitFailed, "move", "-clean").errOut, "nothing was done")
	if number(t, s.from) != 1 {
		t.Error("-clean has removed a marker")
	}
}

// A record that -from just takes has no room for its marker. -dry-run says so.
func TestDryRunProbesTheMarker(t *testing.T) {
	s := newStores(t)
	from := memory.New()
	put(t, from, &provider.Record{ID: "large", Version: 1, Data: make([]byte, 1000)})
	put(t, from, &provider.Record{ID: "small", Version: 1, Data: make([]byte, 900)})
	s.from = struct {
		provider.Provider
		provider.Lister
	}{markerLimited{from, 1000}, from}
	says(t, s.do(exitFailed, "move", "-dry-run").out, "to be moved 2", "would be refused 1", "too large for -from's marker 1")
	if number(t, from) != 2 || number(t, s.to) != 0 {
		t.Error("-dry-run has changed a store")
	}
	r := s.do(exitFailed, "move", "-yes")
	says(t, r.out, "moved 1", "too large 1")
}

// markerLimited takes records up to a size of Format and Data.
type markerLimited struct {
	provider.Provider
	size int
}

func (l markerLimited) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	if len(rec.Data)+len(rec.Format) > l.size {
		return provider.ErrTooLarge
	}
	return l.Provider.Save(ctx, rec, expectVersion)
}

// A record that cannot be moved for two reasons is one record.
func TestDryRunCountsARecordOnce(t *testing.T) {
	s := newStores(t)
	s.to = limited{memory.New(), 1000}
	put(t, s.from, &provider.Record{ID: "a", Data: make([]byte, 2000)})
	put(t, s.from, &provider.Record{ID: "b"})
	put(t, s.to, &provider.Record{ID: "b", Version: 2})
	put(t, s.from, &provider.Record{ID: "c", Version: 1, Data: make([]byte, 2000)})
	put(t, s.to, &provider.Record{ID: "c", Version: 2})
	says(t, s.do(exitFailed, "move", "-dry-run").out, "would be refused 3", "another in -to 2", "without a positive version 1")
}

// What another run would not move either is not to be tried again.
func TestMoveDoesNotAdviseARunInVain(t *testing.T) {
	s := newStores(t)
	refused(t, s)
	r := s.do(exitFailed, "move", "-yes")
	says(t, r.out, "cannot be moved as it is")
	if strings.Contains(r.out, "goes on with what is left") {
		t.Errorf("it advises another run:\n%s", r.out)
	}
}

// A question is given up when the user interrupts it.
func TestQuestionIsInterrupted(t *testing.T) {
	never, w := io.Pipe()
	defer w.Close()
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan struct{})
	stderr := writerFunc(func(b []byte) (int, error) {
		if strings.Contains(string(b), "[y/N]") {
			close(asked)
		}
		return len(b), nil
	})
	go func() {
		<-asked
		cancel()
	}()
	j := &job{tool: &tool{stdin: never, stderr: stderr, asks: true}}
	if err := j.ask(ctx, "Really?"); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want context.Canceled", err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// A call that was interrupted is no record that was not moved.
func TestInterruptedCallsAreNotCounted(t *testing.T) {
	s := newStores(t)
	fill(t, s.from, 100)
	ctx, cancel := context.WithCancel(t.Context())
	s.to = &endless{Provider: s.to, after: 100, do: cancel}
	r := s.runIn(ctx, "move", "-yes", "-parallel", "1", "-from", "test:from", "-to", "test:to")
	says(t, r.out, "not moved 0", "run holdfast move again")
}
