package frameworktest

import (
	"bufio"
	"context"
	"io"
	"strings"
	"sync/atomic"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
)

// events reads the first event while the handler waits before the second one.
func events(v *visitor) {
	res, err := v.client.Do(v.request("GET /events", ""))
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 200 || len(res.Cookies()) != 1 || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		v.t.Errorf("%d with the cookies %v and %v", res.StatusCode, res.Cookies(), res.Header)
	}
	body := bufio.NewReader(res.Body)
	if line, err := body.ReadString('\n'); err != nil || strings.ReplaceAll(line, " ", "") != "data:1\n" {
		v.t.Errorf("the first event is %q, %v", line, err)
	}
	v.expect("GET /show", 200, "count 1 ") // it is stored before the stream ends
	close(v.a.events)
	if rest, err := io.ReadAll(body); err != nil || strings.ReplaceAll(string(rest), " ", "") != "\ndata:2\n\n" {
		v.t.Errorf("the rest is %q, %v", rest, err)
	}
}

// eventsConflict has another request change the session before the stream is saved.
func eventsConflict(v *visitor) {
	close(v.a.events)
	var armed atomic.Bool
	v.a.Store.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
		if armed.Swap(false) {
			v.expect("POST /add", 200, "count 2")
		}
		return next(ctx, rec, expect)
	}
	v.expect("POST /add", 200, "count 1")
	armed.Store(true)
	res := v.expect("GET /events", 409, "")
	if strings.Contains(res.body, "data:") || strings.Contains(res.Header.Get("Content-Type"), "event-stream") {
		v.t.Errorf("409 with %q and %v", res.body, res.Header)
	}
	v.logged("/events", 409)
	v.expect("GET /show", 200, "count 2 ")
}
