package frameworktest

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
)

func serverError(v *visitor) {
	v.expect("POST /add", 200, "count 1")
	v.expect("POST /fail", 500, "")
	v.expect("GET /show", 200, "count 1 ")
	v.logged("/fail", 500)
	if res := v.other().do(v.request("POST /fail", "")); len(res.Cookies()) != 0 {
		v.t.Errorf("500 with the cookies %v", res.Cookies())
	}
}

func clientError(v *visitor) {
	if res := v.expect("POST /reject", 422, ""); len(res.Cookies()) != 1 {
		v.t.Errorf("422 with the cookies %v", res.Cookies())
	}
	v.expect("GET /show", 200, "count 1 ")
	v.logged("/reject", 422)
}

func panics(v *visitor) {
	v.expect("POST /add", 200, "count 1")
	v.expect("POST /panic", 500, "")
	v.expect("GET /show", 200, "count 1 ")
	v.logged("/panic", 500)
}

func panicAfterSave(v *visitor) {
	if res := v.expect("POST /save-panic", 500, ""); len(res.Cookies()) != 1 {
		v.t.Errorf("500 with the cookies %v", res.Cookies())
	}
	v.expect("GET /show", 200, "count 1 ")
}

func loadFails(v *visitor) {
	var down atomic.Bool
	v.a.Store.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
		if down.Load() {
			return nil, errors.New("store is down")
		}
		return next(ctx, id)
	}
	v.expect("POST /add", 200, "count 1")
	down.Store(true)
	for _, path := range []string{"/safe", "/show"} {
		v.expect("GET "+path, 503, "")
		v.logged(path, 503)
	}
	v.expect("GET /none", 200, "none")
}

func saveFails(v *visitor) {
	v.expect("POST /add", 200, "count 1")
	v.a.Store.OnSave = func(context.Context, *provider.Record, int64, storetest.SaveFunc) error {
		return provider.ErrRefused
	}
	if res := v.expect("POST /careless", 503, ""); res.Header.Get("Page") != "" {
		v.t.Errorf("503 with %v", res.Header)
	}
	v.logged("/careless", 503)
	v.expect("GET /show", 200, "count 1 ")
}
