package storeurl

import (
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	redisprovider "github.com/holdfast-go/holdfast/provider/redis"
)

// redisPrefix removes the parameter prefix from the URL.
func redisPrefix(storeURL string) (rest string, options []redisprovider.Option, err error) {
	rest, prefix, found, err := cut(storeURL, "prefix")
	if found {
		options = append(options, redisprovider.Prefix(prefix))
	}
	return rest, options, err
}

func openRedis(storeURL string) (*Opened, error) {
	rest, options, err := redisPrefix(storeURL)
	if err != nil {
		return nil, err
	}
	p, err := redisprovider.Open(rest, options...)
	if err != nil {
		return nil, err
	}
	return &Opened{Provider: p, Close: func() { _ = p.Close() }}, nil
}

// openCluster sets up the client as provider/redis recommends.
func openCluster(storeURL string) (*Opened, error) {
	rest, options, err := redisPrefix(strings.Replace(storeURL, "-cluster", "", 1)) // of the scheme
	if err != nil {
		return nil, err
	}
	o, err := goredis.ParseClusterURL(rest)
	if err != nil {
		return nil, errURL // err may quote the password
	}
	o.ContextTimeoutEnabled = true
	o.DialerRetries = 1
	if o.DialTimeout == 0 {
		o.DialTimeout = 2 * time.Second
	}
	client := goredis.NewClusterClient(o)
	return &Opened{
		Provider: redisprovider.New(client, options...),
		Close:    func() { _ = client.Close() },
	}, nil
}
