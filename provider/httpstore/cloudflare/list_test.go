package cloudflare_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/httpstore"
)

// A shard with more records than a page has, or with more data, is listed by pages, in
// which no record is left out and none comes twice.
func TestListReadsPagesOfAShard(t *testing.T) {
	server := testserver.Workerd(t)
	t.Run("many", func(t *testing.T) { testPages(t, client(t, server), inOneShard(520), 0) })
	t.Run("large", func(t *testing.T) {
		p, err := httpstore.New(server.URL+"/large", httpstore.Options{Token: testserver.HTTPStoreToken})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		testPages(t, p, inOneShard(7), 400<<10)
	})
}

func testPages(t *testing.T, p *httpstore.Provider, ids []string, size int) {
	var wg sync.WaitGroup
	for part := range slices.Chunk(ids, 26) {
		wg.Go(func() {
			for _, id := range part {
				if err := p.Save(t.Context(), &provider.Record{ID: id, Version: 1, Data: make([]byte, size)}, 0); err != nil {
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
