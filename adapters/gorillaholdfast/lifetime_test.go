package gorillaholdfast_test

import (
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/adapters/gorillaholdfast"
	"github.com/holdfast-go/holdfast/session"
)

const day = 24 * time.Hour

func TestLifetime(t *testing.T) {
	bubble("is MaxAge after a Save, as with gorilla's stores", t, func(t *testing.T) {
		b := newWorld(t).browser()
		b.set("a", 1)
		time.Sleep(30*day - time.Second)
		want(t, "value before", b.get("a"), 1)
		time.Sleep(time.Second)
		want(t, "value after", b.get("a"), nil)
	})
	bubble("slides with each Save, also one that changes nothing", t, func(t *testing.T) {
		b := newWorld(t).browser()
		b.set("a", 1)
		for range 12 {
			time.Sleep(29 * day)
			v := b.visit()
			v.mustSave()
			want(t, "Max-Age", v.attributes(), "Path=/; Max-Age=2592000; HttpOnly; Secure; SameSite=Lax")
		}
		want(t, "value after a year", b.get("a"), 1)
	})
	bubble("is no more than PersistLifetime", t, func(t *testing.T) {
		b := newWorld(t, gorillaholdfast.WithConfig(session.Config{Logger: quiet, PersistLifetime: 40 * day})).browser()
		b.set("a", 1)
		time.Sleep(29 * day)
		v := b.visit()
		v.mustSave()
		want(t, "Max-Age", v.attributes(), "Path=/; Max-Age=950400; HttpOnly; Secure; SameSite=Lax")
		time.Sleep(10 * day)
		v = b.visit()
		v.mustSave()
		saves := b.w.trips.Saves.Load()
		b.visit().mustSave() // nothing to extend
		want(t, "saves", b.w.trips.Saves.Load()-saves, int64(0))
		want(t, "value before", b.get("a"), 1)
		time.Sleep(day)
		want(t, "value after", b.get("a"), nil)
	})
	bubble("does not slide with a Get", t, func(t *testing.T) {
		b := newWorld(t).browser()
		b.set("a", 1)
		time.Sleep(20 * day)
		want(t, "value", b.get("a"), 1)
		time.Sleep(20 * day)
		want(t, "value later", b.get("a"), nil)
	})
	bubble("may be shortened and lengthened", t, func(t *testing.T) {
		b := newWorld(t).browser()
		b.set("a", 1)
		v := b.visit()
		v.Options.MaxAge = 60
		v.mustSave()
		want(t, "Max-Age", v.attributes(), "Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Lax")
		time.Sleep(59 * time.Second)
		v = b.visit()
		want(t, "value", v.Values["a"], 1)
		v.Options.MaxAge = 60
		v.mustSave()
		time.Sleep(59 * time.Second)
		want(t, "value after it slid", b.get("a"), 1)
		cookie := b.jar[name]
		time.Sleep(time.Second)
		late := b.visit()
		want(t, "value after it ended", late.Values["a"], nil)
		want(t, "IsNew", late.IsNew, true)
		late.Values["b"] = 2
		late.mustSave()
		got := b.visit().Values
		want(t, "b of the session that began", got["b"], 2)
		want(t, "a of the session that began", got["a"], nil)
		b.jar[name] = cookie
		want(t, "number of values with the old cookie", len(b.visit().Values), 0)
	})
	bubble("may be lengthened in time", t, func(t *testing.T) {
		b := newWorld(t).browser()
		v := b.visit()
		v.Options.MaxAge = 60
		v.Values["a"] = 1
		v.mustSave()
		v = b.visit()
		v.mustSave() // with the default MaxAge
		time.Sleep(29 * day)
		want(t, "value", b.get("a"), 1)
	})
	bubble("of a browser session is IdleTimeout, which a Get extends", t, func(t *testing.T) {
		b := newWorld(t).browser()
		v := b.visit()
		v.Options.MaxAge = 0
		v.Values["a"] = 1
		v.mustSave()
		want(t, "attributes", v.attributes(), "Path=/; HttpOnly; Secure; SameSite=Lax")
		for range 10 {
			time.Sleep(50 * time.Minute)
			want(t, "value", b.get("a"), 1)
		}
		time.Sleep(time.Hour)
		want(t, "value after an hour without a request", b.get("a"), nil)
	})
	bubble("of a session that becomes a browser session", t, func(t *testing.T) {
		for _, age := range []time.Duration{0, 5 * day} {
			b := newWorld(t).browser()
			b.set("a", 1)
			time.Sleep(age)
			v := b.visit()
			v.Options.MaxAge = 0
			v.mustSave()
			want(t, "attributes", v.attributes(), "Path=/; HttpOnly; Secure; SameSite=Lax")
			time.Sleep(59 * time.Minute)
			want(t, "value", b.get("a"), 1)
			time.Sleep(time.Hour)
			want(t, "value after an hour", b.get("a"), nil)
		}
	})
	bubble("of a session that becomes one in the same request", t, func(t *testing.T) {
		b := newWorld(t).browser()
		v := b.set("a", 1)
		v.Options.MaxAge = 0
		v.mustSave()
		time.Sleep(time.Hour)
		want(t, "value after an hour", b.get("a"), nil)
	})
	bubble("of a browser session is not restarted by other Options", t, func(t *testing.T) {
		b := newWorld(t).browser()
		b.w.MaxAge(0)
		b.set("a", 1)
		for i := range 30 { // 25 hours
			time.Sleep(50 * time.Minute)
			if v := b.visit(); i == 23 {
				v.ID = ""
				v.mustSave()
			}
		}
		v := b.visit()
		id := v.ID
		v.Options.Path = "/folder"
		v.mustSave()
		if id == "" || v.ID != id {
			t.Errorf("ID %q, was %q", v.ID, id)
		}
	})
	bubble("of a renewed session", t, func(t *testing.T) {
		b := newWorld(t).browser()
		b.set("a", 1)
		time.Sleep(20 * day)
		v := b.visit()
		v.ID, v.Options.MaxAge = "", 60
		v.mustSave()
		time.Sleep(59 * time.Second)
		want(t, "value", b.get("a"), 1)
		time.Sleep(time.Second)
		want(t, "value after MaxAge", b.get("a"), nil)
	})
}
