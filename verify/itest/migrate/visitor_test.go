package migrate_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-go/holdfast/verify/itest/witness"
)

// pace keeps a visitor's session small.
const pace = 10 * time.Millisecond

// A visitor has one session from before the migration until after it, and a ledger of what
// it has added to it.
type visitor struct {
	*app
	*witness.Ledger[string]
	name   string
	cookie *http.Cookie
	added  atomic.Int64
	n      atomic.Int64
	former []*http.Cookie // of sessions that have ended
}

// signIn returns a visitor with a session.
func signIn(a *app, name string, ledger *witness.Ledger[string]) *visitor {
	v := &visitor{app: a, Ledger: ledger, name: name}
	for v.cookie == nil {
		got, said := v.ask("/login?owner=" + url.QueryEscape(name))
		if got.status == http.StatusOK && said.Owner == name {
			v.cookie = got.cookie
		}
	}
	return v
}

// ask sends a request with the cookie that the visitor has. A process that ends may leave it
// without an answer. Nothing else may fail.
func (v *visitor) ask(path string) (got answer, said page) {
	got = v.send(path, v.cookie)
	switch got.status {
	case 0:
	case http.StatusOK:
		if err := json.Unmarshal(got.text, &said); err != nil {
			v.Problem("%s answers %q", path, got.text)
		}
	default:
		v.Problem("%s answers %d: %s", path, got.status, got.text)
	}
	return got, said
}

// add adds a token by each of two tabs, until ctx ends.
func (v *visitor) add(ctx context.Context) {
	var tabs sync.WaitGroup
	for range 2 {
		tabs.Go(func() {
			for witness.Wait(ctx, pace) {
				v.addOne()
			}
		})
	}
	tabs.Wait()
}

func (v *visitor) addOne() {
	token, began := fmt.Sprint(v.n.Add(1)), time.Now()
	defer func() { v.Took(time.Since(began)) }()
	switch got, said := v.ask("/add?token=" + token); {
	case got.status == http.StatusOK && said.Owner == v.name:
		v.Ack(token)
		v.added.Add(1)
	case got.status == http.StatusOK:
		v.Problem("signed out: the session is that of %q", said.Owner)
	case got.status != 0 && strings.HasPrefix(string(got.text), saidRefused):
		v.Refuse(token)
	default:
		v.Doubt(token)
	}
}

// read returns what the session has.
func (v *visitor) read() page {
	for range 100 {
		if got, said := v.ask("/read"); got.status == http.StatusOK {
			return said
		}
		time.Sleep(pace)
	}
	v.Problem("the session cannot be read")
	return page{}
}

// audit holds the session against the ledger, and returns how many changes of unknown
// outcome it has. The roster of the owner has this one session.
func (v *visitor) audit() (landed int) {
	said := v.read()
	v.Audit("the session of "+v.name, said.Tokens)
	if said.Owner != v.name || said.Roster != 1 {
		v.Problem("the session of %s is that of %q, which has %d", v.name, said.Owner, said.Roster)
	}
	return v.Landed(said.Tokens)
}

// passBy signs in, renews the session, and signs out, again and again. None of its cookies
// opens anything after that.
func (v *visitor) passBy(ctx context.Context) {
	for witness.Wait(ctx, 3*pace) {
		p := signIn(v.app, v.name, v.Ledger)
		cookies := []*http.Cookie{p.cookie}
		if got, said := p.ask("/renew"); got.status == http.StatusOK && said.Owner == v.name && got.cookie != nil {
			p.cookie = got.cookie
			cookies = append(cookies, got.cookie)
		} else {
			continue // nobody knows under which cookie the session goes on
		}
		if got, _ := p.ask("/logout"); got.status != http.StatusOK {
			continue
		}
		v.added.Add(1)
		v.ended(cookies)
	}
}

// ended wants cookies to open nothing, now and in the end.
func (v *visitor) ended(cookies []*http.Cookie) {
	for _, c := range cookies {
		got := v.send("/read", c)
		var said page
		if got.status == http.StatusOK && json.Unmarshal(got.text, &said) == nil && said.Owner != "" {
			v.Problem("a cookie of a session that has ended opens it")
		}
	}
	v.former = append(v.former, cookies...)
}
