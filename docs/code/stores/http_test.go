package stores

import (
	"net/http/httptest"
	"testing"

	"github.com/holdfast-go/holdfast/provider/memory"
)

func TestHTTP(t *testing.T) {
	const token = "token-of-these-tests"
	server, err := newHTTPServer(memory.New(), token)
	if err != nil {
		t.Fatal(err)
	}
	listening := httptest.NewServer(server.Handler)
	defer listening.Close()
	store, err := openHTTP(listening.URL, token)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	testStore(t, store)
}
