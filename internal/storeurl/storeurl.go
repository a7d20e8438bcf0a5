// Package storeurl opens the store that a URL names, for programs whose store is
// configured by a URL.
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

// Help lists the forms of URLs in one line.
const Help = "memory:, " +
	"sqlite:shop.db, " +
	"redis://user:password@host:port/database, " +
	"redis-cluster://user:password@host:port?addr=host:port, " +
	"postgres://user:password@host:port/database, " +
	"mysql://user:password@host:port/database, " +
	"dynamodb://table?endpoint=http://host:port, " +
	"etcd://user:password@host:port,host:port, " +
	"nats://user:password@host:port?bucket=holdfast, " +
	"https://host/path, " +
	"http+unix:///path/to/socket or " +
	"file:///directory"

var errURL = errors.New("the URL of the store is not valid; choose " + Help + ", with special characters percent-encoded")

// Opened is a store.
type Opened struct {
	provider.Provider

	// Needs names what the store must have before it can be used, such as a table, or is "".
	Needs string

	// Purge removes expired records and returns their number, or -1 if it is not known.
	// Purge is nil if the store removes them by itself, or if its server has to.
	Purge func(context.Context) (int64, error)

	// Served: a server of provider/httpstore has the store.
	Served bool

	// Close releases the store. It must be called at the end.
	Close func()

	create func(context.Context) error // creates what the store Needs; nil: nothing to create
}

// Open opens a store:
//
//	memory:
//	sqlite:shop.db                                       sqlite:///directory/shop.db
//	redis://user:password@host:port/database             rediss:// by TLS
//	redis-cluster://user:password@host:port?addr=host:port    rediss-cluster:// by TLS
//	unix://user:password@/path/to/redis.sock?db=0
//	postgres://user:password@host:port/database
//	mysql://user:password@host:port/database             also mariadb://
//	dynamodb://table?endpoint=http://host:port
//	etcd://user:password@host:port,host:port             etcds:// by TLS
//	nats://user:password@host:port,host:port             tls:// by TLS
//	https://host/path                                    of provider/httpstore
//	http://localhost:8090                                http://host?plain=true over a protected network
//	http+unix:///path/to/socket
//	file:///directory                                    of examples/customprovider
//
// All parameters after the "?" may be omitted. These are the options of the providers, with
// their defaults:
//
//	sqlite         table=holdfast_sessions, synchronous=full
//	redis          prefix=holdfast:
//	postgres       table=holdfast_sessions
//	mysql          table=holdfast_sessions
//	dynamodb       prefix=
//	etcd           prefix=holdfast/, and ca=, cert=, key= for files
//	nats           bucket=holdfast, replicas=1, and creds=, ca=, cert=, key= for files
//	http, https    token-file=, for a file that has the token; without it HOLDFAST_TOKEN has it
//	https          ca=, cert=, key= for files
//
// Open creates nothing in the store. It does no I/O except to check a file or directory, to
// read files that the URL names or the settings of AWS, and to connect to NATS. Its errors
// contain no password.
func Open(ctx context.Context, storeURL string) (*Opened, error) {
	switch scheme(storeURL) {
	case "memory":
		return &Opened{Provider: memory.New(), Close: func() {}}, nil
	case "sqlite":
		return openSQLite(storeURL)
	case "redis", "rediss", "unix":
		return openRedis(storeURL)
	case "redis-cluster", "rediss-cluster":
		return openCluster(storeURL)
	case "postgres", "postgresql":
		return openPostgres(ctx, storeURL)
	case "mysql", "mariadb":
		return openMySQL(storeURL)
	case "dynamodb":
		return openDynamoDB(ctx, storeURL)
	case "etcd", "etcds":
		return openEtcd(storeURL)
	case "nats", "tls":
		return openNats(storeURL)
	case "http", "https", "http+unix":
		return openHTTP(storeURL)
	case "file":
		return openFiles(storeURL)
	}
	return nil, errURL
}

// createTimeout limits the wait for a database that cannot be reached.
const createTimeout = 30 * time.Second

// Create opens a store and creates what it needs, unless that exists. It may be called
// any number of times, also concurrently.
func Create(ctx context.Context, storeURL string) (*Opened, error) {
	switch scheme(storeURL) {
	case "file":
		if err := makeDirectory(storeURL); err != nil {
			return nil, err
		}
	case "sqlite":
		return createSQLite(storeURL)
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

// cut removes a parameter of this package from a URL, and leaves the URL otherwise
// unchanged. The other parameters are the driver's. Not every URL that drivers accept is
// a valid url.URL.
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
