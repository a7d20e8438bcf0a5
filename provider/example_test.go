package provider_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math"
	"math/rand/v2"
	"strconv"
	"sync"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

// A plain compare-and-swap loop: fifty increments at once, none is lost.
func Example() {
	ctx := context.Background()
	store := memory.New()
	counter := &provider.Record{ID: "counter", Version: newVersion(), Data: []byte("0")}
	if err := store.Save(ctx, counter, 0); err != nil {
		log.Fatal(err)
	}

	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if err := increment(ctx, store, "counter"); err != nil {
				log.Print(err)
			}
		})
	}
	wg.Wait()

	counter, err := store.Fetch(ctx, "counter")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", counter.Data)
	// Output: 50
}

// increment adds one to the number in a record, again if someone else has
// changed the record since it was read.
func increment(ctx context.Context, p provider.Provider, id string) error {
	for {
		rec, err := p.Fetch(ctx, id)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(rec.Data))
		if err != nil {
			return err
		}
		seen := rec.Version
		rec.Version = newVersion()
		rec.Data = []byte(strconv.Itoa(n + 1))
		err = p.Save(ctx, rec, seen)
		if !errors.Is(err, provider.ErrVersionConflict) {
			return err
		}
	}
}

// newVersion returns a version that no other Save has.
func newVersion() int64 { return 1 + rand.Int64N(math.MaxInt64) }

// Versions must not be counted up: two writers that have read version 1 then
// both write version 2, and the second is told that it has done so already.
func Example_countedVersions() {
	ctx := context.Background()
	store := memory.New()
	save := func(version int64, data string, expectVersion int64) error {
		return store.Save(ctx, &provider.Record{ID: "cart", Version: version, Data: []byte(data)}, expectVersion)
	}

	fmt.Println(save(1, "", 0))
	fmt.Println(save(2, "apples", 1))
	fmt.Println(save(2, "pears", 1)) // no conflict!
	cart, err := store.Fetch(ctx, "cart")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", cart.Data) // the pears are lost
	// Output:
	// <nil>
	// <nil>
	// <nil>
	// apples
}
