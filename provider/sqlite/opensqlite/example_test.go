package opensqlite_test

import (
	"log"

	"github.com/holdfast-go/holdfast/provider/sqlite/opensqlite"
	"github.com/holdfast-go/holdfast/session"
)

func Example() {
	store, err := opensqlite.Open("shop.db")
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	sessions, err := session.New(store, session.Config{})
	if err != nil {
		log.Fatal(err)
	}
	_ = sessions // wrap the handlers in it
}

// A table of another name, and changes that a power failure may undo.
func ExampleOpen_uRL() {
	store, err := opensqlite.Open("sqlite:///var/lib/shop/shop.db?table=app_sessions&synchronous=normal")
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
}
