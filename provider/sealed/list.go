package sealed

import (
	"context"
	"iter"

	"github.com/holdfast-go/holdfast/provider"
)

var _ provider.Lister = (*Provider)(nil)

// List implements provider.Lister if the inner provider does. A record that no key opens
// ends it with provider.ErrUnreadable.
func (p *Provider) List(ctx context.Context, prefix string) iter.Seq2[*provider.Record, error] {
	return func(yield func(*provider.Record, error) bool) {
		for rec, err := range provider.List(ctx, p.inner, prefix) {
			if err == nil {
				err = p.keys.open(rec, rec.ID)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(rec, nil) {
				return
			}
		}
	}
}
