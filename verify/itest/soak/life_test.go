package soak_test

import (
	"context"
	"crypto/rand"
	mathrand "math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/verify/itest/witness"
)

// A life is that of one session, from begin to destroy. Its tabs do things at the same
// time; what takes the session itself is done in between, by nobody else's side.
type life struct {
	*site
	*witness.Ledger[string]
	name    string
	cookie  *http.Cookie
	former  []*http.Cookie
	patient bool // what is asked has to be done
	broken  bool // nobody knows whether it goes on under its cookie
	found   int  // what was in doubt, when last looked for
	log     log
}

const (
	tabs   = 2
	acts   = 5
	rounds = 4
	pace   = 5 * time.Millisecond // keeps those whom a dead store refuses at once from doing nothing else
)

var (
	together = []string{"update", "getset", "replay", "own", "save", "transact", "give", "take", "read", "drop"}
	alone    = []string{"renew", "persist", "clear"}
)

// live lets a visitor live one life, or what of it ctx leaves time for.
func (s *site) live(ctx context.Context) {
	defer s.keys.begin()()
	l := &life{site: s, Ledger: witness.NewLedger[string](), name: "visitor " + rand.Text()}
	defer l.account()
	if l.ask("begin", l.name).verdict != done || l.cookie == nil {
		witness.Wait(ctx, pace)
		return
	}
	l.lives.Add(1)
	for range rounds {
		if l.round(ctx); ctx.Err() != nil || l.broken {
			break
		}
		if l.solo(alone[mathrand.IntN(len(alone))]); l.broken {
			break
		}
	}
	l.end()
}

// account makes the ledger part of the site's.
func (l *life) account() {
	if problems := l.Problems(); len(problems) > 0 {
		l.t.Errorf("%s: %s\n%v", l.site.name, strings.Join(problems, "\n"), &l.log)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.figures.Add(l.Figures())
	l.figures.Landed += l.found
	l.found = 0
}

// round lets the tabs do things at the same time.
func (l *life) round(ctx context.Context) {
	var group sync.WaitGroup
	for range tabs {
		group.Go(func() {
			for n := 0; n < acts && ctx.Err() == nil; n++ {
				l.act(together[mathrand.IntN(len(together))])
				witness.Wait(ctx, pace)
			}
		})
	}
	group.Wait()
}

// act does one thing and notes what became of its token.
func (l *life) act(verb string) {
	token := rand.Text()
	switch verb {
	case "read":
		l.read()
	case "take":
		l.ask(verb, "")
	case "drop":
		if l.ask("own", token).verdict == done {
			l.note(token, l.ask(verb, token).verdict, l.Refuse, l.Ack)
		} else {
			l.Doubt(token)
		}
	default:
		l.note(token, l.ask(verb, token).verdict, l.Ack, l.Refuse)
	}
}

func (l *life) note(token string, v verdict, isDone, isRefused func(string)) {
	switch v {
	case done:
		isDone(token)
	case refused:
		isRefused(token)
	default:
		l.Doubt(token)
	}
}

// read wants to see what was acknowledged before, or an error.
func (l *life) read() {
	before := l.Settled()
	got := l.ask("read", "")
	if got.verdict != done {
		return
	}
	for _, token := range before {
		if !slices.Contains(got.Tokens, token) {
			l.Problem("a read misses %s, which was acknowledged before", token)
		}
	}
}

// solo does what must be known to be done: what it leaves in doubt ends the life.
func (l *life) solo(verb string) {
	if verb == "clear" {
		l.audit()
	}
	old := l.cookie
	got := l.ask(verb, "")
	switch {
	case got.verdict == unknown:
		l.broken = true
	case got.verdict == refused:
	case verb == "renew" && l.cookie == old:
		l.Problem("renewed without a cookie")
	case verb == "renew":
		l.former = append(l.former, old)
	case verb == "clear":
		l.account()
		l.Ledger = witness.NewLedger[string]()
	}
}

// end audits and destroys the session. After that none of its cookies opens anything.
func (l *life) end() {
	if l.broken {
		l.lost.Add(1) // a renewal or a Clear that is in doubt may still land
		return
	}
	l.audit()
	last := l.cookie
	if l.insist("destroy").verdict != done {
		return
	}
	for _, cookie := range append(l.former, last) {
		l.cookie = cookie
		if got := l.insist("read"); got.verdict == done && got.Owner != "" || len(got.Tokens) > 0 {
			l.Problem("a cookie of a session that was renewed or destroyed opens it")
		}
	}
}

// audit holds what is stored against what was told.
func (l *life) audit() {
	if got := l.insist("read"); got.verdict == done {
		l.Audit("the session", got.Tokens)
		l.found = l.Landed(got.Tokens)
	}
}

// insist asks until it is done.
func (l *life) insist(verb string) (got answer) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	l.patient = true
	defer func() { l.patient = false }()
	for {
		got = l.ask(verb, "")
		if got.verdict == done {
			return got
		}
		if !witness.Wait(ctx, 2*pace) {
			l.Problem("%s is not done for %v: %d %q", verb, patience, got.status, got.text)
			return got
		}
	}
}
