package main

import (
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/internal/testserver"
)

// Every store that lacks its table or bucket says what the user of the tool can do.
func TestWhatIsMissingIsCreatedByTheTool(t *testing.T) {
	space := newSpace()
	t.Setenv("HOLDFAST_TOKEN", testserver.HTTPStoreToken)
	for name, storeURL := range map[string]string{
		"sqlite":   "sqlite:" + emptyDatabase(t) + "?table=other",
		"postgres": postgresURL(t, space),
		"mysql":    testserver.SharedMariaDB(t) + "?table=" + space,
		"dynamodb": "dynamodb://" + space + "?endpoint=" + url.QueryEscape(testserver.SharedDynamoDB(t)),
		"nats":     testserver.SharedNats(t) + "?bucket=" + space,
	} {
		t.Run(name, func(t *testing.T) {
			s := newMemorySite(t)
			s.url = storeURL
			r := s.run("list")
			if r.code != exitFailed || !strings.Contains(r.errOut, "holdfast create") {
				t.Errorf("exit code %d: %s", r.code, r.errOut)
			}
			wantNoGoNames(t, r.errOut)
		})
	}
	s := newMemorySite(t)
	s.url = "http://10.1.2.3"
	s.fails(exitFailed, "?plain=true", "list")
}

func wantNoGoNames(t *testing.T, text string) {
	t.Helper()
	for _, name := range []string{"CreateTable", "CreateBucket", "PlainHTTP", "Schema"} {
		if strings.Contains(text, name) {
			t.Errorf("it names %s, which the tool does not have: %s", name, text)
		}
	}
}

// emptyDatabase returns the path of a database of SQLite with the usual table.
func emptyDatabase(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "x.db")
	s := newMemorySite(t)
	s.url = "sqlite:" + path
	s.must("create")
	return path
}

// A store that cannot be used is not reported as one that needs no purge.
func TestPurgeOfAStoreThatCannotBeUsed(t *testing.T) {
	t.Setenv("HOLDFAST_TOKEN", testserver.HTTPStoreToken)
	for _, storeURL := range []string{"http://" + testserver.FreeAddr(t), "redis://" + testserver.FreeAddr(t)} {
		s := newMemorySite(t)
		s.url = storeURL
		s.fails(exitFailed, "refused", "purge")
	}
	s := newMemorySite(t)
	s.url = testserver.SharedHTTPStore(t) + "/" + newSpace()
	if text := s.must("purge"); !strings.Contains(text, "the server must remove expired records") {
		t.Errorf("purge of a served store: %s", text)
	}
}
