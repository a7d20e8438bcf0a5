package provider_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

// Counting what there is, by what it is for, with no more than a page of it in
// memory.
func ExampleLister() {
	ctx := context.Background()
	store := memory.New()
	for _, id := range []string{"cart-1", "cart-2", "cart-3", "visit-1"} {
		rec := &provider.Record{ID: id, Version: newVersion(), ExpiresAt: time.Now().Add(time.Hour), Data: make([]byte, 100)}
		if err := store.Save(ctx, rec, 0); err != nil {
			log.Fatal(err)
		}
	}

	var carts, bytes int
	for rec, err := range store.List(ctx, "cart-") {
		if err != nil {
			log.Fatal(err)
		}
		carts++
		bytes += len(rec.Data)
	}
	fmt.Println(carts, "carts,", bytes, "bytes")
	// Output: 3 carts, 300 bytes
}

// Any provider may be asked; not every one is a Lister. The loop may delete what it
// is given.
func ExampleList() {
	ctx := context.Background()
	var store provider.Provider = memory.New()
	for _, id := range []string{"cart-1", "cart-2", "visit-1"} {
		if err := store.Save(ctx, &provider.Record{ID: id, Version: newVersion()}, 0); err != nil {
			log.Fatal(err)
		}
	}

	for rec, err := range provider.List(ctx, store, "cart-") {
		if err != nil {
			log.Fatal(err) // errors.ErrUnsupported, where the store cannot list
		}
		if err := store.Delete(ctx, rec.ID); err != nil {
			log.Fatal(err)
		}
	}
	for rec := range provider.List(ctx, store, "") {
		fmt.Println(rec.ID)
	}
	// Output: visit-1
}
