package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// A refresh that a link of another site has caused is not refused for that: for a 403
// without a challenge the browser forgets its key.
func TestRefreshCausedByAnotherSite(t *testing.T) {
	shop, err := newShop(t.Context(), memory.New(), session.Config{DeviceBinding: session.BindingOffered})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("POST", "/device-binding/refresh", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	r.Header.Set("Sec-Secure-Session-Id", "x")
	w := httptest.NewRecorder()
	shop.ServeHTTP(w, r)
	if w.Code != http.StatusUnauthorized { // of the endpoint itself
		t.Errorf("%d; want that of the endpoint", w.Code)
	}
}
