package scsholdfast_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/adapters/scsholdfast"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

func TestIterate(t *testing.T) {
	m, s := newManager(t)
	tokens := make([]string, 4)
	for i := range tokens {
		tokens[i] = use(t, m, "", func(ctx context.Context) {
			m.Put(ctx, "n", i)
			m.Put(ctx, "a", i)
		})
	}
	use(t, m, "", func(ctx context.Context) { m.Put(ctx, "n", 99); setDeadline(-time.Second)(ctx, m) }) // expired
	before := s.trips.Load()
	var seen []int
	err := m.Iterate(context.Background(), func(ctx context.Context) error {
		n := m.GetInt(ctx, "n")
		seen = append(seen, n)
		if left := time.Until(m.Deadline(ctx)); left < 23*time.Hour || m.Token(ctx) != "" {
			t.Errorf("deadline in %v, token %q", left, m.Token(ctx))
		}
		if keys := fmt.Sprint(m.Keys(ctx)); keys != "[a n]" {
			t.Errorf("keys %s", keys)
		}
		return nil
	})
	slices.Sort(seen)
	if err != nil || fmt.Sprint(seen) != "[0 1 2 3]" || s.trips.Load() != before {
		t.Errorf("%v, %v, %d trips", seen, err, s.trips.Load()-before)
	}

	err = m.Iterate(context.Background(), func(ctx context.Context) error {
		switch m.GetInt(ctx, "n") {
		case 1:
			return m.Destroy(ctx)
		case 2:
			m.Put(ctx, "n", 20)
			m.Remove(ctx, "a")
			m.PopInt(ctx, "a")
			_, _, err := m.Commit(ctx)
			return err
		case 3:
			m.Put(ctx, "n", 30) // not committed
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	for i, want := range []string{"0 true", "0 false", "20 false", "3 true"} {
		use(t, m, tokens[i], func(ctx context.Context) {
			if got := fmt.Sprint(m.GetInt(ctx, "n"), m.Exists(ctx, "a")); got != want {
				t.Errorf("session %d: %s, want %s", i, got, want)
			}
		})
	}
}

// Commit in Iterate loses no update of a request.
func TestIterateConflicts(t *testing.T) {
	m, _ := newManager(t)
	token := use(t, m, "", func(ctx context.Context) { m.Put(ctx, "n", 1); m.Put(ctx, "m", 1) })
	add := func(key string) error {
		return m.Iterate(context.Background(), func(ctx context.Context) error {
			m.Put(ctx, key, m.GetInt(ctx, key)+1)
			use(t, m, token, func(ctx context.Context) { m.Put(ctx, "n", m.GetInt(ctx, "n")+10) })
			_, _, err := m.Commit(ctx)
			return err
		})
	}
	if err := add("n"); !errors.Is(err, session.ErrConflict) {
		t.Errorf("%v, want ErrConflict", err)
	}
	if err := add("m"); err != nil {
		t.Error(err)
	}
	mayLose := scsholdfast.New()
	mayLose.Store, mayLose.Config = m.Store, m.Config
	mayLose.LastWriteWins = func(key string) bool { return key == "m" }
	err := mayLose.Iterate(context.Background(), func(ctx context.Context) error {
		mayLose.Put(ctx, "m", mayLose.GetInt(ctx, "m"))
		use(t, m, token, func(ctx context.Context) { m.Put(ctx, "m", 3) })
		_, _, err := mayLose.Commit(ctx)
		return err
	})
	if err != nil {
		t.Errorf("last write wins: %v", err)
	}
	use(t, m, token, func(ctx context.Context) {
		if got := fmt.Sprint(m.GetInt(ctx, "n"), m.GetInt(ctx, "m")); got != "21 2" {
			t.Errorf("n, m = %s", got)
		}
	})
}

func TestIterateCommitOfAllChanges(t *testing.T) {
	m, _ := newManager(t)
	token := use(t, m, "", func(ctx context.Context) { m.Put(ctx, "n", 1) })
	err := m.Iterate(context.Background(), func(ctx context.Context) error {
		m.GetInt(ctx, "n")
		if err := m.Clear(ctx); err != nil {
			return err
		}
		m.Put(ctx, "b", &account{1})
		m.Get(ctx, "b").(*account).Balance++
		setDeadline(time.Hour)(ctx, m)
		if _, _, err := m.Commit(ctx); err != nil {
			return err
		}
		m.Put(ctx, "c", 3)
		_, _, err := m.Commit(ctx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	use(t, m, token, func(ctx context.Context) {
		if got := fmt.Sprint(m.Keys(ctx), m.Get(ctx, "b").(*account).Balance); got != "[b c]2" && got != "[b c] 2" {
			t.Errorf("values %s", got)
		}
		if left := time.Until(m.Deadline(ctx)); left > time.Hour {
			t.Errorf("deadline in %v", left)
		}
	})
}

func TestIterateRefuses(t *testing.T) {
	m, _ := newManager(t)
	token := use(t, m, "", func(ctx context.Context) { m.Put(ctx, "n", 1) })
	stop := errors.New("stop")
	err := m.Iterate(context.Background(), func(ctx context.Context) error {
		if err := m.RenewToken(ctx); err == nil {
			t.Error("RenewToken returns no error")
		}
		if err := m.MergeSession(ctx, token); err == nil {
			t.Error("MergeSession returns no error")
		}
		mustPanic(t, func() { m.Session(ctx) })
		setDeadline(99*time.Hour)(ctx, m)
		if _, _, err := m.Commit(ctx); err == nil {
			t.Error("a later deadline was committed")
		}
		return stop
	})
	if !errors.Is(err, stop) {
		t.Error(err)
	}
	err = m.Iterate(context.Background(), func(ctx context.Context) error {
		m.Put(ctx, "x", unregistered{})
		if _, _, err := m.Commit(ctx); !errors.Is(err, session.ErrEncode) {
			t.Errorf("%v, want ErrEncode", err)
		}
		return stop
	})
	if !errors.Is(err, stop) {
		t.Error(err)
	}
	m, _ = newManager(t)
	m.Store = struct{ provider.Provider }{m.Store}
	if err := m.Iterate(context.Background(), func(context.Context) error { return nil }); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a store that cannot list: %v", err)
	}
}
