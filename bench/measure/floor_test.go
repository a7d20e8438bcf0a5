package measure_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

// A raw store does by its driver's own calls what a scenario cannot do without.
type raw interface {
	begin(context.Context, *provider.Record) error
	get(context.Context) error
	swap(context.Context) error // compares and swaps
}

// floor is an app without sessions. Where a scenario reads, it gets a record as
// large as Holdfast's from the raw store; where it changes, it also puts it back.
func floor(tb testing.TB, r raw) app {
	f := func(ctx context.Context, route string) error { return nil }
	if r != nil {
		f = func(ctx context.Context, route string) error { return floorIO(ctx, tb, r, route) }
	}
	return app{name: "floor", net: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header["Cookie"] == nil && r.URL.Path == "/read" { // nothing to read
			io.WriteString(w, "0")
			return
		}
		if err := f(r.Context(), r.URL.Path); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		if strings.HasPrefix(r.URL.Path, "/begin") {
			w.Header().Set("Set-Cookie", "session=raw")
		}
		io.WriteString(w, answer(r.URL.Path, nothing{}))
	})}
}

// bareContext is the floor behind a middleware that does what all do which hand
// something on: it gives the request a context, and for that a copy.
func bareContext(tb testing.TB) app {
	type key struct{}
	next := floor(tb, nil).net
	return app{name: "bare-context", net: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key{}, next)))
	})}
}

func floorIO(ctx context.Context, tb testing.TB, r raw, route string) error {
	switch route {
	case "/begin", "/begin-large", "/begin-many":
		return r.begin(ctx, recordOf(tb, route))
	case "/read":
		return r.get(ctx)
	case "/change", "/change-large", "/read-change-large", "/change-many", "/read-change-many":
		if err := r.get(ctx); err != nil {
			return err
		}
		return r.swap(ctx)
	}
	return nil
}

// recordOf returns the record that Holdfast makes of the session which route
// begins.
func recordOf(tb testing.TB, route string) *provider.Record {
	seen := &lastSaved{Provider: memory.New()}
	scenario{begin: route, route: route}.visit(tb, context.Background(), holdfast(tb, seen))
	return seen.rec
}

type lastSaved struct {
	provider.Provider
	rec *provider.Record
}

func (p *lastSaved) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	p.rec = rec.Clone()
	return p.Provider.Save(ctx, rec, expectVersion)
}
