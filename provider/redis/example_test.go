package redis_test

import (
	"log"
	"time"

	goredis "github.com/redis/go-redis/v9"

	redisprovider "github.com/holdfast-go/holdfast/provider/redis"
	"github.com/holdfast-go/holdfast/session"
)

func ExampleOpen() {
	store, err := redisprovider.Open("rediss://app:password@redis.example.com:6380/0?pool_size=50")
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	sessions, err := session.New(store, session.Config{})
	if err != nil {
		log.Print(err)
		return
	}
	_ = sessions // see package session
}

// A server that Sentinel watches over: a change is acknowledged when a replica has
// it too, or when that takes too long.
func ExampleNew_sentinel() {
	client := goredis.NewFailoverClient(&goredis.FailoverOptions{
		MasterName:            "main",
		SentinelAddrs:         []string{"10.0.0.1:26379", "10.0.0.2:26379", "10.0.0.3:26379"},
		ContextTimeoutEnabled: true,
		DialTimeout:           2 * time.Second,
		ReadTimeout:           3 * time.Second,
		WriteTimeout:          3 * time.Second,
		DialerRetries:         1,
	})
	defer client.Close()

	store := redisprovider.New(client, redisprovider.WaitReplicas(1, 200*time.Millisecond))
	_ = store
}

func ExampleNew_cluster() {
	client := goredis.NewClusterClient(&goredis.ClusterOptions{
		Addrs:                 []string{"10.0.0.1:6379", "10.0.0.2:6379", "10.0.0.3:6379"},
		ContextTimeoutEnabled: true,
		DialTimeout:           2 * time.Second,
		ReadTimeout:           3 * time.Second,
		WriteTimeout:          3 * time.Second,
		DialerRetries:         1,
	})
	defer client.Close()

	store := redisprovider.New(client)
	_ = store
}

// Two apps share a database.
func ExamplePrefix() {
	client := goredis.NewClient(&goredis.Options{Addr: "localhost:6379"})
	defer client.Close()

	shop := redisprovider.New(client, redisprovider.Prefix("shop:session:"))
	blog := redisprovider.New(client, redisprovider.Prefix("blog:session:"))
	_, _ = shop, blog
}
