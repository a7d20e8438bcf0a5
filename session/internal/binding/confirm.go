package binding

import (
	"context"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// Confirmed reports whether a request has come with a token of b, so that the browser is
// known to have got the answer to its registration.
func Confirmed(b *envelope.Binding) bool { return b.Seen > 0 }

// ConfirmBy returns until when a session whose registration is not confirmed is served
// without a token.
func ConfirmBy(b *envelope.Binding) envelope.Time { return b.Registered.Add(grace) }

// Note saves that a request has come with a token of the session, if it is the first one
// with that token or a newer one. It returns the content of the session afterwards: base,
// if there was nothing to note. After an error the earlier tokens are good for longer, until
// another request is noted.
func (b *Binder) Note(ctx context.Context, id string, base *records.Content, tokens []string) (*records.Content, error) {
	n := &note{b: b, tokens: tokens, now: records.Now()}
	if !n.isFirst(base) {
		return base, nil
	}
	a := b.opts.Records.Access(ctx, nil)
	defer a.Leave()
	if _, err := a.Change(id, base, n); err != nil {
		return nil, err
	}
	return n.after, nil
}

// note is the records.Change that notes which token a request has come with.
type note struct {
	b      *Binder
	tokens []string
	now    envelope.Time    // when the request came
	after  *records.Content // the content afterwards
}

// isFirst reports whether there is something to note in c.
func (n *note) isFirst(c *records.Content) bool {
	state := c.Fields.Binding()
	if !state.Bound || state.Seen > state.Proofs { // nothing is newer than what was seen
		return false
	}
	number, ok := newestOf(&state, n.tokens, n.now)
	return ok && number >= state.Seen
}

// Check implements records.Change.
func (n *note) Check(current *records.Content, afterUnknown bool) error {
	if current == nil && afterUnknown {
		return records.ErrGoneUnknown
	}
	return n.b.opts.Lifetimes.Live(current)
}

// Edit implements records.Change. It saves nothing if another request has come with the
// token before.
func (n *note) Edit(current *records.Content) (*records.Content, error) {
	n.after = current
	if !n.isFirst(current) {
		return nil, nil
	}
	state := current.Fields.Binding()
	number, _ := newestOf(&state, n.tokens, n.now)
	see(&state, number, n.now)
	n.after = n.b.following(current, state)
	return n.after, nil
}
