package session_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// anything accepts values that no codec encodes.
var anything = session.NewKey[any]("anything")

func TestRuleKey(t *testing.T) {
	list := session.NewKey[[]int]("list")

	t.Run("Set encodes at once", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		c.post(func(s *session.Session) {
			v := []int{1, 2}
			list.Set(s, v)
			v[0] = 9
		})
		c.post(func(s *session.Session) {
			if v, _ := list.Get(s); !slices.Equal(v, []int{1, 2}) {
				t.Errorf("got %v", v)
			}
		})
	})

	t.Run("Get returns a fresh value: changing it changes nothing until Set", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		c.post(func(s *session.Session) { list.Set(s, []int{1, 2}) })
		for range 2 { // the second request sees the value that the first may have stored
			c.post(func(s *session.Session) {
				v, _ := list.Get(s)
				v[0] = 9
				if v, _ := list.Get(s); !slices.Equal(v, []int{1, 2}) {
					t.Errorf("got %v", v)
				}
				keyA.Update(s, increment)
			})
		}
	})

	t.Run("Update's value is not shared either", func(t *testing.T) {
		w := newWorld(t)
		w.client().post(func(s *session.Session) {
			v := list.Update(s, func([]int) []int { return []int{1, 2} })
			v[0] = 9
			if v, _ := list.Get(s); !slices.Equal(v, []int{1, 2}) {
				t.Errorf("got %v", v)
			}
		})
	})

	t.Run("Get, Set, Delete and Pop see each other", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		c.post(func(s *session.Session) {
			step := func(k session.Key[int], want int, wantOK bool) {
				t.Helper()
				if v, ok := k.Get(s); v != want || ok != wantOK {
					t.Errorf("got %d, %v; want %d, %v", v, ok, want, wantOK)
				}
			}
			step(keyA, 0, false)
			keyA.Set(s, 1)
			step(keyA, 1, true)
			keyA.Delete(s)
			step(keyA, 0, false)
			keyA.Set(s, 2)
			if v, ok := keyA.Pop(s); v != 2 || !ok {
				t.Errorf("Pop gives %d, %v", v, ok)
			}
			step(keyA, 0, false)
			if v, ok := keyA.Pop(s); v != 0 || ok {
				t.Errorf("Pop of nothing gives %d, %v", v, ok)
			}
			if v := keyA.Update(s, increment); v != 1 {
				t.Errorf("Update of nothing gives %d", v)
			}
			keyB.Set(s, 0)
			step(keyB, 0, true)
			s.Clear()
			step(keyA, 0, false)
			keyC.Set(s, 3)
			if got := s.Keys(); !slices.Equal(got, []string{"c"}) {
				t.Errorf("Keys gives %q", got)
			}
		})
		c.wantState("c=3")
	})

	t.Run("keys of one name are one key", func(t *testing.T) {
		w := newWorld(t)
		w.client().post(func(s *session.Session) {
			keyA.Set(s, 1)
			if v, _ := session.NewKey[int]("a").LastWriteWins().Get(s); v != 1 {
				t.Errorf("got %d", v)
			}
		})
	})
}

func TestRuleNewKey(t *testing.T) {
	type hidden struct{ n int }
	type open struct{ N int }
	for name, tc := range map[string]struct {
		newKey func()
		panics bool
	}{
		"func":                            {func() { session.NewKey[func()]("k") }, true},
		"chan":                            {func() { session.NewKey[chan int]("k") }, true},
		"a struct with nothing to encode": {func() { session.NewKey[hidden]("k") }, true},
		"a pointer to it":                 {func() { session.NewKey[*hidden]("k") }, true},
		"a struct with a field":           {func() { session.NewKey[open]("k") }, false},
		"a pointer":                       {func() { session.NewKey[*open]("k") }, false},
		"a type that marshals itself":     {func() { session.NewKey[time.Time]("k") }, false},
		"a type that marshals to text":    {func() { session.NewKey[netip.Addr]("k") }, false},
		"an interface":                    {func() { session.NewKey[any]("k") }, false},
		"a map":                           {func() { session.NewKey[map[string]open]("k") }, false},
		"a slice of bytes":                {func() { session.NewKey[[]byte]("k") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if v := recover(); (v != nil) != tc.panics {
					t.Errorf("recovered %v; want a panic: %v", v, tc.panics)
				}
			}()
			tc.newKey()
		})
	}
	_ = hidden{}.n
}

func TestRuleEncodeError(t *testing.T) {
	// attempt is a request whose Set cannot be encoded.
	attempt := func(t *testing.T, also func(*session.Session)) (*client, *answer) {
		w := newWorld(t)
		c := w.client()
		c.post(inOrder(set("a=1"), func(s *session.Session) { anything.Set(s, "old") })).wantPage(t)
		return c, c.post(func(s *session.Session) {
			keyA.Set(s, 2)
			anything.Set(s, make(chan int))
			also(s)
		})
	}

	t.Run("fails the commit and names key and type", func(t *testing.T) {
		c, a := attempt(t, func(*session.Session) {})
		a.wantError(t, http.StatusInternalServerError, session.ErrEncode)
		for _, word := range []string{"anything", "chan int"} {
			if !strings.Contains(fmt.Sprint(a.err), word) {
				t.Errorf("%q does not name %q", a.err, word)
			}
		}
		if v, _ := keyA.Get(loaded(c)); v != 1 {
			t.Errorf("a is %d", v)
		}
	})

	t.Run("Get keeps the old value", func(t *testing.T) {
		attempt(t, func(s *session.Session) {
			if v, _ := anything.Get(s); v != "old" {
				t.Errorf("got %v", v)
			}
		})
	})

	t.Run("is sticky", func(t *testing.T) {
		_, a := attempt(t, func(s *session.Session) {
			wantErr(t, s.Save(t.Context()), session.ErrEncode)
			anything.Set(s, "new")
			wantErr(t, s.Save(t.Context()), session.ErrEncode)
		})
		a.wantError(t, http.StatusInternalServerError, session.ErrEncode)
	})

	t.Run("of Update, too", func(t *testing.T) {
		w := newWorld(t)
		a := w.client().post(func(s *session.Session) {
			anything.Update(s, func(any) any { return func() {} })
		})
		a.wantError(t, http.StatusInternalServerError, session.ErrEncode)
		if n := w.store.Trips(); n != 0 {
			t.Errorf("%d trips", n)
		}
	})
}

func TestRuleKeyErrors(t *testing.T) {
	t.Run("a value that cannot be encoded is named by its type", func(t *testing.T) {
		_, c, _ := begun(t)
		a := c.post(func(s *session.Session) { session.NewKey[stubborn]("s").Set(s, stubborn{}) })
		a.wantError(t, http.StatusInternalServerError, session.ErrEncode)
		if want := fmt.Sprintf("of type %T", stubborn{}); !strings.Contains(a.err.Error(), want) {
			t.Errorf("%v; want it to say %q", a.err, want)
		}
	})

	t.Run("NewKey panics without a name", func(t *testing.T) {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		session.NewKey[int]("")
	})
}

// stubborn is a type whose values do not marshal, with an error that does not name the
// type.
type stubborn struct{}

func (stubborn) MarshalText() ([]byte, error) { return nil, errors.New("no") }

// A value that no longer decodes into T.
func TestRuleChangedType(t *testing.T) {
	before, now := session.NewKey[string]("kind"), session.NewKey[int]("kind")
	begin := func(t *testing.T) (*world, *client) {
		w := newWorld(t)
		c := w.client()
		c.post(func(s *session.Session) { before.Set(s, "old") })
		return w, c
	}
	wantOld := func(t *testing.T, c *client) {
		t.Helper()
		if v, ok := before.Get(loaded(c)); v != "old" || !ok {
			t.Errorf("the old value is %q, %v", v, ok)
		}
	}

	t.Run("reads as absent and is logged", func(t *testing.T) {
		w, c := begin(t)
		c.post(func(s *session.Session) {
			if v, ok := now.Get(s); v != 0 || ok {
				t.Errorf("got %d, %v", v, ok)
			}
		}).wantPage(t)
		if !strings.Contains(w.log.String(), "kind") {
			t.Errorf("logged %q", w.log.String())
		}
	})

	t.Run("is kept until overwritten", func(t *testing.T) {
		_, c := begin(t)
		c.post(func(s *session.Session) { now.Get(s); keyA.Set(s, 1) }).wantPage(t)
		wantOld(t, c)
		c.post(func(s *session.Session) { now.Set(s, 7) }).wantPage(t)
		if v, _ := now.Get(loaded(c)); v != 7 {
			t.Errorf("got %d", v)
		}
	})

	for verb, change := range map[string]func(*session.Session){
		"Get":    func(s *session.Session) { now.Get(s) },
		"Pop":    func(s *session.Session) { now.Pop(s) },
		"Update": func(s *session.Session) { now.Update(s, func(int) int { return 7 }) },
	} {
		t.Run("is absent, logged and counted: "+verb, func(t *testing.T) {
			var o watcher
			w := newWorld(t, o.option)
			c := w.client()
			c.post(func(s *session.Session) { before.Set(s, "old") })
			o.want(t, "save ok")
			c.post(func(s *session.Session) { keyA.Set(s, 1); change(s) }).wantPage(t)
			o.want(t, "load ok", "undecodable unreadable", "save ok")
			if !strings.Contains(w.log.String(), "kind") {
				t.Errorf("logged %q", w.log.String())
			}
			if verb != "Update" {
				wantOld(t, c)
			} else if v, _ := now.Get(loaded(c)); v != 7 {
				t.Errorf("got %d", v)
			}
			if v, _ := keyA.Get(loaded(c)); v != 1 {
				t.Error("the request's other change is lost")
			}
		})
	}

	t.Run("Pop of it says that there is none", func(t *testing.T) {
		_, c := begin(t)
		c.post(func(s *session.Session) {
			if v, ok := now.Pop(s); v != 0 || ok {
				t.Errorf("got %d, %v", v, ok)
			}
		}).wantPage(t)
	})

	t.Run("Update on it begins with the zero value", func(t *testing.T) {
		_, c := begin(t)
		c.post(func(s *session.Session) { now.Update(s, increment) }).wantPage(t)
		if v, _ := now.Get(loaded(c)); v != 1 {
			t.Errorf("got %d", v)
		}
	})

	t.Run("Update on what became it meanwhile begins with the zero value", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		c.post(func(s *session.Session) { now.Set(s, 5) })
		c.post(func(s *session.Session) {
			now.Update(s, increment)
			c.tab().post(func(s *session.Session) { before.Set(s, "old") })
		}).wantPage(t)
		if v, _ := now.Get(loaded(c)); v != 1 {
			t.Errorf("got %d", v)
		}
	})

	t.Run("MergeWith begins with the zero value in its place", func(t *testing.T) {
		_, c := begin(t)
		merging := now.MergeWith(func(base, mine, theirs int) int { return 100*base + 10*mine + theirs })
		c.post(func(s *session.Session) {
			merging.Set(s, 7)
			c.tab().post(func(s *session.Session) { now.Set(s, 2) }).wantPage(t)
		}).wantPage(t)
		if v, _ := now.Get(loaded(c)); v != 72 {
			t.Errorf("got %d", v)
		}
	})

	t.Run("MergeWith takes it for deleted by the other request", func(t *testing.T) {
		for _, read := range []bool{false, true} {
			w := newWorld(t)
			c := w.client()
			merging := now.MergeWith(func(base, mine, theirs int) int { return 99 })
			c.post(func(s *session.Session) { now.Set(s, 5) })
			a := c.post(func(s *session.Session) {
				if read {
					merging.Get(s)
				}
				merging.Set(s, 7)
				c.tab().post(func(s *session.Session) { before.Set(s, "old") })
			})
			if read {
				a.wantError(t, http.StatusConflict, session.ErrConflict)
				wantOld(t, c)
			} else if v, _ := now.Get(loaded(c)); v != 7 {
				t.Errorf("got %d, %v", v, a.err)
			}
		}
	})

	t.Run("a field that this program does not know survives", func(t *testing.T) {
		type v2 struct{ A, B int }
		type v1 struct{ A int }
		newer, older := session.NewKey[v2]("struct"), session.NewKey[v1]("struct")
		w := newWorld(t)
		c := w.client()
		c.post(func(s *session.Session) { newer.Set(s, v2{1, 2}) })
		c.post(func(s *session.Session) {
			if v, ok := older.Get(s); v.A != 1 || !ok {
				t.Errorf("got %v, %v", v, ok)
			}
			keyA.Set(s, 1)
		})
		if v, _ := newer.Get(loaded(c)); v != (v2{1, 2}) {
			t.Errorf("got %v", v)
		}
	})
}
