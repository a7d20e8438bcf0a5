package mysql

import (
	"cmp"
	"context"
	"database/sql"
	"iter"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/paging"
)

var _ provider.Lister = (*Provider)(nil)

const pageSize = 256

// No ID contains a NUL, and no byte of UTF-8 is 0xFF.
const (
	beforeAll = "\x00" // less than each ID
	afterAll  = "\xff" // greater than each ID
)

// List implements provider.Lister, in the order of the IDs' bytes. It reads pages of 256
// records by the primary key, each in one round trip and a transaction of its own: a long
// transaction would keep the server from removing old versions of rows.
func (p *Provider) List(ctx context.Context, prefix string) iter.Seq2[*provider.Record, error] {
	return paging.List(ctx, "mysql", prefix, p.pages(ctx, prefix))
}

func (p *Provider) pages(ctx context.Context, prefix string) iter.Seq2[[]*provider.Record, error] {
	return func(yield func([]*provider.Record, error) bool) {
		for last := beforeAll; ; {
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
	begin := cmp.Or(prefix, beforeAll)
	err = p.call(ctx, func(conn *sql.Conn) error {
		page, err = collect(ctx, conn, listed, p.sql.list, []byte(begin), []byte(last), end(prefix), pageSize)
		return err
	})
	return page, err
}

func listed(rows *sql.Rows) (*provider.Record, error) {
	rec := new(provider.Record)
	err := rows.Scan(&rec.ID, (*number)(&rec.Version), &expiry{rec}, &rec.Format, &rec.Data)
	return rec, err
}

// end returns bytes that are greater than every ID that begins with prefix, and not
// greater than all other IDs greater than these. As an upper bound it lets a listing stop
// there instead of at the end of the table.
func end(prefix string) []byte {
	return []byte(prefix + afterAll)
}
