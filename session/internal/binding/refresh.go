package binding

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/holdfast-go/holdfast/session/internal/dbsc"
	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// maxRenewals limits how often a Refresh begins anew because the session was renewed in the
// meantime.
const maxRenewals = 4

// Refresh makes a new token for the session that was registered under that ID, if the
// proof is signed by its key. With ErrChallenge it returns the challenge that the browser
// has to sign. The error is ErrEnded, or ErrTombstone, if the session has ended.
func (b *Binder) Refresh(ctx context.Context, id, proof string) (bound Bound, err error) {
	a := b.opts.Records.Access(ctx, nil)
	defer a.Leave()
	for range maxRenewals {
		ids, base, err := a.Successors(id) // it may have been renewed since the registration
		if err != nil {
			return Bound{}, err
		}
		publicID := ids[len(ids)-1]
		r := &refresh{b: b}
		err = r.save(&a, id, publicID, base, proof)
		switch {
		case err == nil, errors.Is(err, ErrChallenge):
			bound, failed := b.issue(ctx, id, publicID, &r.state)
			return bound, cmp.Or(failed, err)
		case errors.Is(err, records.ErrTombstone) && !base.Tombstone: // renewed in the meantime
			continue
		}
		return Bound{PublicID: publicID}, err
	}
	return Bound{}, fmt.Errorf("%w: the session was renewed again and again", records.ErrUnavailable)
}

// signed returns the number of refreshes before the challenge that the key has signed.
func (b *Binder) signed(ctx context.Context, id, proof string, state *envelope.Binding) (uint64, error) {
	if proof == "" {
		return 0, ErrChallenge
	}
	challenge, err := dbsc.VerifyRefresh(proof, b.opts.RefreshPath, dbsc.Key{Algorithm: dbsc.Algorithm(state.Algorithm), DER: state.Key})
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrProof, err)
	}
	return b.counts(ctx, challenge, refreshing, id)
}

// refresh is the records.Change that makes a new token the present one.
type refresh struct {
	b         *Binder
	challenge uint64           // the number of refreshes before it
	state     envelope.Binding // that the session has afterwards
}

// save checks the proof, and saves the new state of the session over base.
func (r *refresh) save(a *records.Access, id, publicID string, base *records.Content, proof string) (err error) {
	if err := r.Check(base, false); err != nil {
		return err
	}
	r.state = base.Fields.Binding()
	if r.challenge, err = r.b.signed(a.Context(), id, proof, &r.state); err != nil {
		return err
	}
	_, err = a.Change(publicID, base, r)
	return err
}

// Check implements records.Change.
func (r *refresh) Check(current *records.Content, afterUnknown bool) error {
	if current == nil && afterUnknown {
		return records.ErrGoneUnknown
	}
	if err := r.b.opts.Lifetimes.Live(current); err != nil {
		return err
	}
	if !current.Fields.Binding().Bound {
		return ErrNotOffered
	}
	return nil
}

// Edit implements records.Change. It saves nothing if the challenge was used a moment ago:
// the browser has sent the proof twice, or has lost the answer.
func (r *refresh) Edit(current *records.Content) (*records.Content, error) {
	r.state = current.Fields.Binding()
	switch state := &r.state; {
	case r.challenge == state.Proofs:
		r.b.addToken(state)
		return r.b.following(current, *state), nil
	case r.challenge+1 == state.Proofs && records.Now().Before(state.Proven.Add(grace)):
		return nil, nil
	}
	return nil, ErrChallenge
}
