package cloudflare_test

import (
	"testing"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider/httpstore"
	"github.com/holdfast-go/holdfast/provider/httpstore/httpstoretest"
)

func TestMain(m *testing.M) { testserver.Main(m) }

func TestConformance(t *testing.T) {
	httpstoretest.Run(t, testserver.SharedWorkerd(t)+"/"+t.Name(), httpstore.Options{Token: testserver.HTTPStoreToken})
}
