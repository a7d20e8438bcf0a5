package gorilla_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storeurl"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
)

func TestMain(m *testing.M) { testserver.Main(m) }

// stores are the URLs of the stores. Each test has its own part of a shared server.
var stores = map[string]func(t *testing.T, space string) string{
	"memory": func(*testing.T, string) string { return "memory:" },
	"redis": func(t *testing.T, space string) string {
		return "redis://" + testserver.SharedRedis(t) + "/0?prefix=" + space + ":"
	},
	"postgres": func(t *testing.T, space string) string {
		url := testserver.SharedPostgres(t)
		if strings.Contains(url, "?") {
			return url + "&table=" + space
		}
		return url + "?table=" + space
	},
	"dynamodb": func(t *testing.T, space string) string {
		t.Setenv("AWS_ACCESS_KEY_ID", "test")
		t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
		t.Setenv("AWS_REGION", "us-east-1")
		return "dynamodb://" + space + "?endpoint=" + testserver.SharedDynamoDB(t)
	},
}

var spaces atomic.Int64

// each runs a test on every store.
func each(t *testing.T, test func(t *testing.T, url string)) {
	for name, url := range stores {
		t.Run(name, func(t *testing.T) {
			test(t, url(t, fmt.Sprintf("gorilla_%d", spaces.Add(1))))
		})
	}
}

// open opens the store of a URL.
func open(t *testing.T, url string) provider.Provider {
	t.Helper()
	opened, err := storeurl.Create(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(opened.Close)
	return opened
}
