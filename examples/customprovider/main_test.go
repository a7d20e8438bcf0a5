package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/examples/customprovider/filestore"
)

func TestSessionsSurviveARestart(t *testing.T) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for start := range 3 {
		visitTwice(t, dir, jar, 2*start)
	}
}

// visitTwice starts the app, visits it twice after so many visits, and stops it.
func visitTwice(t *testing.T, dir string, jar http.CookieJar, before int) {
	t.Helper()
	store, err := filestore.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	handler, err := newHandler(store)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(handler) // the cookie is Secure
	defer server.Close()
	client := server.Client()
	client.Jar = jar
	for visit := before + 1; visit <= before+2; visit++ {
		resp, err := client.Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if want := fmt.Sprintf("<h1>Visit %d</h1>", visit); err != nil || !strings.Contains(string(body), want) {
			t.Errorf("got %q, %v; want %q", body, err, want)
		}
	}
}
