package leases_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// A spec says what an instance is, in a form that can be handed to another process.
type spec struct {
	Store, Server, Space string
	Tokens               string // URL of the token server
}

var tokens = session.NewKey[token]("token")

// An instance serves
//
//	POST /begin?refresh_token=…                   begins a session with that token
//	GET  /page?generation=2                       answers the token, renewed if it is older than that
//	GET  /page?generation=2&lasts=1s&at=redeemed  does so with a lease of that duration, and dies at that point
type instance struct {
	spec
	sessions *session.Manager
	store    *storetest.Store
}

// A point is where a process dies, or stops, while it renews a token.
type point string

const (
	leasing  point = "leasing"  // before the lease is saved
	leased   point = "leased"   // when it was saved, and nobody has told the process
	running  point = "running"  // in the function, before the token is redeemed
	redeemed point = "redeemed" // in the function, after the token was redeemed
	saving   point = "saving"   // before the result is saved
	saved    point = "saved"    // when it was saved, and nobody has told the process
	held     point = "held"     // not dead: the function renews the token when the test lets it
	stuck    point = "stuck"    // not dead: the function goes on when another request has renewed the token
)

// pointKey is the context key of the point of a request.
type pointKey struct{}

// instance returns an instance whose sessions are in p.
func (s spec) instance(t testing.TB, p provider.Provider) *instance {
	t.Helper()
	i := &instance{spec: s, store: &storetest.Store{Provider: p}}
	i.store.OnSave = i.save
	m, err := session.New(i.store, session.Config{
		SigningKeys:  [][]byte{bytes.Repeat([]byte("k"), 32)},
		Cookie:       session.Cookie{Insecure: true},
		StoreTimeout: patience,
		Logger:       slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	i.sessions = m
	return i
}

func (i *instance) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /begin", i.sessions.HandlerFunc(func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
		tokens.Set(s, token{Refresh: r.FormValue("refresh_token")})
		s.SetOwner(r.FormValue("grant"))
	}))
	mux.Handle("GET /page", marked(i.sessions.HandlerFunc(i.page)))
	return mux
}

// marked hands the point of a request down to the store.
func marked(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := &progress{at: point(r.FormValue("at"))}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), pointKey{}, p)))
	})
}

// progress is how far a request has come.
type progress struct {
	at    point
	saves int
}

func (p *progress) reach(at point) {
	if p != nil && p.at == at {
		die()
	}
}

func progressOf(ctx context.Context) *progress {
	p, _ := ctx.Value(pointKey{}).(*progress)
	return p
}

func (i *instance) save(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
	p := progressOf(ctx)
	if p == nil || p.at == "" {
		return next(ctx, rec, expect)
	}
	p.saves++
	before, after := leasing, leased
	if p.saves > 1 {
		before, after = saving, saved
	}
	p.reach(before)
	err := next(ctx, rec, expect)
	if err == nil {
		p.reach(after)
	}
	return err
}

func (i *instance) page(w http.ResponseWriter, r *http.Request, s *session.Session) {
	generation, _ := strconv.Atoi(r.FormValue("generation"))
	ctx := r.Context()
	if lasts, err := time.ParseDuration(r.FormValue("lasts")); err == nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, lasts)
		defer cancel()
	}
	stale := func(t token) bool { return t.Generation < generation }
	t, err := tokens.Refresh(ctx, s, stale, func(ctx context.Context, old token) (token, error) {
		return i.redeem(ctx, s.Owner(), old)
	})
	if err != nil {
		http.Error(w, err.Error(), session.StatusCode(err))
		return
	}
	fmt.Fprint(w, t.Generation, " ", t.Refresh)
}

// redeem renews a token at the token server.
func (i *instance) redeem(ctx context.Context, grant string, old token) (renewed token, err error) {
	p := progressOf(ctx)
	p.reach(running)
	if p.at == held {
		res, err := http.Get(i.Tokens + "/hold?grant=" + url.QueryEscape(grant))
		if err != nil {
			return renewed, err
		}
		res.Body.Close()
	}
	if p.at == stuck {
		_, err := http.Get(i.Tokens + "/gate?grant=" + url.QueryEscape(grant))
		return token{Refresh: "of a holder that was too slow", Generation: 1000}, err
	}
	res, err := http.PostForm(i.Tokens+"/token", url.Values{"refresh_token": {old.Refresh}})
	if err != nil {
		return renewed, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return renewed, errInvalidGrant
	}
	err = json.NewDecoder(res.Body).Decode(&renewed)
	p.reach(redeemed)
	return renewed, err
}

var errInvalidGrant = errors.New("invalid grant")

// die ends this process as SIGKILL does.
func die() {
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	for {
		time.Sleep(time.Hour)
		_ = err
	}
}
