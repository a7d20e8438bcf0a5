package httpstore_test

import (
	"os"
	"testing"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider/httpstore"
	"github.com/holdfast-go/holdfast/provider/httpstore/httpstoretest"
)

// TestConformance checks the Handler, or the server that the environment names.
func TestConformance(t *testing.T) {
	if url := os.Getenv("HOLDFAST_TEST_HTTPSTORE_URL"); url != "" {
		httpstoretest.Run(t, url, httpstore.Options{Token: os.Getenv("HOLDFAST_TEST_HTTPSTORE_TOKEN"), PlainHTTP: true})
		return
	}
	httpstoretest.Run(t, testserver.SharedHTTPStore(t)+"/"+t.Name(), httpstore.Options{Token: testserver.HTTPStoreToken})
}
