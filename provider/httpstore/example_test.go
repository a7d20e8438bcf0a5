package httpstore_test

import (
	"log"
	"net/http"
	"os"
	"time"

	"github.com/holdfast-go/holdfast/provider/httpstore"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

func Example() {
	store, err := httpstore.New("http://localhost:8090", httpstore.Options{Token: os.Getenv("HOLDFAST_TOKEN")})
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

func ExampleHandler() {
	handler, err := httpstore.Handler(memory.New(), httpstore.HandlerOptions{Token: os.Getenv("HOLDFAST_TOKEN")})
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{
		Addr:              "127.0.0.1:8090",
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
	log.Fatal(server.ListenAndServe())
}
