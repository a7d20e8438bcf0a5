package etcd_test

import (
	"fmt"
	"slices"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/etcd"
)

// fill saves n records and returns their IDs, which begin with x.
func fill(t *testing.T, p provider.Provider, n int) (ids []string) {
	t.Helper()
	for i := range n {
		rec := storetest.NewRecord()
		rec.ID = fmt.Sprintf("x%06d", i)
		storetest.Save(t, p, rec, -1, nil)
		ids = append(ids, rec.ID)
	}
	return ids
}

// lists wants List to yield these IDs in that order.
func lists(t *testing.T, p provider.Provider, prefix string, want ...string) {
	t.Helper()
	if got, err := storetest.List(t.Context(), p, prefix); err != nil || !slices.Equal(got, want) {
		t.Errorf("List of prefix %q: got %d IDs and error %v, want %d", prefix, len(got), err, len(want))
	}
}

func TestListReadsPages(t *testing.T) {
	for n, trips := range map[int]int64{0: 1, 1: 1, etcd.PageSize: 1, etcd.PageSize + 1: 2, 2*etcd.PageSize + 1: 3} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			beside, _, prefix := store(t)
			want := fill(t, beside, n)
			var wire tap
			p := etcd.New(shared(t, wire.watch), etcd.Prefix(prefix))
			lists(t, p, "x", want...)
			if got := wire.trips.Load(); got != trips {
				t.Errorf("%d trips, want %d", got, trips)
			}
		})
	}
}

// A compaction of etcd's history between two pages does not end List.
func TestListDuringCompaction(t *testing.T) {
	p, client, _ := store(t)
	want := fill(t, p, 2*etcd.PageSize)
	var got []string
	for rec, err := range p.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, rec.ID); len(got) == 10 {
			storetest.Save(t, p, storetest.NewRecord(), 0, nil)
			resp, err := client.Get(t.Context(), "x")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := client.Compact(t.Context(), resp.Header.Revision, clientv3.WithCompactPhysical()); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, id := range want {
		if !slices.Contains(got, id) {
			t.Errorf("List has left out %s", id)
		}
	}
}

// Without a prefix, the records are among the keys of other programs.
func TestListOfTheEmptyPrefix(t *testing.T) {
	_, client, prefix := store(t)
	p, rec := etcd.New(client, etcd.Prefix("")), storetest.NewRecord()
	rec.ID = prefix + "a"
	storetest.Save(t, p, rec, 0, nil)
	lists(t, p, prefix, rec.ID)
	ids, err := storetest.List(t.Context(), p, "")
	if err != nil || !slices.Contains(ids, rec.ID) {
		t.Errorf("List: got %d IDs and error %v, want the record among them", len(ids), err)
	}
}
