package migrate_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/provider/migrate"
	"github.com/holdfast-go/holdfast/session"
)

// The four steps, with stores in memory. In an application, each step is a restart of all
// instances; here one instance after the other uses the same stores.
func Example() {
	ctx := context.Background()
	from, to := memory.New(), memory.New()
	rec := &provider.Record{ID: "ann", Version: 1, Data: []byte("basket")}
	if err := from.Save(ctx, rec, 0); err != nil {
		log.Fatal(err)
	}

	// 1. Prepare, in every instance.
	prepared, err := migrate.New(from, to, migrate.Options{Prepare: true})
	if err != nil {
		log.Fatal(err)
	}
	// 2. Move, in every instance.
	moving, err := migrate.New(from, to, migrate.Options{})
	if err != nil {
		log.Fatal(err)
	}
	if err := moving.Save(ctx, &provider.Record{ID: "bob", Version: 2, Data: []byte("basket")}, 0); err != nil {
		log.Fatal(err)
	}
	found, err := prepared.Fetch(ctx, "bob") // instances of both phases have the same records
	fmt.Printf("prepared: %s's %s, %v\n", found.ID, found.Data, err)

	// 3. MoveAll, once.
	report, err := moving.MoveAll(ctx, migrate.MoveOptions{})
	fmt.Println("moved:", report.Moved, err)

	// 4. The new store alone.
	for rec, err := range to.List(ctx, "") {
		if err != nil {
			log.Fatal(err)
		}
		defer fmt.Printf("has %s's %s\n", rec.ID, rec.Data)
	}
	// Unordered output:
	// prepared: bob's basket, <nil>
	// moved: 1 <nil>
	// has ann's basket
	// has bob's basket
}

// A Manager uses the two stores like any other.
func ExampleNew() {
	from, to := memory.New(), memory.New()
	store, err := migrate.New(from, to, migrate.Options{Prepare: true})
	if err != nil {
		log.Fatal(err)
	}
	sessions, err := session.New(store, session.Config{})
	if err != nil {
		log.Fatal(err)
	}
	_ = sessions // wrap the handlers in it
}

// The total for a display of the progress is from Status.
func ExampleProvider_MoveAll() {
	ctx := context.Background()
	from, to := memory.New(), memory.New()
	for i := range 1000 {
		if err := from.Save(ctx, &provider.Record{ID: fmt.Sprint("visitor ", i), Version: 1}, 0); err != nil {
			log.Fatal(err)
		}
	}
	store, err := migrate.New(from, to, migrate.Options{})
	if err != nil {
		log.Fatal(err)
	}

	status, err := store.Status(ctx)
	if err != nil {
		log.Fatal(err)
	}
	report, err := store.MoveAll(ctx, migrate.MoveOptions{Progress: func(r migrate.Report) {
		if r.Moved%500 == 0 {
			fmt.Println(r.Moved, "of", status.Left)
		}
	}})
	if errors.Is(err, migrate.ErrLeft) {
		log.Fatalf("%d records cannot be moved: %v", report.Left(), err)
	}
	if err != nil {
		log.Fatal(err) // call it again: it goes on with what is left
	}
	status, err = store.Status(ctx)
	fmt.Println("complete:", status.Complete(), err)
	// Output:
	// 500 of 1000
	// 1000 of 1000
	// complete: true <nil>
}
