package redis

import (
	"errors"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// Open returns a provider that keeps its records in one server, given by a URL:
//
//	redis://user:password@host:6379/0
//	rediss://user:password@host:6379/0    by TLS
//	unix://user:password@/path/to/redis.sock?db=0
//
// The client is set up as the package's documentation recommends. The URL may set more of
// its options, such as pool_size and read_timeout: see goredis.ParseURL. Open returns an
// error if the URL is not valid. It does no I/O: an unreachable server is reported by the
// first call. Close the provider when it is no longer used.
//
// For Sentinel, a cluster or a ring create the client yourself and use New.
func Open(url string, opts ...Option) (*Provider, error) {
	o, err := goredis.ParseURL(url)
	if err != nil {
		// The error would quote the URL, and so the password.
		return nil, errors.New("redis: the URL or an option in it is not valid; the form is redis://user:password@host:port/database, with special characters percent-encoded")
	}
	setUp(o)
	client := goredis.NewClient(o)
	p := New(client, opts...)
	p.close = client.Close
	return p, nil
}

const (
	dialTimeout = 2 * time.Second
	ioTimeout   = 3 * time.Second

	// poolTimeout is how long a call waits for a connection. It is a part of the time that
	// package session gives a call: one that gets a connection at the last moment has no time
	// left for its reply, and go-redis closes the connection of a call that has ended without
	// one. After an outage, when many calls are waiting, each would cost a connection.
	poolTimeout = time.Second
)

// setUp sets the options that the URL has not set.
func setUp(o *goredis.Options) {
	o.ContextTimeoutEnabled = true
	set(&o.DialTimeout, dialTimeout)
	set(&o.ReadTimeout, ioTimeout)
	set(&o.WriteTimeout, ioTimeout)
	set(&o.PoolTimeout, poolTimeout)
	// Dialing goes on in the background after the call that needs the connection has ended.
	// Until it ends, too, the pool has one connection less. By default that takes 5 times 5
	// seconds.
	set(&o.DialerRetries, 1)
	set(&o.MaxRetries, 1) // of a Fetch whose connection has broken; see once
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
