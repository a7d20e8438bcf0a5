package etcd_test

import (
	"context"
	"log"
	"os"
	"os/signal"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/holdfast-go/holdfast/provider/etcd"
	"github.com/holdfast-go/holdfast/session"
)

func Example() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	store, err := etcd.Open("etcd://app:password@etcd1:2379,etcd2:2379,etcd3:2379?prefix=shop/")
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	go store.PurgeEvery(ctx, time.Hour)

	sessions, err := session.New(store, session.Config{})
	if err != nil {
		log.Fatal(err)
	}
	_ = sessions // wrap the handlers in it
}

// A client that the program uses for other things, too.
func ExampleNew() {
	client, err := clientv3.New(clientv3.Config{
		Endpoints:            []string{"http://localhost:2379"},
		DialKeepAliveTime:    10 * time.Second,
		DialKeepAliveTimeout: 3 * time.Second,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	_ = etcd.New(client, etcd.Prefix("shop/"))
}
