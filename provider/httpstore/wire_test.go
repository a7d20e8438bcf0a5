package httpstore_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

var wireRecord = storetest.NewRecord()

// verbs are calls with all of their outcomes.
var verbs = []struct {
	name string
	do   func(t *testing.T, p provider.Provider)
}{
	{"Fetch", func(t *testing.T, p provider.Provider) { storetest.WantRecord(t, p, wireRecord) }},
	{"Fetch of a missing record", func(t *testing.T, p provider.Provider) { storetest.WantNoRecord(t, p, "missing") }},
	{"Save that creates", func(t *testing.T, p provider.Provider) { storetest.Save(t, p, storetest.NewRecord(), 0, nil) }},
	{"Save that replaces", func(t *testing.T, p provider.Provider) { storetest.Save(t, p, wireRecord, wireRecord.Version, nil) }},
	{"Save without a check", func(t *testing.T, p provider.Provider) { storetest.Save(t, p, wireRecord, -1, nil) }},
	{"Save of an earlier attempt", func(t *testing.T, p provider.Provider) { storetest.Save(t, p, wireRecord, 7, nil) }},
	{"Save that conflicts", func(t *testing.T, p provider.Provider) {
		storetest.Save(t, p, storetest.Next(wireRecord), 7, provider.ErrVersionConflict)
	}},
	{"Save of what is missing", func(t *testing.T, p provider.Provider) {
		storetest.Save(t, p, storetest.NewRecord(), 7, provider.ErrVersionConflict)
	}},
	{"Save of no data", func(t *testing.T, p provider.Provider) {
		storetest.Save(t, p, &provider.Record{ID: "empty", Version: 1}, -1, nil)
	}},
	{"Fetch of no data", func(t *testing.T, p provider.Provider) {
		storetest.Save(t, p, &provider.Record{ID: "empty", Version: 1}, -1, nil)
		storetest.WantRecord(t, p, &provider.Record{ID: "empty", Version: 1})
	}},
	{"Save of a megabyte", func(t *testing.T, p provider.Provider) {
		storetest.Save(t, p, &provider.Record{ID: "large", Version: 1, Data: make([]byte, 1<<20)}, -1, nil)
	}},
	{"Delete", func(t *testing.T, p provider.Provider) {
		if err := p.Delete(t.Context(), "missing"); err != nil {
			t.Error(err)
		}
	}},
}

// Each call is one request, and all of them go over one connection.
func TestTrips(t *testing.T) {
	for _, verb := range verbs {
		t.Run(verb.name, func(t *testing.T) {
			m := memory.New()
			storetest.Save(t, m, wireRecord, 0, nil)
			var requests, connections atomic.Int64
			server := httptest.NewUnstartedServer(counting(handler(t, m), &requests))
			server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
				if s == http.StateNew {
					connections.Add(1)
				}
			}
			server.Start()
			t.Cleanup(server.Close)
			p := client(t, server.URL, options())
			for range 3 {
				verb.do(t, p)
			}
			want := int64(3)
			if verb.name == "Fetch of no data" {
				want *= 2
			}
			if requests.Load() != want || connections.Load() != 1 {
				t.Errorf("%d requests over %d connections, want %d over 1", requests.Load(), connections.Load(), want)
			}
		})
	}
}

// net/http gives a connection to the next call before it hands over an answer without a
// body.
func TestEveryAnswerHasABody(t *testing.T) {
	server := httptest.NewServer(handler(t, memory.New()))
	t.Cleanup(server.Close)
	do := func(method, path, version string) *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Holdfast-Version", version)
		if version != "1" {
			req.Header.Set("If-None-Match", "*")
		}
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp
	}
	for _, step := range []struct {
		method, version string
		status          int
	}{{"PUT", "1", 200}, {"PUT", "2", 412}, {"GET", "1", 200}, {"DELETE", "1", 200}, {"GET", "1", 404}} {
		resp := do(step.method, "/v1/records/YQ", step.version)
		if resp.StatusCode != step.status || resp.ContentLength == 0 {
			t.Errorf("%s: answer %d with length %d, want %d with a body", step.method, resp.StatusCode, resp.ContentLength, step.status)
		}
	}
}
