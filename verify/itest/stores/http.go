package stores

import (
	"context"
	"testing"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/httpstore"
)

// HTTP is provider/httpstore over its own Handler, in another process, with a store of
// the server per space.
var HTTP = Store{
	Name:   "http",
	shared: testserver.SharedHTTPStore,
	open:   openHTTP,
}

// Cloudflare is provider/httpstore over the Worker of provider/httpstore/cloudflare in
// workerd, with Durable Objects per space.
var Cloudflare = Store{
	Name:   "cloudflare",
	shared: testserver.SharedWorkerd,
	open:   openHTTP,
}

func openHTTP(tb testing.TB, url, space string) (provider.Provider, func(context.Context)) {
	p, err := httpstore.New(url+"/"+space, httpstore.Options{Token: testserver.HTTPStoreToken, MaxConns: maxConns})
	if err != nil {
		tb.Fatalf("stores: http: %v", err)
	}
	tb.Cleanup(func() { p.Close() })
	return p, nil
}
