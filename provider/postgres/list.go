package postgres

import (
	"context"
	"iter"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/paging"
)

var _ provider.Lister = (*Provider)(nil)

const pageSize = 256

// A page begins after the last ID of the one before; with an OFFSET, records would be
// left out when others before them are deleted. The collation is that of the index, so
// that IDs are compared by bytes even in a table with another collation.
const listSQL = `
SELECT id::text, {columns}
FROM {table}
WHERE id COLLATE "C" >= $1::text AND id COLLATE "C" < $2::text AND id COLLATE "C" > $3::text AND {live}
ORDER BY id COLLATE "C"
LIMIT $4::bigint`

// List implements provider.Lister, in the order of the IDs' bytes. It reads pages of 256
// records by the index, each in one round trip and a transaction of its own: a long
// transaction would block autovacuum. If neither CreateTable nor Purge has been called
// before, the first List takes one more trip, to ask for the server's version.
func (p *Provider) List(ctx context.Context, prefix string) iter.Seq2[*provider.Record, error] {
	return paging.List(ctx, "postgres", prefix, p.pages(ctx, prefix))
}

func (p *Provider) pages(ctx context.Context, prefix string) iter.Seq2[[]*provider.Record, error] {
	return func(yield func([]*provider.Record, error) bool) {
		for last := ""; ; {
			page, err := p.page(ctx, prefix, last)
			if !yield(page, err) || len(page) < pageSize {
				return
			}
			last = page[pageSize-1].ID
		}
	}
}

// page returns the records after the ID last, or an error.
func (p *Provider) page(ctx context.Context, prefix, last string) (page []*provider.Record, err error) {
	sql := p.sql.list
	switch cockroach, err := p.isCockroach(ctx); {
	case err != nil:
		return nil, err
	case cockroach:
		sql = p.sql.cockroachList
	}
	err = p.call(ctx, func(db DB) error {
		rows, err := db.Query(ctx, sql, prefix, end(prefix), last, pageSize)
		if err != nil {
			return err
		}
		page, err = pgx.CollectRows(rows, listed)
		return err
	})
	return page, err
}

func listed(row pgx.CollectableRow) (*provider.Record, error) {
	var rec provider.Record
	var ms int64
	err := row.Scan(&rec.ID, &rec.Version, &ms, &rec.Format, &rec.Data)
	rec.ExpiresAt = provider.FromMillis(ms)
	return &rec, err
}

// end returns a text that is greater than every ID that begins with prefix, and less than
// all other IDs greater than these. It has more runes U+10FFFF at its end than an ID has
// room for. As an upper bound it lets a listing stop there instead of at the end of the
// table.
func end(prefix string) string {
	return prefix + strings.Repeat("\U0010ffff", provider.MaxIDLength/utf8.UTFMax+1)
}
