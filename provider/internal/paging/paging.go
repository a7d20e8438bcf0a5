// Package paging is the common part of the providers' List methods.
package paging

import (
	"cmp"
	"context"
	"fmt"
	"iter"

	"github.com/holdfast-go/holdfast/provider"
)

// List implements List for a provider that reads pages of records. Its own errors, for
// the prefix and the context, begin with the name of the provider's package. Errors of
// pages are passed on unchanged.
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
