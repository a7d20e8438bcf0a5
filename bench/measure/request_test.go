package measure_test

import (
	"strings"
	"testing"

	"github.com/alexedwards/scs/v2/memstore"
	ginmemory "github.com/gin-contrib/sessions/memstore"
	"github.com/gorilla/sessions"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

var stores = []struct {
	name     string
	apps     func(testing.TB) []app
	provider func(testing.TB) provider.Provider
	raw      func(testing.TB) raw // nil: there is nothing below the provider
}{
	{
		"memory", memoryApps,
		func(testing.TB) provider.Provider { return memory.New() },
		nil,
	},
	{
		"redis", redisApps,
		func(tb testing.TB) provider.Provider { return openRedis(tb, testserver.SharedRedis(tb)) },
		func(tb testing.TB) raw { return newRawRedis(tb, testserver.SharedRedis(tb)) },
	},
	{
		"postgres", postgresApps,
		func(tb testing.TB) provider.Provider { return openPostgres(tb) },
		func(tb testing.TB) raw { return &rawPostgres{pool: openPool(tb)} },
	},
}

func memoryApps(tb testing.TB) []app {
	store := memstore.NewWithCleanupInterval(0)
	return []app{
		floor(tb, nil),
		holdfast(tb, memory.New()),
		scsApp("scs", store),
		gorilla("gorilla-cookie", sessions.NewCookieStore(signingKey)),
		ginApp("gin", ginmemory.NewStore(signingKey)),
		fiberApp("fiber", nil),
		bareContext(tb),
		bareGin(),
		bareFiber(),
	}
}

// BenchmarkRequest measures what a handler and its sessions take for a request,
// without the HTTP server around.
func BenchmarkRequest(b *testing.B) {
	for _, store := range stores {
		b.Run("store="+store.name, func(b *testing.B) {
			apps := store.apps(b)
			for _, sc := range scenarios {
				b.Run("scenario="+sc.name, func(b *testing.B) {
					for _, a := range apps {
						b.Run("peer="+a.name, func(b *testing.B) { sc.measure(b, a) })
					}
				})
			}
		})
	}
}

func (sc scenario) measure(b *testing.B, a app) {
	if !sc.fits(a) {
		b.Skip("does not fit into a cookie")
	}
	v := sc.visit(b, b.Context(), a)
	ask(b, v)
	b.ReportAllocs()
	for b.Loop() {
		v.send()
	}
	if a.sessions() {
		sc.confirm(b, v)
	}
}

// fits reports whether the app can keep the session.
func (sc scenario) fits(a app) bool {
	return a.name != "gorilla-cookie" || sc.begin != "/begin-large" && sc.begin != "/begin-many"
}

// sessions reports whether the app has any.
func (a app) sessions() bool {
	return a.name != "floor" && !strings.HasPrefix(a.name, "bare-")
}
