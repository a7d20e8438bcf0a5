package cloudflare_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/httpstore"
)

const patience = time.Minute // bounds what should take no time

// counting is a main module that also tells how many rows a store has, and whether an
// alarm of any shard is set.
const counting = `
import worker, { Shard as Base } from "./worker.js";
import { SHARDS, shard } from "./shards.js";

export class Shard extends Base {
  async fetch(request) {
    if (!request.url.endsWith("/count")) return super.fetch(request);
    const alarm = (await this.ctx.storage.getAlarm()) !== null;
    return Response.json({ rows: this.sql.exec("SELECT count(*) AS n FROM records").one().n, alarm });
  }
}

export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    if (!url.pathname.endsWith("/count")) return worker.fetch(request, env);
    let rows = 0, alarms = 0;
    for (let i = 0; i < SHARDS; i++) {
      const got = await (await shard(env, url.pathname.slice(0, -6), i).fetch("https://shard/count")).json();
      rows += got.rows;
      alarms += got.alarm;
    }
    return new Response(rows + " rows, " + alarms + " alarms");
  },
};
`

func client(t *testing.T, server *testserver.Server) *httpstore.Provider {
	t.Helper()
	p, err := httpstore.New(server.URL+"/store", httpstore.Options{Token: testserver.HTTPStoreToken})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func save(t *testing.T, p provider.Provider, id string, expires time.Time) {
	t.Helper()
	if err := p.Save(t.Context(), &provider.Record{ID: id, Version: 1, ExpiresAt: expires}, -1); err != nil {
		t.Fatal(err)
	}
}

// counts wants the store to have so many rows and alarms, at last.
func counts(t *testing.T, server *testserver.Server, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for got := ""; got != want; time.Sleep(10 * time.Millisecond) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/store/count", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatalf("%v; it has %s, want %s", err, got, want)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		got = string(body)
	}
}

// inOneShard returns n IDs whose records are in the same shard.
func inOneShard(n int) (ids []string) {
	for i := 0; len(ids) < n; i++ {
		id := fmt.Sprint("soon ", i)
		if hash := sha256.Sum256([]byte(id)); hash[3]%16 == 0 {
			ids = append(ids, id)
		}
	}
	return ids
}

// The rows of expired records are removed, also those that expire while the server is
// down, and then no alarm is left.
func TestAlarmRemovesWhatHasExpired(t *testing.T) {
	server := testserver.Workerd(t, counting)
	p := client(t, server)
	save(t, p, "for ever", time.Time{})
	counts(t, server, "1 rows, 0 alarms")
	save(t, p, "a century from now", time.Now().AddDate(7000, 0, 0))
	counts(t, server, "2 rows, 1 alarms")
	for _, id := range inOneShard(520) { // more than a run of the alarm removes
		save(t, p, id, time.Now().Add(50*time.Millisecond))
	}
	counts(t, server, "2 rows, 1 alarms")
	save(t, p, "during the restart", time.Now().Add(time.Millisecond))
	server.Restart()
	counts(t, server, "2 rows, 1 alarms")
	if err := p.Delete(t.Context(), "a century from now"); err != nil {
		t.Fatal(err)
	}
	counts(t, server, "1 rows, 0 alarms")
	if _, err := p.Fetch(t.Context(), "for ever"); err != nil {
		t.Error(err)
	}
}

// A client that waits no longer finds nothing done.
func TestDeadline(t *testing.T) {
	server := testserver.Workerd(t, `
import worker from "./worker.js";
export { Shard } from "./worker.js";

export default {
  fetch(request, env) {
    const headers = new Headers(request.headers);
    headers.set("Holdfast-Timeout", "1");
    // The time goes on while the body arrives.
    const slow = new ReadableStream({ async pull(c) { await scheduler.wait(20); c.close(); } });
    return worker.fetch(new Request(request, { headers, body: request.body && slow }), env);
  },
};
`)
	p := client(t, server)
	err := p.Save(t.Context(), &provider.Record{ID: "late", Version: 1, Data: []byte("data")}, 0)
	if !errors.Is(err, provider.ErrRefused) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v, want ErrRefused and DeadlineExceeded", err)
	}
}
