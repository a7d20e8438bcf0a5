package session_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/securecookie"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// Spring Session 3.0.0 wrote session IDs to standard output. This test calls everything
// while everything fails, and finds no secret in the log at any level, in an error, or in
// an answer other than in its Set-Cookie.
func TestCVE_2023_20866_IDsInLogs(t *testing.T) {
	for mode, opt := range map[string]func(*session.Config){
		"signing keys of the app's": func(*session.Config) {},
		"signing keys in the store": func(cfg *session.Config) { cfg.SigningKeys, cfg.SigningKeyRotation = nil, time.Hour },
	} {
		t.Run(mode, func(t *testing.T) {
			visit := func(t *testing.T, what string, do func(*session.Session)) {
				synctest.Test(t, func(t *testing.T) { loudVisit(t, opt, do) })
			}
			eachVerb(t, visit)
			for what, do := range loudVerbs {
				t.Run(what, func(t *testing.T) { visit(t, what, do) })
			}
		})
	}
}

// loudVerbs are the operations that log or fail.
var loudVerbs = map[string]func(*session.Session){
	"a value that cannot be encoded": func(s *session.Session) { session.NewKey[any]("n").Set(s, math.Inf) },
	"a value that does not decode":   func(s *session.Session) { session.NewKey[string]("a").Get(s) },
	"an Update of such":              func(s *session.Session) { session.NewKey[string]("a").Update(s, strings.ToUpper) },
	"a session that is too large":    func(s *session.Session) { session.NewKey[[]byte]("big").Set(s, make([]byte, 70_000)) },
	"a panic":                        func(*session.Session) { panic("oh") },
	"a secret that is no time":       func(s *session.Session) { session.NewKey[time.Time]("secret").Get(s) },
	"an Update of one": func(s *session.Session) {
		session.NewKey[time.Time]("secret").Update(s, func(t time.Time) time.Time { return t })
	},
	"a secret that is no address": func(s *session.Session) { session.NewKey[netip.Addr]("secret").Get(s) },
	"an Update of such a one":     func(s *session.Session) { session.NewKey[netip.Addr]("secret").Update(s, netip.Addr.Next) },
	"a secret that does not come back": func(s *session.Session) {
		session.NewKey[quotingText]("secret").Set(s, loudSecret)
	},
	"a secret value": func(s *session.Session) { session.NewKey[string]("secret").Set(s, loudSecret) },
}

// quotingText is stored as text, and its decoder returns an error that quotes it.
type quotingText string

func (*quotingText) UnmarshalText(text []byte) error { return fmt.Errorf("not %q", text) }

const loudSecret = "correct-horse-battery-staple"

// loudVisit runs do for visitors with every kind of cookie, under every fault of the
// store.
func loudVisit(t *testing.T, opt func(*session.Config), do func(*session.Session)) {
	t.Helper()
	var log secretLog
	w := newWorld(t, opt, func(cfg *session.Config) { cfg.Logger = slog.New(&log) })
	shout := session.NewKey[string]("secret")
	for _, fault := range loudFaults(w) {
		c := w.client()
		c.post(func(s *session.Session) { keyA.Set(s, 1); shout.Set(s, loudSecret) }).wantPage(t)
		log.hides(w, c.jar["session"])
		fault()
		for _, visitor := range []*client{c.tab(), w.client(), w.clientWith("session", c.jar["session"][1:]), w.clientWith("session", "x"+c.jar["session"])} {
			log.answered(loudAnswer(visitor, do))
			log.hides(w, visitor.jar["session"])
			log.answered(loudAnswer(visitor, do))
		}
		w.calm()
		w.store.OnFetch = w.fetch
	}
	log.check(t)
}

// loudAnswer returns the answer to a visitor whose handler also makes changes after the
// header and after the request.
func loudAnswer(c *client, do func(*session.Session)) (a *answer) {
	defer func() { _ = recover() }()
	var late *session.Session
	a = c.send(http.MethodPost, func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		late = s
		do(s)
		_, _ = io.WriteString(w, s.PublicID())
		keyB.Set(s, 5)
		if err := s.Save(r.Context()); err != nil {
			_, _ = io.WriteString(w, err.Error())
		}
	})
	keyC.Set(late, 1)
	return a
}

// loudFaults are the faults, each of which lasts until w.calm.
func loudFaults(w *world) []func() {
	saves := func(hook saveHook) func() { return func() { w.onSave(slices.Repeat([]saveHook{hook}, 50)...) } }
	fetches := func(fault func(*provider.Record) (*provider.Record, error)) func() {
		return func() {
			w.store.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
				rec, err := next(ctx, id)
				if err != nil {
					return nil, err
				}
				return fault(rec)
			}
		}
	}
	return []func(){
		func() {},
		saves(dropped), saves(landed), saves(w.late),
		saves(refused(provider.ErrFull)), saves(refused(provider.ErrTooLarge)), saves(refused(provider.ErrVersionConflict)),
		fetches(func(*provider.Record) (*provider.Record, error) { return nil, errBroken }),
		fetches(func(*provider.Record) (*provider.Record, error) { return nil, provider.ErrNotFound }),
		fetches(func(*provider.Record) (*provider.Record, error) { return nil, nil }),
		fetches(func(rec *provider.Record) (*provider.Record, error) { rec.Data = rec.Data[1:]; return rec, nil }),
		fetches(func(rec *provider.Record) (*provider.Record, error) { rec.Data[0] = 9; return rec, nil }),
		fetches(func(rec *provider.Record) (*provider.Record, error) { rec.Format = "gob"; return rec, nil }),
		fetches(func(rec *provider.Record) (*provider.Record, error) { rec.Version = 7; return rec, nil }),
	}
}

// secretLog collects everything that others could read, and the secrets that it must not
// contain.
type secretLog struct {
	mu      sync.Mutex
	text    bytes.Buffer
	secrets []string
}

func (l *secretLog) Enabled(context.Context, slog.Level) bool { return true }
func (l *secretLog) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *secretLog) WithGroup(string) slog.Handler            { return l }

func (l *secretLog) Handle(ctx context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintln(&l.text, r.Level, r.Message)
	r.Attrs(func(a slog.Attr) bool {
		fmt.Fprintf(&l.text, "%s=%v %+v\n", a.Key, a.Value, a.Value.Any())
		return true
	})
	return nil
}

// answered adds an answer without its Set-Cookie.
func (l *secretLog) answered(a *answer) {
	if a == nil {
		return
	}
	h := a.Result().Header.Clone()
	h.Del("Set-Cookie")
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(&l.text, "%d %v %s %v %+v\n", a.Code, h, a.Body, a.err, a.err)
}

// hides adds the parts of the cookie and all keys to the secrets.
func (l *secretLog) hides(w *world, cookie string) {
	raw := [][]byte{bytes.Repeat([]byte("k"), 32)}
	for _, s := range w.savesSince(0) {
		if s.Format == "holdfast-keyring" {
			for data := s.Data[2:]; len(data) >= 40; data = data[40:] {
				raw = append(raw, data[8:40])
			}
		}
	}
	l.secrets = append(l.secrets, loudSecret)
	if signed, err := base64.URLEncoding.DecodeString(cookie); err == nil {
		for part := range bytes.SplitSeq(signed, []byte("|")) {
			if len(part) > 20 { // the date is no secret
				raw = append(raw, part)
			}
		}
		raw = append(raw, tokenIn(raw, cookie))
	}
	if len(cookie) > 20 {
		raw = append(raw, []byte(cookie))
	}
	for _, secret := range raw {
		if len(secret) == 0 {
			continue
		}
		l.secrets = append(
			l.secrets,
			string(secret), fmt.Sprint(secret), fmt.Sprintf("%q", secret), hex.EncodeToString(secret), url.QueryEscape(string(secret)),
			base64.RawURLEncoding.EncodeToString(secret), base64.RawStdEncoding.EncodeToString(secret),
		)
	}
}

// tokenIn returns the token that a cookie holds, if one of the keys has signed it.
func tokenIn(keys [][]byte, cookie string) (token []byte) {
	for _, key := range keys {
		codec := securecookie.New(key, nil).SetSerializer(securecookie.NopEncoder{}).MaxAge(0)
		if codec.Decode("session", cookie, &token) == nil {
			return token
		}
	}
	return nil
}

func (l *secretLog) check(t *testing.T) {
	t.Helper()
	text := l.text.String()
	slices.Sort(l.secrets)
	for _, secret := range slices.Compact(l.secrets) {
		if strings.Contains(text, secret) {
			t.Errorf("%q is in what was logged or answered", secret)
		}
	}
	if len(text) == 0 {
		t.Error("nothing was logged or answered")
	}
}
