package gorillaholdfast_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/adapters/gorillaholdfast"
	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

var errDown = errors.New("the store is down")

// An app that ignores the error of Get would replace the session with an empty one.
func TestSessionThatCannotBeReadIsNotReplaced(t *testing.T) {
	for what, tc := range map[string]struct{ cause, want error }{
		"the store is down":   {errDown, session.ErrUnavailable},
		"the record is wrong": {provider.ErrUnreadable, session.ErrUnreadable},
	} {
		t.Run(what, func(t *testing.T) {
			b := newWorld(t).browser()
			b.set("a", 1)
			b.w.trips.OnFetch = func(context.Context, string, storetest.FetchFunc) (*provider.Record, error) { return nil, tc.cause }
			r, rec := b.request(), httptest.NewRecorder()
			s, err := b.w.Get(r, name)
			wantErr(t, err, tc.want)
			s.Values["b"] = 2
			wantErr(t, s.Save(r, rec), tc.want)
			want(t, "number of cookies", len(b.take(rec)), 0)
			s.Options.MaxAge = -1
			wantErr(t, s.Save(r, rec), tc.want) // the session may be alive, but the browser forgets it
			cookie := b.jar[name]
			want(t, "number of cookies of a logout", len(b.take(rec)), 1)
			b.w.trips.OnFetch = nil
			b.jar[name] = cookie
			want(t, "value", b.get("a"), 1)
		})
	}
}

func TestSaveThatFailsSendsNothing(t *testing.T) {
	b := newWorld(t).browser()
	b.set("warm", 1)
	b = b.w.browser()
	b.w.trips.OnSave = func(context.Context, *provider.Record, int64, storetest.SaveFunc) error { return provider.ErrRefused }
	v := b.visit()
	v.Values["a"] = 1
	cookies, err := v.save()
	wantErr(t, err, session.ErrUnavailable)
	if len(cookies) != 0 || v.ID != "" {
		t.Errorf("cookies %v, ID %q", cookies, v.ID)
	}
	v.Options.MaxAge = -1
	v.mustSave() // there is nothing to end
}

func TestLogoutThatFailsIsNotAcknowledged(t *testing.T) {
	b := newWorld(t).browser()
	b.set("a", 1)
	v := b.visit()
	b.w.trips.OnSave = func(context.Context, *provider.Record, int64, storetest.SaveFunc) error { return provider.ErrRefused }
	v.Options.MaxAge = -1
	cookies, err := v.save()
	wantErr(t, err, session.ErrUnavailable)
	want(t, "number of cookies", len(cookies), 0)
	b.w.trips.OnSave = nil
	v.mustSave()
	want(t, "value", b.get("a"), nil)
}

func TestNewStorePanics(t *testing.T) {
	for what, tc := range map[string]struct {
		do   func()
		text string
	}{
		"without a provider": {func() { gorillaholdfast.NewStore(nil) }, "needs a provider"},
		"with a wrong Config": {func() {
			gorillaholdfast.NewStore(memory.New(), gorillaholdfast.WithConfig(session.Config{MaxSize: -1}))
		}, "MaxSize"},
		"with rotation": {func() {
			gorillaholdfast.NewStore(memory.New(), gorillaholdfast.WithConfig(session.Config{RotateInterval: time.Hour}))
		}, "RotateInterval"},
		"with a key of no value": {func() { gorillaholdfast.NewStore(memory.New(), gorillaholdfast.LastWriteWins(nil)) }, "LastWriteWins"},
	} {
		func() {
			defer func() {
				if text, _ := recover().(string); !strings.Contains(text, tc.text) {
					t.Errorf("%s: panics with %q", what, text)
				}
			}()
			tc.do()
		}()
	}
}

func TestConfigOfAnotherKind(t *testing.T) {
	b := newWorld(t, gorillaholdfast.WithConfig(session.Config{
		Logger: quiet, Header: "Authorization", HeaderOnly: true, Codec: session.JSON(),
		Cookie: session.Cookie{Name: "other", Domain: "example.org"},
	})).browser()
	b.set("a", cart{[]string{"book"}})
	want(t, "item", b.get("a").(cart).Items[0], "book")
}

// What the Store knows of a session goes with it.
func TestNothingIsKeptOfSessionsThatAreGone(t *testing.T) {
	b := newWorld(t).browser()
	b.set("a", 1)
	for range 100 {
		b.visit().mustSave()
	}
	deadline := time.Now().Add(time.Minute)
	for gorillaholdfast.States(b.w.Store) > 0 {
		if time.Now().After(deadline) {
			t.Fatalf("%d are kept", gorillaholdfast.States(b.w.Store))
		}
		runtime.GC()
		runtime.Gosched()
	}
}
