package nats_test

import (
	"context"
	"log"
	"time"

	natsclient "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	natsprovider "github.com/holdfast-go/holdfast/provider/nats"
	"github.com/holdfast-go/holdfast/session"
)

func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	store, err := natsprovider.Open("nats://app:password@nats1:4222,nats2:4222,nats3:4222?bucket=sessions&replicas=3")
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	if err := store.CreateBucket(ctx); err != nil {
		log.Fatal(err)
	}

	sessions, err := session.New(store, session.Config{})
	if err != nil {
		log.Fatal(err)
	}
	_ = sessions // wrap the handlers in it
}

// A connection that the program uses for other things, too.
func ExampleNew() {
	conn, err := natsclient.Connect("nats://localhost:4222", natsclient.MaxReconnects(-1), natsclient.ReconnectBufSize(-1))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		log.Fatal(err)
	}
	_ = natsprovider.New(js, natsprovider.Bucket("sessions"))
}
