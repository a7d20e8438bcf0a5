package cloudflare_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
)

// A shard with more records than a page has, and with more data, is listed by pages, in
// which no record is left out and none comes twice.
func TestListReadsPagesOfAShard(t *testing.T) {
	p := client(t, testserver.Workerd(t))
	ids := inOneShard(520)
	var wg sync.WaitGroup
	for part := range slices.Chunk(ids, 26) {
		wg.Go(func() {
			for i, id := range part {
				rec := &provider.Record{ID: id, Version: 1}
				if i == 0 {
					rec.Data = make([]byte, 400<<10)
				}
				if err := p.Save(t.Context(), rec, 0); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	var got []string
	for rec, err := range p.List(t.Context(), "soon") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, rec.ID)
	}
	slices.Sort(ids)
	slices.Sort(got)
	if !slices.Equal(got, ids) {
		t.Errorf("got %d records, %d different ones; want each of %d once", len(got), len(slices.Compact(got)), len(ids))
	}
}
