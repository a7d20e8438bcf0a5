package session_test

import (
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

// The types that the key "cart" had, the oldest first.
type (
	cartV1 string   // items, separated by commas
	cartV2 []string // items
	cartV3 struct { // items and their numbers
		Items map[string]int
	}
)

var (
	keyV1 = session.NewKey[cartV1]("cart")
	keyV2 = session.NewKey[cartV2]("cart")
	keyV3 = session.Upgrade(session.Upgrade(session.NewKey[cartV3]("cart"), fromV2), fromV1)
)

func fromV2(items cartV2) cartV3 {
	cart := cartV3{map[string]int{}}
	for _, item := range items {
		cart.Items[item]++
	}
	return cart
}

func fromV1(items cartV1) cartV3 { return fromV2(strings.Split(string(items), ",")) }

func (c cartV3) with(item string) cartV3 {
	if c.Items == nil {
		c.Items = map[string]int{}
	}
	c.Items[item]++
	return c
}

// eachCodec runs test with a world and a client for each of the built-in codecs.
func eachCodec(t *testing.T, test func(t *testing.T, w *world, c *client), opts ...func(*session.Config)) {
	t.Helper()
	for _, codec := range []session.Codec{session.CBOR(), session.JSON()} {
		t.Run(codec.Name(), func(t *testing.T) {
			w := newWorld(t, append(opts, func(cfg *session.Config) { cfg.Codec = codec })...)
			test(t, w, w.client())
		})
	}
}

// wantValue checks the value of k in the client's session.
func wantValue[T any](t *testing.T, c *client, k session.Key[T], want T) {
	t.Helper()
	if v, ok := k.Get(loaded(c)); !ok || !reflect.DeepEqual(v, want) {
		t.Errorf("got %+v, %t; want %+v", v, ok, want)
	}
}

func TestUpgrade(t *testing.T) {
	old := map[string]func(*session.Session){
		"of the type before":      func(s *session.Session) { keyV2.Set(s, cartV2{"tea", "milk"}) },
		"of the one before that":  func(s *session.Session) { keyV1.Set(s, "tea,milk") },
		"of the type that it has": func(s *session.Session) { keyV3.Set(s, cartV3{map[string]int{"tea": 1, "milk": 1}}) },
	}
	both := cartV3{map[string]int{"tea": 1, "milk": 1}}
	each := func(rule string, test func(t *testing.T, w *world, c *client)) {
		t.Run(rule, func(t *testing.T) {
			for name, begin := range old {
				t.Run(name, func(t *testing.T) {
					var o watcher
					eachCodec(t, func(t *testing.T, w *world, c *client) {
						c.post(begin).wantPage(t)
						test(t, w, c)
						for _, e := range o.events {
							if e.Op == session.OpUndecodable {
								t.Error("counted as undecodable")
							}
						}
						if w.log.has(0) {
							t.Errorf("logged %q", w.log.String())
						}
					}, o.option)
				})
			}
		})
	}

	each("Get", func(t *testing.T, w *world, c *client) {
		before := w.stored(c.sessionID()).Version
		wantValue(t, c, keyV3, both)
		if w.stored(c.sessionID()).Version != before {
			t.Error("reading has saved something")
		}
	})
	each("Pop", func(t *testing.T, w *world, c *client) {
		c.post(func(s *session.Session) {
			if v, ok := keyV3.Pop(s); !ok || !reflect.DeepEqual(v, both) {
				t.Errorf("got %v, %t", v, ok)
			}
		}).wantPage(t)
		c.wantState("empty")
	})
	each("Update", func(t *testing.T, w *world, c *client) {
		c.post(func(s *session.Session) {
			keyV3.Update(s, func(cart cartV3) cartV3 { return cart.with("tea") })
		}).wantPage(t)
		wantValue(t, c, session.NewKey[cartV3]("cart"), cartV3{map[string]int{"tea": 2, "milk": 1}})
	})
	each("MergeWith", func(t *testing.T, w *world, c *client) {
		merging := keyV3.MergeWith(func(base, mine, theirs cartV3) cartV3 {
			if !reflect.DeepEqual(base, both) || theirs.Items["cups"] != 1 {
				t.Errorf("base %v, theirs %v", base, theirs)
			}
			return mine.with("merged")
		})
		c.post(func(s *session.Session) {
			cart, _ := merging.Get(s)
			merging.Set(s, cart.with("tea"))
			c.tab().post(func(s *session.Session) { keyV2.Set(s, cartV2{"tea", "milk", "cups"}) }).wantPage(t)
		}).wantPage(t)
		wantValue(t, c, session.NewKey[cartV3]("cart"), cartV3{map[string]int{"tea": 2, "milk": 1, "merged": 1}})
	})
	each("a conflict compares what is stored", func(t *testing.T, w *world, c *client) {
		c.post(func(s *session.Session) {
			cart, _ := keyV3.Get(s)
			keyV3.Set(s, cart.with("tea"))
			c.tab().post(func(s *session.Session) { keyV1.Set(s, "cups") }).wantPage(t)
		}).wantError(t, 409, session.ErrConflict)
		wantValue(t, c, keyV1, "cups")
	})

	t.Run("what is of none of the types is absent", func(t *testing.T) {
		eachCodec(t, func(t *testing.T, w *world, c *client) {
			number := session.NewKey[int]("cart")
			c.post(func(s *session.Session) { number.Set(s, 5) }).wantPage(t)
			if v, ok := keyV3.Get(loaded(c)); ok || v.Items != nil {
				t.Errorf("got %v", v)
			}
			if !strings.Contains(w.log.String(), "does not decode") {
				t.Errorf("logged %q", w.log.String())
			}
			wantValue(t, c, number, 5)
		})
	})

	t.Run("the types are tried in the order of the calls", func(t *testing.T) {
		k := session.NewKey[bool]("n")
		first := session.Upgrade(session.Upgrade(k, func(n int) bool { return n == 1 }), func(n int64) bool { return n == 2 })
		eachCodec(t, func(t *testing.T, w *world, c *client) {
			c.post(func(s *session.Session) { session.NewKey[int]("n").Set(s, 1) }).wantPage(t)
			wantValue(t, c, first, true)
		})
	})

	t.Run("keys that are upgraded from one key do not share decoders", func(t *testing.T) {
		k := session.NewKey[bool]("n")
		for range 3 { // as many as leave room in a slice
			k = session.Upgrade(k, func(cartV2) bool { return true })
		}
		fromInt := session.Upgrade(k, func(int) bool { return true })
		session.Upgrade(k, func(string) bool { return true })
		eachCodec(t, func(t *testing.T, w *world, c *client) {
			c.post(func(s *session.Session) { session.NewKey[int]("n").Set(s, 1) }).wantPage(t)
			wantValue(t, c, fromInt, true)
			if _, ok := k.Get(loaded(c)); ok {
				t.Error("the first key has the decoder")
			}
		})
	})

	t.Run("panics where no value of the earlier type comes back", func(t *testing.T) {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		session.Upgrade(session.NewKey[int]("n"), func(error) int { return 1 })
	})
}

// The rules of the package documentation for values whose type changes.
func TestValuesWhoseTypeChanges(t *testing.T) {
	type (
		v1      struct{ Name string }
		added   struct{ Name, Color string }
		renamed struct{ FullName string }
		kept    struct {
			FullName string `json:"Name"`
		}
	)
	keyOf := session.NewKey[v1]("user")
	step := func(rule string, test func(t *testing.T, w *world, c *client)) {
		t.Run(rule, func(t *testing.T) {
			eachCodec(t, func(t *testing.T, w *world, c *client) {
				c.post(func(s *session.Session) { keyOf.Set(s, v1{"Ann"}) }).wantPage(t)
				test(t, w, c)
			})
		})
	}

	step("what does not decode stays until it is deleted", func(t *testing.T, w *world, c *client) {
		number := session.NewKey[int]("user")
		c.post(func(s *session.Session) { number.Get(s); number.Pop(s); keyA.Set(s, 1) }).wantPage(t)
		wantValue(t, c, keyOf, v1{"Ann"})
		c.post(func(s *session.Session) { number.Delete(s) }).wantPage(t)
		c.wantState("a=1")
	})
	step("what does not decode stays until it is cleared", func(t *testing.T, w *world, c *client) {
		c.post(func(s *session.Session) { s.Clear() }).wantPage(t)
		c.wantState("empty")
	})
	step("a new field is zero", func(t *testing.T, w *world, c *client) {
		wantValue(t, c, session.NewKey[added]("user"), added{"Ann", ""})
	})
	step("a field that was renamed is a new field", func(t *testing.T, w *world, c *client) {
		wantValue(t, c, session.NewKey[renamed]("user"), renamed{""})
	})
	step("unless it keeps its name in a json tag", func(t *testing.T, w *world, c *client) {
		wantValue(t, c, session.NewKey[kept]("user"), kept{"Ann"})
	})
	step("a struct decodes into any other struct", func(t *testing.T, w *world, c *client) {
		k := session.Upgrade(session.NewKey[renamed]("user"), func(old v1) renamed {
			t.Error("the decoder was called")
			return renamed{old.Name}
		})
		wantValue(t, c, k, renamed{""})
	})
	step("another name, and a copy from the old key", func(t *testing.T, w *world, c *client) {
		k := session.NewKey[renamed]("person")
		c.post(func(s *session.Session) {
			if _, ok := k.Get(s); ok {
				return
			}
			if old, ok := keyOf.Pop(s); ok {
				k.Set(s, renamed{old.Name})
			}
		}).wantPage(t)
		wantValue(t, c, k, renamed{"Ann"})
	})
	step("an older instance that changes a value drops the fields that it does not know", func(t *testing.T, w *world, c *client) {
		newer := session.NewKey[added]("user")
		for name, change := range map[string]func(*session.Session){
			"Set":    func(s *session.Session) { keyOf.Set(s, v1{"Bob"}) },
			"Update": func(s *session.Session) { keyOf.Update(s, func(v1) v1 { return v1{"Bob"} }) },
		} {
			c.post(func(s *session.Session) { newer.Set(s, added{"Ann", "blue"}) }).wantPage(t)
			c.post(func(s *session.Session) { keyOf.Get(s); keyA.Set(s, len(name)) }).wantPage(t)
			wantValue(t, c, newer, added{"Ann", "blue"})
			c.post(change).wantPage(t)
			wantValue(t, c, newer, added{"Bob", ""})
		}
	})
	step("an older instance replaces what it cannot decode", func(t *testing.T, w *world, c *client) {
		for name, change := range map[string]func(*session.Session){
			"Set":    func(s *session.Session) { keyV1.Set(s, "cups") },
			"Update": func(s *session.Session) { keyV1.Update(s, func(old cartV1) cartV1 { return old + "cups" }) },
		} {
			c.post(func(s *session.Session) { keyV3.Set(s, cartV3{map[string]int{"tea": 1}}) }).wantPage(t)
			c.post(func(s *session.Session) { keyV1.Get(s); keyA.Set(s, len(name)) }).wantPage(t)
			wantValue(t, c, keyV3, cartV3{map[string]int{"tea": 1}})
			c.post(change).wantPage(t)
			wantValue(t, c, keyV1, "cups")
		}
	})
	step("a deployment in two steps loses nothing", func(t *testing.T, w *world, c *client) {
		// The first decodes both types and stores the old one.
		first := session.Upgrade(session.NewKey[int]("visits"), func(text string) int {
			n, _ := strconv.Atoi(text)
			return n
		})
		second := session.Upgrade(session.NewKey[string]("visits"), strconv.Itoa)
		older := session.NewKey[int]("visits")
		visit := func(k session.Key[int]) {
			c.post(func(s *session.Session) { k.Update(s, increment) }).wantPage(t)
		}
		visitNew := func() {
			c.post(func(s *session.Session) {
				second.Update(s, func(text string) string {
					n, _ := strconv.Atoi(text)
					return strconv.Itoa(n + 1)
				})
			}).wantPage(t)
		}
		visit(older)
		visit(first) // beside instances of the old version
		visit(older)
		visit(first)
		visitNew() // beside instances of the first step
		visit(first)
		visitNew()
		wantValue(t, c, second, "7")
	})
}
