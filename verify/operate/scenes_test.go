package operate_test

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// scenes make each alert fire. Each is played again and again until its alert fires, and the
// last one leaves the store in order.
var scenes = []struct {
	alert string
	play  func(a *app)
}{
	{"HoldfastManySessionsBegin", func(a *app) { a.visitor().do("POST /note") }},
	{"HoldfastConflictsRising", func(a *app) {
		v := a.visitor()
		v.do("POST /note")
		together(4, func(int) { v.do("POST /basket") })
		together(4, func(int) { v.do("GET /visits") })
	}},
	{"HoldfastValuesUndecodable", func(a *app) {
		v := a.visitor()
		v.do("POST /note")
		v.do("POST /number")
	}},
	{"HoldfastListFull", func(a *app) { a.visitor().do("POST /login", "user", "ann") }},
	{"HoldfastSessionsVanish", func(a *app) {
		v := a.visitor()
		v.do("POST /note")
		a.delete(v.id())
		v.do("POST /note")
	}},
	{"HoldfastRecordsUnreadable", func(a *app) {
		v := a.visitor()
		v.do("POST /note")
		a.change(v.id(), func(rec *provider.Record) { rec.Data = []byte("damaged") })
		v.do("POST /note")
	}},
	{"HoldfastKeysLost", func(a *app) {
		a.visitor().do("POST /note")
		a.delete(a.ring())
		_ = a.sessions.Load().RotateSigningKey(a.t.Context())
	}},
	{"HoldfastClockSkew", func(a *app) {
		a.change(a.ring(), func(rec *provider.Record) { dateAhead(rec.Data) })
		a.restart()
		a.visitor().do("POST /note")
		a.change(a.ring(), func(rec *provider.Record) { dateBack(rec.Data) })
		a.restart()
	}},
	{"HoldfastCookieCopied", func(a *app) { // cookies are replaced, and leases end, after half a minute or more
		a.observer(a.t.Context(), session.Event{Op: session.OpLeaseExpired})
		a.observer(a.t.Context(), session.Event{Op: session.OpRotate})
		a.observer(a.t.Context(), session.Event{Op: session.OpEnd, EndReason: session.EndTheft})
	}},
	{"HoldfastExpiredNotPurged", func(*app) { time.Sleep(10 * time.Millisecond) }},
	{"HoldfastStoreSlow", func(a *app) {
		v := a.visitor()
		v.do("POST /note")
		a.lockTable(500*time.Millisecond, func() { v.do("POST /visit") })
	}},
	{"HoldfastOutcomesUnknown", func(a *app) {
		v := a.visitor()
		v.do("POST /note")
		freeze := a.server.Freeze
		a.onLoaded.Store(&freeze)
		status, _ := v.do("POST /note")
		a.server.Thaw()
		if status == http.StatusOK {
			a.t.Error("a save was acknowledged by a store that is frozen")
		}
	}},
	{"HoldfastNotListening", func(a *app) { a.server.Kill() }},
	{"HoldfastStoreFailing", func(a *app) { a.visitor().do("POST /note") }},
	{"HoldfastKeysFailing", func(a *app) {
		a.restart() // no keys in memory
		a.visitor().do("POST /note")
	}},
}

// traffic is what visitors do all the time.
func traffic(a *app) {
	v := a.visitor()
	for _, what := range []string{"POST /note", "GET /", "GET /", "POST /visit", "POST /access", "POST /login", "GET /"} {
		v.do(what, "user", fmt.Sprint(time.Now().UnixNano()))
	}
	together(4, func(int) { v.do("POST /visit") })
	together(2, func(int) { v.do("POST /access") })
	v.do("POST /logout")
}

func together(n int, fn func(i int)) {
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { fn(i) })
	}
	group.Wait()
}

// id returns the public ID of the visitor's session.
func (v *visitor) id() string {
	_, id := v.do("GET /id")
	return id
}

// ring returns the ID of the record with the signing keys.
func (a *app) ring() string {
	for rec, err := range a.store.List(a.t.Context(), "") {
		if err != nil {
			a.t.Fatal(err)
		}
		if rec.Format == "holdfast-keyring" {
			return rec.ID
		}
	}
	a.t.Fatal("the store has no signing keys")
	return ""
}

func (a *app) delete(id string) {
	if err := a.store.Delete(a.t.Context(), id); err != nil {
		a.t.Fatal(err)
	}
}

// change changes a record without the session's knowledge.
func (a *app) change(id string, edit func(*provider.Record)) {
	rec, err := a.store.Fetch(a.t.Context(), id)
	if err == nil {
		edit(rec)
		rec.Version++
		err = a.store.Save(a.t.Context(), rec, rec.Version-1)
	}
	if err != nil {
		a.t.Fatal(err)
	}
}

// The record with the signing keys is a version, the number of keys and for each the time
// from which it signs, in milliseconds, and its secret.
const (
	ringHeader = 2
	ringKey    = 8 + 32
	ahead      = 2 * 60 * 60 * 1000
)

// dateAhead dates the keys as an instance does whose clock is two hours ahead.
func dateAhead(ring []byte) { date(ring, ahead) }
func dateBack(ring []byte)  { date(ring, -ahead) }

func date(ring []byte, by int64) {
	for i := ringHeader; i+ringKey <= len(ring); i += ringKey {
		from := int64(binary.BigEndian.Uint64(ring[i:])) + by
		binary.BigEndian.PutUint64(ring[i:], uint64(from))
	}
}

// lockTable makes whoever needs the table while fn runs wait, and unlocks it after a while.
func (a *app) lockTable(lasts time.Duration, fn func()) {
	tx, err := a.pool.Begin(a.t.Context())
	if err == nil {
		_, err = tx.Exec(a.t.Context(), "LOCK TABLE holdfast_sessions")
	}
	if err != nil {
		a.t.Fatal(err)
	}
	unlock := time.AfterFunc(lasts, func() { _ = tx.Rollback(a.t.Context()) })
	defer unlock.Stop()
	fn()
}
