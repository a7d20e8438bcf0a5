package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-go/holdfast/internal/capacity"
)

// sizeOptions are the values of the flags of size.
type sizeOptions struct {
	load capacity.Load
	kind string // "": all stores
}

// share is a flag: a part of a whole, as 10% or 0.1.
type share struct{ of *float64 }

func (s share) String() string {
	if s.of == nil {
		return ""
	}
	return strconv.FormatFloat(*s.of*100, 'g', -1, 64) + "%"
}

func (s share) Set(text string) error {
	number, percent := strings.CutSuffix(text, "%")
	x, err := strconv.ParseFloat(number, 64)
	if percent {
		x /= 100
	}
	if err != nil || !(x >= 0 && x <= 1) {
		return errors.New("it is not from 0% to 100%")
	}
	*s.of = x
	return nil
}

// count is a flag: a whole number, as 1000000 or 1e6.
type count struct{ of *int64 }

// maxCount is more than anybody has, and little enough for exact arithmetic.
const maxCount = 1e12

func (c count) String() string {
	if c.of == nil || *c.of == 0 {
		return ""
	}
	return strconv.FormatInt(*c.of, 10)
}

func (c count) Set(text string) error {
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || x != math.Trunc(x) || x < 1 || x > maxCount {
		return errors.New("it is not a whole number from 1 to 1e12, such as 1000000 or 1e6")
	}
	*c.of = int64(x)
	return nil
}

// The defaults of size. A visit of 15 minutes is that of TPC-W, as in docs/performance.md.
const (
	usualBytes   = 300
	usualChanges = 0.1
	usualOwned   = 0.5
	usualIdle    = time.Hour // session.Config's
	usualUsed    = 15 * time.Minute
)

// sizeFlag defines the flag of size of that name, and reports whether there is one.
func (j *job) sizeFlag(fs *flag.FlagSet, name string) bool {
	l := &j.load
	switch name {
	case "sessions":
		fs.Var(count{&l.Sessions}, name, "`N` sessions at a time, such as 1e6")
	case "requests":
		fs.Float64Var(&l.Requests, name, 0, "`R` requests a second that use a session")
	case "bytes":
		l.Bytes = usualBytes
		fs.Var(count{&l.Bytes}, name, "`B` bytes of data in a session, as holdfast stats counts them: the values, and 60 to 320 bytes")
	case "changes":
		l.Changes = usualChanges
		fs.Var(share{&l.Changes}, name, "the `SHARE` of the requests that change the session")
	case "owned":
		l.Owned = usualOwned
		fs.Var(share{&l.Owned}, name, "the `SHARE` of the sessions whose visitor signs in")
	case "idle":
		fs.DurationVar(&l.Idle, name, usualIdle, "the program's Config.IdleTimeout, a `DURATION` such as 720h")
	case "used":
		fs.DurationVar(&l.Used, name, usualUsed, "the `DURATION` from a session's first request to its last, as a mean")
	case "replicas":
		fs.IntVar(&l.Replicas, name, -1, "`N` more copies of the store; -1: as many as usual, for Redis Cluster 1, for etcd and NATS 2")
	case "store":
		fs.StringVar(&j.kind, name, "", "the `KIND`: "+strings.Join(capacity.Stores(), ", ")+", or a URL; by default all are compared")
	default:
		return false
	}
	return true
}

// sizeStores estimates what a load takes of a store, or of each.
func sizeStores(_ context.Context, j *job) error {
	if err := checkLoad(j.load); err != nil {
		return err
	}
	store := cmp.Or(j.kind, j.storeURL) // behind the command or before it
	if store == "" {
		return j.compareStores()
	}
	kind, err := kindOf(store)
	if err != nil {
		return err
	}
	e, err := capacity.Of(kind, j.load)
	if err != nil {
		return usageError(err.Error())
	}
	if j.json {
		return j.printJSON(e)
	}
	_, err = fmt.Fprint(j.stdout, sizeReport{e})
	return err
}

// compareStores prints the estimates for all stores that take such sessions.
func (j *job) compareStores() error {
	var all []*capacity.Estimate
	for _, kind := range capacity.Stores() {
		e, err := capacity.Of(kind, j.load)
		if err != nil {
			fmt.Fprintf(j.stderr, "holdfast: %s is left out: %v\n", kind, err)
			continue
		}
		all = append(all, e)
	}
	if !j.json {
		_, err := fmt.Fprint(j.stdout, sizeTable(all))
		return err
	}
	for _, e := range all {
		if err := j.printJSON(e); err != nil {
			return err
		}
	}
	return nil
}

func checkLoad(l capacity.Load) error {
	switch least := l.LeastRequests(); {
	case l.Sessions == 0:
		return usageError("how many sessions? Give -sessions N; see holdfast help size")
	case l.Idle < time.Second:
		return usageError("-idle is less than a second")
	case l.Used < 0:
		return usageError("-used is negative")
	case l.Replicas < -1:
		return usageError("-replicas is less than -1, which means as many as usual")
	case l.Requests == 0:
		return usageError("how many requests a second? Give -requests R; see holdfast help size")
	case !(l.Requests > 0 && l.Requests <= maxCount):
		return usageError("-requests is not a number from 0 to 1e12")
	case l.Requests < least:
		return usageError(fmt.Sprintf("so many sessions need %s requests a second only to begin and to sign in, since each lasts for -used and -idle, %s; "+
			"give more -requests, fewer -sessions, or the -idle and -used of your program", thousands(math.Ceil(least)), shortly(l.Used+l.Idle)))
	}
	return nil
}

// schemes are those of URLs that are not the name of a kind.
var schemes = map[string]string{
	"rediss":         "redis",
	"unix":           "redis",
	"rediss-cluster": "redis-cluster",
	"postgresql":     "postgres",
	"mariadb":        "mysql",
	"etcds":          "etcd",
	"tls":            "nats",
}

// kindOf returns the kind of a store that is given by its name or its URL.
func kindOf(store string) (string, error) {
	scheme, _, _ := strings.Cut(store, ":")
	kind := cmp.Or(schemes[scheme], scheme)
	if !slices.Contains(capacity.Stores(), kind) {
		return "", usageError(fmt.Sprintf("there is no estimate for the store %s; -store takes %s; of a store over HTTP, give the kind behind the server",
			strconv.Quote(scheme), strings.Join(capacity.Stores(), ", ")))
	}
	return kind, nil
}
