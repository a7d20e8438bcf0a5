package binding

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/holdfast-go/holdfast/session/internal/dbsc"
	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// Register completes the registration that was offered for the session of that ID: it
// stores the key that the proof contains. The first key that is registered stays. A
// browser that sends the registration of that key again soon gets the same answer.
func (b *Binder) Register(ctx context.Context, id, proof string) (Bound, error) {
	challenge, key, err := dbsc.VerifyRegistration(proof, b.opts.RegisterPath)
	if err != nil {
		return Bound{}, fmt.Errorf("%w: %w", ErrProof, err)
	}
	if _, err := b.counts(ctx, challenge, registering, id); err != nil {
		return Bound{}, err
	}
	a := b.opts.Records.Access(ctx, nil)
	defer a.Leave()
	base, err := a.Fetch(id)
	if err != nil {
		return Bound{}, err
	}
	r := &registration{b: b, key: key}
	if err := r.Check(base, false); err != nil {
		return Bound{}, err
	}
	if _, err := a.Change(id, base, r); err != nil {
		return Bound{}, err
	}
	return b.issue(ctx, id, id, &r.state)
}

// registration is the records.Change that stores a key.
type registration struct {
	b     *Binder
	key   dbsc.Key
	state envelope.Binding // that the session has afterwards
}

// Check implements records.Change.
func (r *registration) Check(current *records.Content, afterUnknown bool) error {
	if current == nil && afterUnknown {
		return records.ErrGoneUnknown
	}
	if err := r.b.opts.Lifetimes.Live(current); err != nil {
		return err
	}
	switch state := current.Fields.Binding(); {
	case state.Bound && r.isOf(&state) && state.Proofs == 0 && records.Now().Before(state.Registered.Add(grace)):
		return nil // sent twice; later it may be the proof that a thief has seen
	case state.Bound:
		return ErrTaken
	case !state.Pending || !records.Now().Before(state.Until):
		return ErrNotOffered
	}
	return nil
}

// isOf reports whether the key is registered.
func (r *registration) isOf(state *envelope.Binding) bool {
	return state.Algorithm == byte(r.key.Algorithm) && state.Key == r.key.DER
}

// Edit implements records.Change. If the key is registered, nothing is saved.
func (r *registration) Edit(current *records.Content) (*records.Content, error) {
	if state := current.Fields.Binding(); state.Bound {
		r.state = state
		return nil, nil
	}
	r.state = envelope.Binding{Bound: true, Registered: records.Now(), Algorithm: byte(r.key.Algorithm), Key: r.key.DER}
	_, _ = rand.Read(r.state.Secret[:]) // never fails: it aborts the program instead
	r.b.proven(&r.state)
	return r.b.following(current, r.state), nil
}
