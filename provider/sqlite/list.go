package sqlite

import (
	"context"
	"iter"
	"strings"
	"unicode/utf8"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/paging"
)

var _ provider.Lister = (*Provider)(nil)

const pageSize = 256

// List implements provider.Lister, in the order of the IDs' bytes. It reads pages of 256
// records by the index, each in a transaction of its own: a long one would keep SQLite
// from reusing the write-ahead log.
func (p *Provider) List(ctx context.Context, prefix string) iter.Seq2[*provider.Record, error] {
	return paging.List(ctx, "sqlite", prefix, p.pages(ctx, prefix))
}

func (p *Provider) pages(ctx context.Context, prefix string) iter.Seq2[[]*provider.Record, error] {
	return func(yield func([]*provider.Record, error) bool) {
		for last := ""; ; {
			page, err := p.query(ctx, p.sql.list, prefix, end(prefix), last, pageSize)
			if !yield(page, err) || len(page) < pageSize {
				return
			}
			last = page[pageSize-1].ID
		}
	}
}

// end returns a text that is greater than every ID that begins with prefix, and less than
// all other IDs greater than these. It has more runes U+10FFFF at its end than an ID has
// room for. As an upper bound it lets a listing stop there instead of at the end of the
// table.
func end(prefix string) string {
	return prefix + strings.Repeat("\U0010ffff", provider.MaxIDLength/utf8.UTFMax+1)
}
