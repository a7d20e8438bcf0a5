package migrate

import (
	"context"

	"github.com/holdfast-go/holdfast/provider"
)

func (p *Provider) fetch(ctx context.Context, id string) (*provider.Record, error) {
	if p.moved.has(id) {
		return p.fetchTo(ctx, id)
	}
	e, err := p.look(ctx, id)
	if err != nil {
		return nil, err
	}
	switch e.state {
	case plain:
		return e.rec, nil
	case moving:
		// The clock of to decides whether the record has expired.
		if _, err := p.finish(ctx, e); err != nil {
			return nil, err
		}
	case absent:
		if p.prepare {
			return nil, errNotFound // what is in to has a marker while instances in this phase run
		}
	}
	return p.fetchTo(ctx, id)
}
