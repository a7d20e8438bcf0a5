package provider_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

// One instance of a program tells all others, and itself, that its settings have changed.
func ExampleBroadcaster() {
	ctx, stop := context.WithCancel(context.Background())
	store := memory.New()
	ready := func() {
		if err := store.Broadcast(ctx, []byte("settings")); err != nil {
			log.Fatal(err)
		}
	}
	heard := func(message []byte) {
		fmt.Printf("heard %q\n", message)
		stop()
	}
	err := store.Listen(ctx, ready, heard)
	fmt.Println(errors.Is(err, context.Canceled))
	// Output:
	// heard "settings"
	// true
}

// A loop around Listen. Whenever it begins, messages may have been missed, so the settings
// are read. If the store has no messages, the program has to poll.
func ExampleListen() {
	ctx, stop := context.WithCancel(context.Background())
	var store provider.Provider = memory.New()
	read := func() { fmt.Println("read the settings") }
	for ctx.Err() == nil {
		err := provider.Listen(ctx, store, func() {
			read()
			stop() // an example must end
		}, func([]byte) { read() })
		if errors.Is(err, errors.ErrUnsupported) {
			fmt.Println("poll:", err)
			break
		}
		// Wait a moment before the next attempt: the store may be down.
	}
	// Output: read the settings
}

// A program that does not know its store. A lost message costs time and nothing else.
func ExampleBroadcast() {
	var store provider.Provider = memory.New()
	if err := provider.Broadcast(context.Background(), store, []byte("settings")); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		fmt.Println("the others will notice later:", err)
	}
	// Output:
}
