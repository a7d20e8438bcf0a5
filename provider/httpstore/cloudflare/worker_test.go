package cloudflare_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/httpstore"
)

// with returns a main module that changes the environment of the Worker.
func with(env string) string {
	return `
import worker from "./worker.js";
export { Shard } from "./worker.js";
export default { fetch: (request, env) => worker.fetch(request, { ...env, ` + env + ` }) };
`
}

func fetch(t *testing.T, server *testserver.Server, token string) error {
	t.Helper()
	p, err := httpstore.New(server.URL, httpstore.Options{Token: token})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	_, err = p.Fetch(t.Context(), "none")
	return err
}

// While one token replaces another, both are accepted.
func TestTokens(t *testing.T) {
	server := testserver.Workerd(t, with(`HOLDFAST_TOKEN: " a-new-token-of-tests\nan-old-token-of-tests "`))
	for token, accepted := range map[string]bool{
		"a-new-token-of-tests": true, "an-old-token-of-tests": true,
		"a-new-token-of-test": false, "a-third-token-of-tests": false, "": false,
	} {
		if err := fetch(t, server, token); errors.Is(err, provider.ErrNotFound) != accepted || errors.Is(err, provider.ErrRefused) == accepted {
			t.Errorf("token %q: got error %v, want it to be accepted: %t", token, err, accepted)
		}
	}
}

// There is no default without a token.
func TestNoTokens(t *testing.T) {
	for _, env := range []string{"HOLDFAST_TOKEN: undefined", `HOLDFAST_TOKEN: ""`, `HOLDFAST_TOKEN: "a-token-of-these-tests short"`} {
		server := testserver.Workerd(t, with(env))
		for _, token := range []string{"", "a-token-of-these-tests"} {
			if err := fetch(t, server, token); !errors.Is(err, provider.ErrRefused) || !strings.Contains(err.Error(), "wrangler secret put") {
				t.Errorf("%s: got error %v, want ErrRefused with what to do", env, err)
			}
		}
	}
}

// What comes before /v1 in the path names a store.
func TestStoresAreApart(t *testing.T) {
	server := testserver.Workerd(t)
	var stores []*httpstore.Provider
	for _, path := range []string{"", "/a", "/a/b"} {
		p, err := httpstore.New(server.URL+path, httpstore.Options{Token: testserver.HTTPStoreToken})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		stores = append(stores, p)
	}
	for _, p := range stores {
		if err := p.Save(t.Context(), &provider.Record{ID: "id", Version: 1}, 0); err != nil {
			t.Errorf("a create: %v", err)
		}
	}
}

// net/http gives a connection to the next call before it hands over an answer without a
// body.
func TestEmptyDataHaveABody(t *testing.T) {
	server := testserver.Workerd(t)
	p := client(t, server)
	if err := p.Save(t.Context(), &provider.Record{ID: "a", Version: 1}, 0); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/store/v1/records/YQ", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+testserver.HTTPStoreToken)
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.ContentLength == 0 {
		t.Errorf("answer %d with length %d, want 200 with a body of chunks", resp.StatusCode, resp.ContentLength)
	}
}
