package frameworktest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// storm sends a request many times at once, and returns how many responses had each
// status.
func (v *visitor) storm(route string) map[int]int {
	v.t.Helper()
	var wg sync.WaitGroup
	var mu sync.Mutex
	statuses := map[int]int{}
	for range parallel {
		req := v.request(route, "")
		wg.Go(func() {
			res := v.do(req)
			mu.Lock()
			defer mu.Unlock()
			statuses[res.StatusCode]++
		})
	}
	wg.Wait()
	return statuses
}

func parallelUpdates(v *visitor) {
	v.expect("POST /add", 200, "count 1")
	if got := v.storm("POST /add"); got[200] != parallel {
		v.t.Errorf("statuses %v, want %d of 200", got, parallel)
	}
	v.expect("GET /show", 200, fmt.Sprint("count ", 1+parallel, " "))
}

// parallelWrites has all requests read before the first of them writes.
func parallelWrites(v *visitor) {
	v.expect("POST /add", 200, "count 1")
	var reading sync.WaitGroup
	reading.Add(parallel)
	v.a.Between = func() {
		reading.Done()
		reading.Wait()
	}
	if got := v.storm("POST /careless"); got[303] != 1 || got[409] != parallel-1 {
		v.t.Errorf("statuses %v, want one 303 and %d of 409", got, parallel-1)
	}
	v.expect("GET /show", 200, "count 2 ")
	seen := v.a.statuses("/careless")
	slices.Sort(seen)
	if len(seen) != parallel || seen[0] != 303 || seen[1] != 409 || seen[parallel-1] != 409 {
		v.t.Errorf("the framework's logger saw %v", seen)
	}
}

func conflict(v *visitor) {
	v.expect("POST /add", 200, "count 1")
	v.loseOnce()
	res := v.expect("POST /careless", 409, "")
	if res.Header.Get("Page") != "" || res.Header.Get("Location") != "" || strings.Contains(res.body, "elsewhere") {
		v.t.Errorf("409 with the page of the handler: %v %q", res.Header, res.body)
	}
	if res.body == "" || res.Header.Get("Cache-Control") != "no-store" {
		v.t.Errorf("409 with %q and %v", res.body, res.Header)
	}
	v.expect("GET /show", 200, "count 2 ")
	v.logged("/careless", 409)

	res = v.expect("POST /careless", 303, "") // without a conflict
	if res.Header.Get("Page") != "yes" || res.Header.Get("Location") != "/elsewhere" {
		v.t.Errorf("303 with %v", res.Header)
	}
	v.expect("GET /show", 200, "count 3 ")
}

func errorHandler(t *testing.T, start Start) {
	v := visit(t, start, errorHandlerConfig())
	v.expect("POST /add", 200, "count 1")
	v.loseOnce()
	res := v.expect("POST /careless", 409, `{"path":"/careless"}`)
	if got := res.Header.Get("Content-Type"); got != "application/json" || res.body != `{"path":"/careless"}` {
		t.Errorf("Content-Type %q and %q", got, res.body)
	}
	v.logged("/careless", 409)
}

func saveConflict(v *visitor) {
	v.expect("POST /add", 200, "count 1")
	v.loseOnce()
	if res := v.expect("POST /save", 409, ""); strings.Contains(res.body, "saved") && !strings.Contains(res.body, "not saved") {
		v.t.Errorf("409 with %q", res.body)
	}
	v.logged("/save", 409)
	v.expect("GET /show", 200, "count 2 ")
	v.expect("POST /save", 200, "saved")
	v.expect("GET /show", 200, "count 3 ")
}

// rerun checks a response of a handler that ran twice.
func rerun(v *visitor, res answer, path string) {
	v.t.Helper()
	if runs := v.a.runsOf(); runs != 2 {
		v.t.Errorf("%d runs, want 2", runs)
	}
	if got := res.Header.Values("Run"); len(got) != 1 {
		v.t.Errorf("the header of %d runs was sent, want that of one", len(got))
	}
	v.logged(path, 200)
	v.expect("GET /show", 200, "count 3 ")
}

func safe(v *visitor) {
	v.expect("POST /add", 200, "count 1")
	v.loseOnce()
	res := v.expect("GET /safe", 200, "count 3")
	if res.body != "count 3" {
		v.t.Errorf("body %q", res.body)
	}
	rerun(v, res, "/safe")
}

func replayed(v *visitor) {
	v.expect("POST /add", 200, "count 1")
	v.loseOnce()
	res := v.do(v.request("POST /replayed", "the body", "Content-Type", "text/plain"))
	if res.StatusCode != 200 || res.body != "count 3the body" {
		v.t.Errorf("%d %q", res.StatusCode, res.body)
	}
	rerun(v, res, "/replayed")
}

func exhausted(v *visitor) {
	v.expect("POST /add", 200, "count 1")
	v.a.Between = func() { v.expect("POST /add", 200, "count") }
	if res := v.expect("POST /replayed", http.StatusConflict, ""); len(res.Header.Values("Run")) != 0 {
		v.t.Errorf("409 with the header of the handler: %v", res.Header)
	}
	if runs := v.a.runsOf(); runs != 3 {
		v.t.Errorf("%d runs, want 3", runs)
	}
	v.logged("/replayed", 409)
	v.expect("GET /show", 200, "count 4 ")
}
