package migrate

import (
	"context"

	"github.com/holdfast-go/holdfast/provider/internal/outcome"
)

func (p *Provider) delete(ctx context.Context, id string) error {
	if p.moved.has(id) {
		return p.deleteTo(ctx, id)
	}
	e, err := p.look(ctx, id)
	for err == nil {
		var done bool
		if done, e, err = p.deleteOver(ctx, id, e); done {
			return err
		}
		if err == nil && ctx.Err() != nil {
			err = inFrom(ctx.Err())
		}
	}
	return unsaved(err)
}

func (p *Provider) deleteTo(ctx context.Context, id string) error {
	if err := p.to.Delete(ctx, id); err != nil {
		return inTo(err)
	}
	return nil
}

// deleteOver deletes the record where e is. If from has something else, it returns that.
// If done is false, nothing was deleted.
func (p *Provider) deleteOver(ctx context.Context, id string, e entry) (done bool, now entry, err error) {
	switch e.state {
	case moving:
		if _, err := p.finish(ctx, e); err != nil {
			return false, e, err
		}
		return true, e, p.deleteTo(ctx, id)
	case moved:
		return true, e, p.deleteTo(ctx, id)
	case absent:
		return p.deleteAbsent(ctx, id)
	}
	if e.version <= 0 {
		return false, e, outcome.Refused(ErrUnversioned)
	}
	// A Delete of from would remove a marker that was created in the meantime.
	done, now, err = p.swap(ctx, tombstone(id), e.version)
	return done || err != nil, now, err
}

// deleteAbsent deletes the record if from has nothing. To may have a record of an instance
// that uses it alone. A record that is created in from and moved in the meantime may be
// deleted or not, as by a Delete that was before.
func (p *Provider) deleteAbsent(ctx context.Context, id string) (done bool, now entry, err error) {
	if p.prepare {
		return true, now, nil
	}
	there, err := p.lookTo(ctx, id)
	if err != nil || there.state != plain {
		return err == nil, now, err
	}
	return true, now, p.deleteTo(ctx, id)
}
