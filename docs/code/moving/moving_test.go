package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/docs/code/internal/browser"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/migrate"
)

func TestMain(m *testing.M) { testserver.Main(m) }

// Two instances are restarted one after the other, phase by phase, while a visitor uses
// both. No visit is lost, before and after the move, and by whichever instance.
func TestPhases(t *testing.T) {
	t.Setenv("HOLDFAST_FROM", "redis://"+testserver.Redis(t).Addr+"/0?read_timeout=1m")
	t.Setenv("HOLDFAST_TO", testserver.Postgres(t).URL)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	start := func(phase string) http.Handler {
		site, err := newSite(ctx, phase)
		if err != nil {
			t.Fatal(err)
		}
		return site
	}
	instances := [2]http.Handler{start("redis"), start("redis")}
	requests := 0
	b := browser.New(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		instances[requests%2].ServeHTTP(w, r)
	}))
	visitors := []*browser.Browser{b}
	seen := map[*browser.Browser]int{}
	everyone := func(times int) {
		t.Helper()
		for range times {
			for _, v := range visitors {
				seen[v]++
				v.Get("/").Want(t, 200, fmt.Sprintf("visit %d", seen[v]))
			}
		}
	}
	everyone(3)
	for _, phase := range []string{"prepare", "move", "postgres"} {
		if phase == "postgres" {
			moveAll(t, ctx)
		}
		for i := range instances {
			instances[i] = start(phase)
			visitors = append(visitors, b.Other()) // somebody new
			everyone(4)
		}
	}
}

// moveAll does what holdfast move does.
func moveAll(t *testing.T, ctx context.Context) {
	t.Helper()
	from, err := openStore(ctx, "redis")
	if err != nil {
		t.Fatal(err)
	}
	to, err := openStore(ctx, "postgres")
	if err != nil {
		t.Fatal(err)
	}
	p, err := migrate.New(from, to, migrate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	report, err := p.MoveAll(ctx, migrate.MoveOptions{})
	if err != nil || report.Moved == 0 {
		t.Fatalf("got %+v and error %v", report, err)
	}
	for rec, err := range provider.List(ctx, from, "") {
		if err != nil || !strings.HasPrefix(rec.Format, "holdfast-migrate/") {
			t.Fatalf("left in Redis: %v, %v", rec, err)
		}
	}
}

func TestAnUnknownPhaseIsRefused(t *testing.T) {
	t.Setenv("HOLDFAST_FROM", "redis://"+testserver.SharedRedis(t)+"/0")
	t.Setenv("HOLDFAST_TO", testserver.SharedPostgres(t))
	if _, err := openStore(t.Context(), "mvoe"); err == nil || !strings.Contains(err.Error(), "SESSION_PHASE") {
		t.Error(err)
	}
}
