// Package storeurl opens the store that a URL names, for programs that can be told
// where sessions live.
package storeurl

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

// Help names the URLs that there are, in a line.
const Help = "memory:, redis://user:password@host:port/database, redis-cluster://user:password@host:port?addr=host:port, " +
	"postgres://user:password@host:port/database, dynamodb://table?endpoint=http://host:port or file:///directory"

var errURL = errors.New("the URL of the store is not valid; choose " + Help + ", with special characters percent-encoded")

// Opened is a store.
type Opened struct {
	provider.Provider

	// Needs names what the store must have before it can be used, such as a table;
	// "" if there is no such thing.
	Needs string

	// Purge removes what has expired, and returns how many records, -1 if that is
	// not known. It is nil if the store does so by itself.
	Purge func(context.Context) (int64, error)

	// Close is to be called in the end.
	Close func()

	create func(context.Context) error // makes what the store Needs; nil: it is there
}

// Open opens a store:
//
//	memory:
//	redis://user:password@host:port/database?prefix=holdfast:   rediss:// by TLS
//	redis-cluster://user:password@host:port?addr=host:port      rediss-cluster:// by TLS
//	unix://user:password@/path/to/redis.sock?db=0
//	postgres://user:password@host:port/database?table=holdfast_sessions
//	dynamodb://table?prefix=&endpoint=http://host:port
//	file:///directory                                           of examples/customprovider
//
// prefix and table are the options of the providers, and may be left out like what
// else is after the "?". It makes nothing there, and does no I/O but to look for a
// directory or the settings of AWS. Its errors tell no password.
func Open(ctx context.Context, storeURL string) (*Opened, error) {
	switch scheme(storeURL) {
	case "memory":
		return &Opened{Provider: memory.New(), Close: func() {}}, nil
	case "redis", "rediss", "unix":
		return openRedis(storeURL)
	case "redis-cluster", "rediss-cluster":
		return openCluster(storeURL)
	case "postgres", "postgresql":
		return openPostgres(ctx, storeURL)
	case "dynamodb":
		return openDynamoDB(ctx, storeURL)
	case "file":
		return openFiles(storeURL)
	}
	return nil, errURL
}

// createTimeout gives up on a database that cannot be reached.
const createTimeout = 30 * time.Second

// Create makes what the store needs, unless it is there, and opens it. That may be
// done any number of times, and by many at once.
func Create(ctx context.Context, storeURL string) (*Opened, error) {
	if scheme(storeURL) == "file" {
		if err := makeDirectory(storeURL); err != nil {
			return nil, err
		}
	}
	s, err := Open(ctx, storeURL)
	if err != nil || s.create == nil {
		return s, err
	}
	ctx, cancel := context.WithTimeout(ctx, createTimeout)
	defer cancel()
	if err := s.create(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func scheme(storeURL string) string {
	scheme, _, _ := strings.Cut(storeURL, ":")
	return scheme
}

// cut takes a parameter of our own out of a URL, whose other parameters are a
// driver's, and which is left as it is besides: not all that drivers take is a
// url.URL.
func cut(storeURL, name string) (rest, value string, found bool, err error) {
	rest, query, _ := strings.Cut(storeURL, "?")
	var others []string
	for part := range strings.SplitSeq(query, "&") {
		key, text, _ := strings.Cut(part, "=")
		switch {
		case key == name:
			found = true
			if value, err = url.QueryUnescape(text); err != nil || !utf8.ValidString(value) {
				return "", "", false, errURL
			}
		case part != "":
			others = append(others, part)
		}
	}
	if len(others) > 0 {
		rest += "?" + strings.Join(others, "&")
	}
	return rest, value, found, nil
}
