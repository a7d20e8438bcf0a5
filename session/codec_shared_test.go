package session_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"testing"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// A provider in memory may share its bytes with the session. The session must not write
// to them, nor hand them to code of the program that might.

// sharing is a memory store that keeps all data that it has shared, each with a copy.
type sharing struct {
	provider.Provider
	mu   sync.Mutex
	seen [][2][]byte
}

func newSharing() *sharing {
	p := memory.New()
	return &sharing{Provider: p.Shared(p)}
}

func (w *sharing) Shared(provider.Provider) provider.Provider { return w }

func (w *sharing) Fetch(ctx context.Context, id string) (*provider.Record, error) {
	rec, err := w.Provider.Fetch(ctx, id)
	if err == nil {
		w.watch(rec.Data)
	}
	return rec, err
}

func (w *sharing) Save(ctx context.Context, rec *provider.Record, expect int64) error {
	w.watch(rec.Data)
	return w.Provider.Save(ctx, rec, expect)
}

func (w *sharing) watch(data []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, [2][]byte{data, bytes.Clone(data)})
}

func (w *sharing) mustBeUnchanged(t *testing.T) {
	t.Helper()
	if len(w.seen) == 0 {
		t.Error("nothing was shared")
	}
	for _, data := range w.seen {
		if !bytes.Equal(data[0], data[1]) {
			t.Errorf("%q was %q", data[0], data[1])
		}
	}
}

// requests sends one visitor's requests, one after the other.
func requests(t *testing.T, m *session.Manager, handlers ...func(*session.Session)) {
	t.Helper()
	var cookie *http.Cookie
	for _, do := range handlers {
		if newer := cookieAfter(t, m, cookie, do); newer != nil {
			cookie = newer
		}
	}
}

func TestSharedDataIsNotWrittenTo(t *testing.T) {
	store := newSharing()
	m := newManager(t, store, session.Config{})
	list := session.NewKey[[]int]("list")
	requests(
		t, m,
		func(s *session.Session) { keyA.Set(s, 1); list.Set(s, []int{1, 2}) },
		func(s *session.Session) { keyA.Update(s, func(n int) int { return n + 1 }); keyB.Set(s, 1) },
		func(s *session.Session) {
			l, _ := list.Get(s)
			l[0] = 7
			list.Set(s, append(l, 3))
			if err := s.Save(t.Context()); err != nil {
				t.Error(err)
			}
			keyA.Delete(s)
		},
		func(s *session.Session) { s.SetOwner("ann"); s.Renew() },
		func(s *session.Session) { keyB.Pop(s); s.Keys() },
		(*session.Session).Clear,
		(*session.Session).Destroy,
	)
	store.mustBeUnchanged(t)
}

// keeps is a type that retains the bytes that it should copy.
type keeps []byte

func (k keeps) MarshalBinary() ([]byte, error) { return k, nil }

func (k *keeps) UnmarshalBinary(data []byte) error {
	*k = data
	return nil
}

// scribbles is a codec that writes to the bytes that it decodes.
type scribbles struct{}

func (scribbles) Name() string                  { return "scribbles" }
func (scribbles) Marshal(v any) ([]byte, error) { return json.Marshal(v) }

func (scribbles) Unmarshal(data []byte, v any) error {
	err := json.Unmarshal(data, v)
	clear(data)
	return err
}

// scrawls is a type of a basic kind that writes to the bytes that it decodes.
type scrawls string

func (s scrawls) MarshalBinary() ([]byte, error) { return []byte(s), nil }

func (s *scrawls) UnmarshalBinary(data []byte) error {
	*s = scrawls(data)
	clear(data)
	return nil
}

func TestSharedDataIsNotTheProgramsToWriteTo(t *testing.T) {
	for name, c := range map[string]struct {
		codec session.Codec
		write func(*session.Session)
	}{
		"types that keep what they decode": {session.CBOR(), func(s *session.Session) {
			value, _ := session.NewKey[keeps]("keeps").Get(s)
			clear(value)
		}},
		"types of a basic kind that change what they decode": {session.CBOR(), func(s *session.Session) {
			session.NewKey[scrawls]("keeps").Get(s)
		}},
		"codecs that change what they decode": {scribbles{}, func(s *session.Session) { keyA.Get(s) }},
	} {
		t.Run(name, func(t *testing.T) {
			store := newSharing()
			m := newManager(t, store, session.Config{Codec: c.codec})
			requests(
				t, m,
				func(s *session.Session) { keyA.Set(s, 12); session.NewKey[keeps]("keeps").Set(s, keeps("kept")) },
				c.write,
				func(s *session.Session) {
					if n, _ := keyA.Get(s); n != 12 {
						t.Errorf("12 became %d", n)
					}
					if text, _ := session.NewKey[scrawls]("keeps").Get(s); c.codec == session.CBOR() && text != "kept" {
						t.Errorf("kept became %q", text)
					}
				},
			)
			store.mustBeUnchanged(t)
		})
	}
}
