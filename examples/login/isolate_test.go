package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// A page of another site links to the shop, and loads nothing from it.
func TestOtherSitesLoadNothing(t *testing.T) {
	shop, err := newShop(t.Context(), memory.New(), session.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		site, mode, dest string
		status           int
	}{
		{"", "", "", 200},
		{"same-origin", "cors", "empty", 200},
		{"none", "navigate", "document", 200},
		{"cross-site", "navigate", "document", 200},
		{"same-site", "navigate", "iframe", 403},
		{"cross-site", "no-cors", "image", 403},
	} {
		r := httptest.NewRequest(http.MethodGet, "/signin", nil)
		for name, value := range map[string]string{"Sec-Fetch-Site": test.site, "Sec-Fetch-Mode": test.mode, "Sec-Fetch-Dest": test.dest} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		w := httptest.NewRecorder()
		shop.ServeHTTP(w, r)
		if w.Code != test.status {
			t.Errorf("%+v: status %d", test, w.Code)
		}
	}
}
