package scsholdfast_test

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/adapters/scsholdfast"
	"github.com/holdfast-go/holdfast/session"
)

type manager = *scsholdfast.SessionManager

type profile struct {
	Name string
	Tags []string
}

type unregistered struct{ Name string }

func init() {
	gob.Register(time.Time{})
	gob.Register(profile{})
	gob.Register(&account{})
	gob.Register(map[string]int{})
}

type account struct{ Balance int }

// Every type that has a getter comes back from the store.
func TestTypes(t *testing.T) {
	m, _ := newManager(t)
	at := time.Date(2026, 11, 29, 12, 0, 0, 5, time.UTC)
	token := use(t, m, "", func(ctx context.Context) {
		for key, value := range map[string]any{
			"string": "s", "bool": true, "int": 1, "int64": int64(2), "int32": int32(3), "float": 4.5,
			"bytes": []byte("b"), "time": at, "struct": profile{"Ann", []string{"x"}}, "pointer": &account{6}, "nil": nil, "": "no name",
		} {
			m.Put(ctx, key, value)
		}
	})
	use(t, m, token, func(ctx context.Context) {
		got := fmt.Sprintln(
			m.GetString(ctx, "string"), m.GetBool(ctx, "bool"), m.GetInt(ctx, "int"), m.GetInt64(ctx, "int64"), m.GetInt32(ctx, "int32"),
			m.GetFloat(ctx, "float"), m.GetBytes(ctx, "bytes"), m.GetTime(ctx, "time").Equal(at), m.Get(ctx, "struct"),
			m.Get(ctx, "pointer").(*account).Balance, m.Get(ctx, "nil"), m.Exists(ctx, "nil"), m.GetString(ctx, ""),
		)
		if want := "s true 1 2 3 4.5 [98] true {Ann [x]} 6 <nil> true no name\n"; got != want {
			t.Errorf("\ngot  %s\nwant %s", got, want)
		}
		if m.GetInt(ctx, "string") != 0 || m.GetString(ctx, "int") != "" || m.GetBytes(ctx, "nil") != nil {
			t.Error("a value of another type is not zero")
		}
		if keys := m.Keys(ctx); len(keys) != 12 || keys[0] != "" {
			t.Errorf("keys %q", keys)
		}
		for _, pop := range []any{
			m.PopString(ctx, "string"), m.PopBool(ctx, "bool"), m.PopInt(ctx, "int"), m.PopFloat(ctx, "float"),
			string(m.PopBytes(ctx, "bytes")), m.PopTime(ctx, "time").Unix(),
		} {
			if pop == nil || fmt.Sprint(pop) == "" || pop == 0 {
				t.Errorf("popped %v", pop)
			}
		}
	})
	use(t, m, token, func(ctx context.Context) {
		if got := fmt.Sprintf("%q", m.Keys(ctx)); got != `["" "int32" "int64" "nil" "pointer" "struct"]` {
			t.Errorf("left %s", got)
		}
	})
}

// As in scs, a value that is changed in place is saved if the session is.
func TestChangeInPlace(t *testing.T) {
	for name, test := range map[string]struct {
		change func(ctx context.Context, m manager)
		want   int
	}{
		"after put": {func(ctx context.Context, m manager) {
			a := &account{1}
			m.Put(ctx, "a", a)
			a.Balance = 7
		}, 7},
		"after get, with another change": {func(ctx context.Context, m manager) {
			m.Get(ctx, "a").(*account).Balance = 8
			m.Put(ctx, "other", 1)
		}, 8},
		"after get, without another change": {func(ctx context.Context, m manager) {
			m.Get(ctx, "a").(*account).Balance = 9
		}, 5},
		"replaced by a key": {func(ctx context.Context, m manager) {
			m.Get(ctx, "a").(*account).Balance = 10
			session.NewKey[*account]("a").Set(m.Session(ctx), &account{11})
			m.Put(ctx, "other", 1)
		}, 11},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := newManager(t)
			token := use(t, m, "", func(ctx context.Context) { m.Put(ctx, "a", &account{5}) })
			v := app(t, m, func(w http.ResponseWriter, r *http.Request) { test.change(r.Context(), m) })
			v.cookie = &http.Cookie{Name: "session", Value: token}
			v.get("/")
			use(t, m, token, func(ctx context.Context) {
				if got := m.Get(ctx, "a").(*account).Balance; got != test.want {
					t.Errorf("%d, want %d", got, test.want)
				}
			})
		})
	}
}

// With an idle timeout, scs saves at every request.
func TestChangeInPlaceWithIdleTimeout(t *testing.T) {
	m, _ := newManager(t)
	m.IdleTimeout = time.Hour
	token := use(t, m, "", func(ctx context.Context) { m.Put(ctx, "m", map[string]int{"a": 1, "b": 2}) })
	use(t, m, token, func(ctx context.Context) { m.Get(ctx, "m").(map[string]int)["a"] = 3 })
	use(t, m, token, func(ctx context.Context) {
		if got := m.Get(ctx, "m").(map[string]int)["a"]; got != 3 {
			t.Errorf("%d, want 3", got)
		}
	})
}

// A map that is only read is not a change, though its bytes may differ each time.
func TestReadMapIsNoChange(t *testing.T) {
	m, s := newManager(t)
	m.IdleTimeout = time.Hour
	big := map[string]int{}
	for i := range 50 {
		big[fmt.Sprint(i)] = i
	}
	token := use(t, m, "", func(ctx context.Context) { m.Put(ctx, "m", big) })
	before := s.trips.Load()
	use(t, m, token, func(ctx context.Context) { m.Get(ctx, "m") })
	if got := s.trips.Load() - before; got != 1 {
		t.Errorf("%d trips, want the 1 of the load", got)
	}
}

func TestValueThatCannotBeEncoded(t *testing.T) {
	m, _ := newManager(t)
	ctx, err := m.Load(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	m.Put(ctx, "x", unregistered{"Ann"})
	if got, _ := m.Get(ctx, "x").(unregistered); got.Name != "Ann" {
		t.Errorf("this request gets %v", got)
	}
	_, _, err = m.Commit(ctx)
	if !errors.Is(err, session.ErrEncode) {
		t.Fatalf("%v, want ErrEncode", err)
	}
	t.Log(err)
}

// A value that cannot be encoded is gone when its key is removed.
func TestRemoveValueThatCannotBeEncoded(t *testing.T) {
	for name, remove := range map[string]func(ctx context.Context, m manager) error{
		"remove":  func(ctx context.Context, m manager) error { m.Remove(ctx, "x"); return nil },
		"pop":     func(ctx context.Context, m manager) error { _ = m.Pop(ctx, "x").(unregistered); return nil },
		"clear":   func(ctx context.Context, m manager) error { m.Put(ctx, "y", 1); return m.Clear(ctx) },
		"destroy": func(ctx context.Context, m manager) error { return m.Destroy(ctx) },
	} {
		m, _ := newManager(t)
		ctx, err := m.Load(context.Background(), "")
		if err != nil {
			t.Fatal(err)
		}
		m.Put(ctx, "x", unregistered{"Ann"})
		if err := remove(ctx, m); err != nil || m.Exists(ctx, "x") {
			t.Errorf("%s: exists %v, %v", name, m.Exists(ctx, "x"), err)
		}
	}
}

// A Key of package session and the methods of scs share their values.
func TestKey(t *testing.T) {
	m, _ := newManager(t)
	visits := session.NewKey[int]("visits")
	token := use(t, m, "", func(ctx context.Context) { m.Put(ctx, "visits", 1) })
	add := func(n int) int { return n + 1 }
	use(t, m, token, func(ctx context.Context) {
		visits.Update(m.Session(ctx), add)
		use(t, m, token, func(ctx context.Context) { visits.Update(m.Session(ctx), add) })
	})
	use(t, m, token, func(ctx context.Context) {
		if n := m.GetInt(ctx, "visits"); n != 3 {
			t.Errorf("%d, want 3", n)
		}
		if _, ok := session.NewKey[string]("visits").Get(m.Session(ctx)); ok {
			t.Error("an int decodes into a string")
		}
	})
}

func TestNoSessionInContext(t *testing.T) {
	m, _ := newManager(t)
	other, _ := newManager(t)
	ctx, err := other.Load(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	mustPanic(t, func() { m.GetString(context.Background(), "a") })
	mustPanic(t, func() { m.Put(ctx, "a", 1) })
	if again, err := other.Load(ctx, ""); err != nil || again != ctx {
		t.Errorf("Load in the context of a session: another context, or %v", err)
	}
}
