package session_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-go/holdfast/session"
	"github.com/holdfast-go/holdfast/session/internal/envelope"
)

// Until it is saved, a value that is a text is kept in two parts. That must make no
// difference.

var (
	keyText  = session.NewKey[string]("text")
	keyPlain = session.NewKey[any]("text") // the same value, encoded at once
)

// texts have the lengths at which their CBOR begins differently; one is not UTF-8.
func texts() []string {
	var texts []string
	for _, n := range []int{0, 1, 23, 24, 255, 256, 65535, 65536} {
		texts = append(texts, strings.Repeat("t", n))
	}
	return append(texts, strings.Repeat("\xff", 300))
}

func TestTextIsStoredAsItsEncoding(t *testing.T) {
	for _, text := range texts() {
		t.Run(fmt.Sprintf("%d bytes %.1q", len(text), text), func(t *testing.T) {
			w := newWorld(t, func(cfg *session.Config) { cfg.MaxSize = 1 << 20 })
			c := w.client()
			c.post(func(s *session.Session) { keyText.Set(s, text) }).wantPage(t)
			e, err := envelope.Decode(w.savesSince(0)[0].ID, w.savesSince(0)[0].Data)
			if err != nil {
				t.Fatal(err)
			}
			want, err := session.CBOR().Marshal(&text)
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := e.Entries.Find("text"); string(got) != string(want) {
				t.Errorf("stored %.20x... of %d bytes, want %.20x... of %d", got, len(got), want, len(want))
			}
			saves := w.store.Saves.Load()
			for how, set := range map[string]func(*session.Session){
				"as a text":     func(s *session.Session) { keyText.Set(s, text) },
				"encoded":       func(s *session.Session) { keyPlain.Set(s, text) },
				"by an Update":  func(s *session.Session) { keyText.Update(s, func(string) string { return text }) },
				"there and off": func(s *session.Session) { keyText.Set(s, text+"!"); keyPlain.Set(s, text) },
			} {
				c.post(set).wantPage(t)
				if w.store.Saves.Load() != saves {
					t.Errorf("set %s to what it was: saved", how)
				}
			}
			if len(text) == 0 {
				return
			}
			other := text[1:] + "!" // of the same length
			c.post(func(s *session.Session) { keyText.Set(s, other) }).wantPage(t)
			c.post(func(s *session.Session) {
				if got, ok := keyText.Get(s); !ok || got != other {
					t.Errorf("read %.20q of %d bytes, want %.20q of %d", got, len(got), other, len(other))
				}
			}).wantPage(t)
		})
	}
}

func TestTextIsThereBeforeItIsStored(t *testing.T) {
	w := newWorld(t, func(cfg *session.Config) { cfg.MaxSize = 1 << 20 })
	for _, text := range texts() {
		w.client().post(func(s *session.Session) {
			keyText.Set(s, text)
			if got, ok := keyText.Get(s); !ok || got != text {
				t.Errorf("Get: %.20q of %d bytes, want %.20q of %d", got, len(got), text, len(text))
			}
			if got, ok := keyPlain.Get(s); !ok || got != any(text) {
				t.Errorf("Get of another type: %.20v, want %.20q", got, text)
			}
			twice := keyText.Update(s, func(old string) string { return old + old })
			if twice != text+text {
				t.Errorf("Update: %.20q of %d bytes, want twice %.20q", twice, len(twice), text)
			}
			if got, ok := keyText.Pop(s); !ok || got != twice {
				t.Errorf("Pop: %.20q of %d bytes, want %.20q of %d", got, len(got), twice, len(twice))
			}
			if _, ok := keyText.Get(s); ok {
				t.Error("there after Pop")
			}
		}).wantPage(t)
	}
}

// The request that commits second is rebased on the first, with a merge of the two.
func TestTextsAreMerged(t *testing.T) {
	w := newWorld(t)
	merged := keyText.MergeWith(func(base, mine, theirs string) string {
		return base + "," + strings.TrimPrefix(mine, base) + "," + strings.TrimPrefix(theirs, base)
	})
	c := w.client()
	c.post(func(s *session.Session) { keyText.Set(s, "base") }).wantPage(t)
	c.post(func(s *session.Session) {
		text, _ := merged.Get(s)
		merged.Set(s, text+"mine")
		c.tab().post(func(s *session.Session) { keyText.Set(s, "basetheirs") }).wantPage(t)
	}).wantPage(t)
	c.post(func(s *session.Session) {
		if got, _ := keyText.Get(s); got != "base,mine,theirs" {
			t.Errorf("merged into %q", got)
		}
	})
}

// A request reads the value that it has set, and another one commits the same value
// first. The value that was read is still right.
func TestTextThatAnotherWritesTheSameIsNoConflict(t *testing.T) {
	w := newWorld(t, level(session.LevelSerializable))
	c := w.client()
	c.post(func(s *session.Session) { keyText.Set(s, "old"); keyA.Set(s, 1) }).wantPage(t)
	c.post(func(s *session.Session) {
		keyText.Get(s)
		keyText.Set(s, "new")
		if err := s.Save(t.Context()); err != nil {
			t.Error(err)
		}
		c.tab().post(func(s *session.Session) { keyText.Set(s, "newer") }).wantPage(t)
		c.tab().post(func(s *session.Session) { keyText.Set(s, "new") }).wantPage(t)
		keyA.Set(s, 2)
	}).wantPage(t)
	c.post(func(s *session.Session) {
		keyText.Set(s, "new")
		if err := s.Save(t.Context()); err != nil {
			t.Error(err)
		}
		keyText.Get(s)
		c.tab().post(func(s *session.Session) { keyText.Set(s, "newer") }).wantPage(t)
		keyA.Set(s, 3)
	}).wantError(t, 409, session.ErrConflict)
}

// Texts of the same length are different values.
func TestTextThatAnotherGoroutineSetsMeanwhile(t *testing.T) {
	w := newWorld(t)
	c := w.client()
	c.post(func(s *session.Session) {
		keyText.Set(s, "mine")
		runs := 0
		keyText.Update(s, func(old string) string {
			if runs++; runs == 1 {
				var wg sync.WaitGroup
				wg.Go(func() { keyText.Set(s, "hers") })
				wg.Wait()
			}
			return old + "!"
		})
		if got, _ := keyText.Get(s); got != "hers!" || runs != 2 {
			t.Errorf("%q after %d runs", got, runs)
		}
	}).wantPage(t)
}

// A text that was saved is in one piece, and still the same value.
func TestTextIsNotMergedWithItself(t *testing.T) {
	w := newWorld(t)
	merged := keyText.MergeWith(func(base, mine, theirs string) string {
		t.Errorf("merged %q, %q and %q", base, mine, theirs)
		return mine
	})
	c := w.client()
	c.post(func(s *session.Session) { keyText.Set(s, "old") }).wantPage(t)
	c.post(func(s *session.Session) {
		keyText.Get(s)
		keyText.Set(s, "base")
		if err := s.Save(t.Context()); err != nil {
			t.Error(err)
		}
		merged.Set(s, "mine")
		c.tab().post(set("a=1")).wantPage(t)
	}).wantPage(t)
	c.wantState("a=1 text=?")
}

// bare encodes a string as its bytes, and "" as no bytes.
type bare struct{}

func (bare) Name() string                       { return "bare" }
func (bare) Marshal(v any) ([]byte, error)      { return []byte(*v.(*string)), nil }
func (bare) Unmarshal(data []byte, v any) error { *v.(*string) = string(data); return nil }

func TestValueThatIsEncodedToNothingIsOne(t *testing.T) {
	w := newWorld(t, func(cfg *session.Config) { cfg.Codec = bare{} })
	c := w.client()
	other := session.NewKey[string]("other")
	c.post(func(s *session.Session) { other.Set(s, "x") }).wantPage(t)
	c.post(func(s *session.Session) { keyText.Set(s, "") }).wantPage(t)
	c.post(func(s *session.Session) {
		if _, ok := keyText.Get(s); !ok {
			t.Error("not stored")
		}
	}).wantPage(t)
	c.post(func(s *session.Session) { keyText.Delete(s) }).wantPage(t)
	c.post(func(s *session.Session) {
		if _, ok := keyText.Get(s); ok {
			t.Error("not deleted")
		}
	}).wantPage(t)
}
