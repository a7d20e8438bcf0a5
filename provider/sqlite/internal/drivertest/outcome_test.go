package drivertest

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/sqlite"
)

// An outcome is how certain an error is.
type outcome struct{ notSaved, refused bool }

var (
	inDoubt  = outcome{}
	notSaved = outcome{notSaved: true}
	refused  = outcome{notSaved: true, refused: true}
)

// ends wants changes to end with an error of that outcome.
func ends(t *testing.T, ctx context.Context, p *sqlite.Provider, want outcome) {
	t.Helper()
	for name, change := range map[string]func() error{
		"create":    func() error { return p.Save(ctx, storetest.NewRecord(), 0) },
		"update":    func() error { return p.Save(ctx, storetest.NewRecord(), 7) },
		"unchecked": func() error { return p.Save(ctx, storetest.NewRecord(), -1) },
		"delete":    func() error { return p.Delete(ctx, "none") },
	} {
		isOutcome(t, name, change(), want)
	}
}

func isOutcome(t *testing.T, name string, err error, want outcome) {
	t.Helper()
	got := outcome{errors.Is(err, provider.ErrNotSaved), errors.Is(err, provider.ErrRefused)}
	if err == nil || got != want || errors.Is(err, provider.ErrVersionConflict) {
		t.Errorf("%s: got %+v, want %+v: %v", name, got, want, err)
	}
}

// What was not begun, and what SQLite refused, has certainly not been saved.
func TestNotSaved(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		for name, test := range map[string]struct {
			open func(t *testing.T) *sqlite.Provider
			want outcome
		}{
			"a closed pool": {func(t *testing.T) *sqlite.Provider {
				p, db, _ := b.store(t)
				db.Close()
				return p
			}, notSaved},
			"a missing directory": {func(t *testing.T) *sqlite.Provider {
				p, _ := b.at(t, filepath.Join(t.TempDir(), "none", "test.db"))
				return p
			}, refused},
			"a missing table": {func(t *testing.T) *sqlite.Provider {
				_, db, _ := b.store(t)
				return sqlite.New(db, sqlite.Table("another"))
			}, refused},
		} {
			t.Run(name, func(t *testing.T) { ends(t, t.Context(), test.open(t), test.want) })
		}
	})
}

// The time is over before there is a connection.
func TestNotSavedForWantOfAConnection(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		p, db, _ := b.store(t)
		storetest.Save(t, p, storetest.NewRecord(), 0, nil)
		held, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer held.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		err = p.Save(ctx, storetest.NewRecord(), 0)
		isOutcome(t, "Save", err, refused)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got error %v, want DeadlineExceeded", err)
		}
	})
}

// A writer that does not come to an end keeps others from writing, and not from reading.
// Others are refused when their time is over.
func TestLockedDatabase(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		p, _, path := b.store(t)
		rec := storetest.NewRecord()
		storetest.Save(t, p, rec, 0, nil)
		_, other := b.at(t, path)
		blocker := lock(t, other)
		blocker.exec("DELETE FROM holdfast_sessions")
		late := storetest.Next(rec)
		certain := 0
		storetest.Eventually(t, "refused", func() bool {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
			var errs [3]error
			done := make(chan int)
			for i := range errs { // the first waits for the lock, the others for their turn
				go func() { errs[i] = p.Save(ctx, late, rec.Version); done <- i }()
			}
			for range errs {
				<-done
			}
			cancel()
			for _, err := range errs {
				wantTimedOut(t, err)
				tellsNothing(t, err, rec)
				if errors.Is(err, provider.ErrRefused) {
					certain++
				}
			}
			storetest.WantRecord(t, p, rec)
			return certain >= 9
		})
		blocker.exec("ROLLBACK")
		blocker.exec("BEGIN") // nothing to commit
		blocker.commit()
		storetest.WantRecord(t, p, rec)
		storetest.Save(t, p, late, rec.Version, nil)
	})
}

// wantTimedOut wants a Save to have ended for want of time: it was refused, unless its time
// was over in the moment of a try.
func wantTimedOut(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v, want DeadlineExceeded", err)
	}
	if errors.Is(err, provider.ErrNotSaved) {
		isOutcome(t, "Save", err, refused)
	} else {
		isOutcome(t, "Save", err, inDoubt)
	}
}

// A failure after a statement has begun leaves its outcome open, unless SQLite says that
// the statement was rolled back.
func TestCertaintyOfErrors(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		for name, test := range map[string]struct {
			err  error
			want outcome
			is   error
		}{
			"I/O error":         {code(10), inDoubt, nil},
			"failed sync":       {code(1034), inDoubt, nil},
			"corrupt":           {code(11), inDoubt, nil},
			"out of memory":     {code(7), inDoubt, nil},
			"unknown":           {errors.New("broken"), inDoubt, nil},
			"full":              {code(13), refused, provider.ErrFull},
			"read-only":         {code(8), refused, nil},
			"moved":             {code(1032), refused, nil},
			"interrupted":       {code(9), inDoubt, nil},
			"too big":           {code(18), refused, provider.ErrTooLarge},
			"constraint":        {code(1811), refused, nil},
			"not a database":    {code(26), refused, nil},
			"context cancelled": {context.Canceled, inDoubt, context.Canceled},
		} {
			t.Run(name, func(t *testing.T) {
				_, _, path := b.store(t)
				wire := tap{after: func(string, error) error { return test.err }}
				p := sqlite.New(wire.open(t, b, path, writing...))
				for _, expectVersion := range []int64{0, 7, -1} {
					err := p.Save(t.Context(), storetest.NewRecord(), expectVersion)
					isOutcome(t, fmt.Sprint("expecting ", expectVersion), err, test.want)
					if test.is != nil && !errors.Is(err, test.is) {
						t.Errorf("got error %v, want %v", err, test.is)
					}
				}
				isOutcome(t, "Delete", p.Delete(t.Context(), "x"), test.want)
			})
		}
	})
}

// code is an error of a driver.
type code int

func (c code) Error() string { return "secret" }
func (c code) Code() int     { return int(c) }

// A connection that is not usable any more is replaced, and the statement is run once.
func TestBadConnection(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		_, _, path := b.store(t)
		failures := 0
		wire := tap{}
		wire.after = func(_ string, err error) error {
			if failures++; failures == 1 {
				return driver.ErrBadConn
			}
			return err
		}
		p := sqlite.New(wire.open(t, b, path, writing...))
		rec := storetest.NewRecord()
		storetest.Save(t, p, rec, 0, nil)
		storetest.WantRecord(t, p, rec)
	})
}

// A call returns soon after its context has ended, and a Save that was given up does not
// land later.
func TestAbandonedSaveDoesNotLand(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		for name, pragmas := range map[string][]string{"wait of the package": nil, "wait of SQLite": {"busy_timeout(60000)"}} {
			t.Run(name, func(t *testing.T) {
				beside, db, path := b.store(t)
				rec := storetest.NewRecord()
				storetest.Save(t, beside, rec, 0, nil)
				var wire tap
				p := sqlite.New(wire.open(t, b, path, append(pragmas, writing...)...))
				blocker := lock(t, db)
				ctx, cancel := context.WithCancel(t.Context())
				saved := make(chan error, 1)
				go func() { saved <- p.Save(ctx, storetest.Next(rec), rec.Version) }()
				storetest.Eventually(t, "begun", func() bool { return len(wire.statements("UPDATE")) > 0 })
				cancel()
				if err := <-saved; !errors.Is(err, context.Canceled) {
					t.Errorf("got error %v, want Canceled", err)
				}
				blocker.commit()
				storetest.Save(t, p, storetest.NewRecord(), 0, nil) // after whatever was waiting
				storetest.WantRecord(t, p, rec)
			})
		}
	})
}
