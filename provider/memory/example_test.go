package memory_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

// A store that is full refuses what is new. What it has can still be changed.
func ExampleMaxBytes() {
	ctx := context.Background()
	store := memory.New(memory.MaxBytes(1000))
	first := &provider.Record{ID: "first", Version: 1, Data: make([]byte, 500)}
	second := &provider.Record{ID: "second", Version: 1, Data: make([]byte, 500)}

	fmt.Println(store.Save(ctx, first, 0))
	fmt.Println(errors.Is(store.Save(ctx, second, 0), provider.ErrFull))

	first.Version, first.Data = 2, make([]byte, 780)
	fmt.Println(store.Save(ctx, first, 1))
	// Output:
	// <nil>
	// true
	// <nil>
}
