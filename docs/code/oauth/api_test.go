package oauth

import (
	"testing"

	"github.com/holdfast-go/holdfast/docs/code/internal/browser"
)

// login logs b in. The token that the site gets has run out at once.
func login(t *testing.T, b *browser.Browser) {
	t.Helper()
	b.Get(askIdentity(t, b)).Want(t, 303, "/")
}

func (p *identity) want(t *testing.T, redemptions, revocations int) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.redemptions != redemptions || p.revocations != revocations {
		t.Errorf("%d redemptions, %d revocations; want %d, %d", p.redemptions, p.revocations, redemptions, revocations)
	}
}

func TestParallelPagesRedeemOnce(t *testing.T) {
	b, idp := visit(t)
	login(t, b)
	pages := make(chan browser.Answer, 8)
	for range cap(pages) {
		go func() { pages <- b.Get("/orders") }()
	}
	for range cap(pages) {
		(<-pages).Want(t, 200, "two books")
	}
	idp.want(t, 1, 0)
}

func TestTokenOfASessionThatHasEndedIsRevoked(t *testing.T) {
	b, idp := visit(t)
	login(t, b)
	tab := b.Thief() // the same session, with a jar of its own
	idp.redeeming = func() { tab.Post("/logout").Want(t, 200, "") }
	b.Get("/orders").Want(t, 409, "please try again")
	idp.want(t, 1, 1)
}

func TestRevokedGrantIsALogin(t *testing.T) {
	b, idp := visit(t)
	login(t, b)
	idp.mu.Lock()
	idp.refresh = ""
	idp.mu.Unlock()
	b.Get("/orders").Want(t, 401, "please log in again")
	idp.want(t, 0, 0)
}
