// Package paging is what the Lists of the providers have in common.
package paging

import (
	"cmp"
	"context"
	"fmt"
	"iter"

	"github.com/holdfast-go/holdfast/provider"
)

// List is the List of a provider that reads pages of records. Its own errors, about
// the prefix and the context, begin with the name of the provider's package; those
// of pages it passes on.
func List(ctx context.Context, pkg, prefix string, pages iter.Seq2[[]*provider.Record, error]) iter.Seq2[*provider.Record, error] {
	return func(yield func(*provider.Record, error) bool) {
		if err := cmp.Or(provider.ValidatePrefix(prefix), ctx.Err()); err != nil {
			yield(nil, fmt.Errorf("%s: %w", pkg, err))
			return
		}
		for page, err := range pages {
			if err != nil {
				yield(nil, err)
				return
			}
			for _, rec := range page {
				if err := ctx.Err(); err != nil { // the page may be from before
					yield(nil, fmt.Errorf("%s: %w", pkg, err))
					return
				}
				if !yield(rec, nil) {
					return
				}
			}
		}
	}
}
