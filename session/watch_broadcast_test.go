package session_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// The end of a session is broadcast when it is certain, or possible, that it is stored.
func TestRuleWatchBroadcast(t *testing.T) {
	bubble("comes after the tombstone has landed", t, func(t *testing.T) {
		for name, end := range endings {
			w, c := member(t, func(cfg *session.Config) { cfg.OwnerLimit = 1 })
			id := c.sessionID()
			if name == "RevokeOthers" {
				w.m = w.manager()
			}
			lived, sent := false, 0
			tag := sha256.Sum256([]byte(id))
			w.store.OnBroadcast = func(_ context.Context, message []byte, _ storetest.BroadcastFunc) error {
				if bytes.Contains(message, tag[:8]) { // not only the end of another session, which comes first
					sent++
					lived = lived || w.lives(id)
				}
				return nil
			}
			end(t, w.m, c)
			synctest.Wait()
			if sent == 0 || lived {
				t.Errorf("%s: %d messages, the session lived: %v", name, sent, lived)
			}
		}
	})

	bubble("is not sent if the tombstone was refused", t, func(t *testing.T) {
		w, c, _ := begun(t)
		w.onSave(refused(provider.ErrRefused))
		c.post(destroy).wantError(t, http.StatusServiceUnavailable, session.ErrUnavailable)
		synctest.Wait()
		if n := w.store.Broadcasts.Load(); n != 0 {
			t.Errorf("%d messages", n)
		}
	})

	bubble("is sent if the outcome is unknown", t, func(t *testing.T) {
		w, c, _ := begun(t, checkedDaily)
		ctx := watching(t, c.at(w.manager(checkedDaily)))
		w.onSave(landed)
		w.onFetch(nil, failing, failing, failing, failing, failing)
		c.post(destroy).wantError(t, http.StatusServiceUnavailable, session.ErrOutcomeUnknown)
		w.calm()
		time.Sleep(time.Minute) // the first check may have failed as well
		wantWatchEnded(t, ctx)
	})

	bubble("that fails fails nothing, and the end is found in time", t, func(t *testing.T) {
		w, c, id := begun(t)
		w.store.OnBroadcast = func(context.Context, []byte, storetest.BroadcastFunc) error { return errBroken }
		ctx := watching(t, c)
		wantErr(t, w.manager().Revoke(t.Context(), id), nil)
		wantWatched(t, ctx)
		time.Sleep(30 * time.Second) // the default of WatchInterval
		wantWatchEnded(t, ctx)
	})

	bubble("that is slow does not delay a logout", t, func(t *testing.T) {
		w, c, _ := begun(t)
		w.store.OnBroadcast = func(context.Context, []byte, storetest.BroadcastFunc) error {
			time.Sleep(time.Minute)
			return nil
		}
		begin := time.Now()
		c.post(destroy).wantPage(t)
		if took := time.Since(begin); took != 0 {
			t.Errorf("it took %v", took)
		}
		time.Sleep(time.Hour)
	})

	bubble("is sent before Revoke returns, since the program may exit", t, func(t *testing.T) {
		for name, revoke := range map[string]func(w *world, id string) error{
			"Revoke":       func(w *world, id string) error { return w.m.Revoke(t.Context(), id) },
			"RevokeAll":    func(w *world, _ string) error { return w.m.RevokeAll(t.Context(), "ann") },
			"RevokeOthers": func(w *world, _ string) error { return w.m.RevokeOthers(t.Context(), anns(w.client(), w.m)) },
		} {
			w, c := member(t)
			id := c.sessionID()
			sent := false
			w.store.OnBroadcast = func(context.Context, []byte, storetest.BroadcastFunc) error {
				time.Sleep(100 * time.Millisecond)
				sent = true
				return nil
			}
			wantErr(t, revoke(w, id), nil)
			if !sent {
				t.Errorf("%s: it is not", name)
			}
		}
	})

	bubble("of RevokeAll has many sessions in few messages", t, func(t *testing.T) {
		const many = 100
		w := newWorld(t, checkedDaily)
		w.store.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
			time.Sleep(time.Millisecond)
			return next(ctx, rec, expect)
		}
		var all []context.Context
		for range many {
			c := w.client()
			c.post(signIn("ann")).wantPage(t)
			all = append(all, watching(t, c))
		}
		other := w.manager()
		n := w.store.Broadcasts.Load()
		wantErr(t, other.RevokeAll(t.Context(), "ann"), nil)
		for _, ctx := range all {
			wantWatchEnded(t, ctx)
		}
		if sent := w.store.Broadcasts.Load() - n; sent > 3 {
			t.Errorf("%d messages", sent)
		}
	})

	bubble("of a RevokeAll that takes long is not kept back until its end", t, func(t *testing.T) {
		w := newWorld(t, checkedDaily)
		var all []context.Context
		for range 10 {
			c := w.client()
			c.post(signIn("ann")).wantPage(t)
			all = append(all, watching(t, c))
		}
		w.store.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
			time.Sleep(time.Second)
			return next(ctx, rec, expect)
		}
		go func() { wantErr(t, w.manager().RevokeAll(t.Context(), "ann"), nil) }()
		time.Sleep(5*time.Second + 500*time.Millisecond)
		ended := 0
		for _, ctx := range all {
			if ctx.Err() != nil {
				ended++
			}
		}
		if ended < 4 || ended > 5 {
			t.Errorf("%d of 5 sessions have ended", ended)
		}
		time.Sleep(time.Minute)
	})

	t.Run("a message has no ID", func(t *testing.T) {
		w, c, id := begun(t)
		var messages []byte
		w.store.OnBroadcast = func(_ context.Context, message []byte, _ storetest.BroadcastFunc) error {
			messages = append(messages, message...)
			return nil
		}
		wantErr(t, w.m.Revoke(t.Context(), c.sessionID()), nil)
		if len(messages) == 0 || holdsPartOf(messages, id) {
			t.Errorf("the message is %q, the ID %q", messages, id)
		}
	})
}

// holdsPartOf reports whether message has four bytes of id in a row, as text or decoded.
func holdsPartOf(message []byte, id string) bool {
	for i := range len(id) - 3 {
		if bytes.Contains(message, []byte(id[i:i+4])) {
			return true
		}
	}
	sum, err := base64.RawURLEncoding.DecodeString(id)
	return err != nil || bytes.Contains(message, sum[:4])
}

// Messages need a connection to the store. A Manager has one, whatever hears them.
func TestRuleAManagerListensOnce(t *testing.T) {
	bubble("for Watch and ReadCache", t, func(t *testing.T) {
		w, c, _ := readers(t)
		at := c.at(w.manager(copies))
		n := w.store.Listens.Load()
		wantListens := func(want int64) {
			t.Helper()
			synctest.Wait()
			if got := w.store.Listens.Load() - n; got != want {
				t.Errorf("Listen was called %d times; want %d", got, want)
			}
		}
		wantListens(0)
		ctx, stop := loaded(at).Watch(t.Context()) // ReadCache listens as well
		wantListens(1)
		at.readAt(at.m, func(*session.Session) {})
		c.wantRead(t, at.m, "a=1", 0)
		wantWatched(t, ctx)
		if !at.m.WatchStats().Listening {
			t.Error("Watch hears nothing")
		}
		stop()
		c.wantRead(t, at.m, "a=1", 0) // its copies go on
		time.Sleep(5 * time.Minute)   // nobody asks for copies
		watching(t, at)
		wantListens(2)
		at.readAt(at.m, func(*session.Session) {})
		c.wantRead(t, at.m, "a=1", 0)
		wantListens(2)
	})
}
