package main

import (
	"context"
	"errors"
	"iter"
	"strings"
	"time"

	"github.com/holdfast-go/holdfast/internal/storeurl"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/migrate"
	"github.com/holdfast-go/holdfast/provider/sealed"
	"github.com/holdfast-go/holdfast/session"
)

const storeEnv = "HOLDFAST_STORE"

// job is one run of a command.
type job struct {
	*tool
	options
	args  []string
	store *storeurl.Opened
	seals *seals
	pair
}

// options are the values of the flags.
type options struct {
	storeURL   string
	user       string
	label      label
	everything bool
	within     time.Duration
	namespace  string
	prefix     string
	limit      int
	json       bool
	yes        bool
	port       int
	readOnly   bool

	serveOptions
	pairOptions
	sizeOptions
}

// prepare evaluates the flags and the environment.
func (j *job) prepare(c *command) (err error) {
	if j.storeURL == "" {
		j.storeURL = j.getenv(storeEnv)
	}
	switch {
	case j.storeURL == "":
		return usageError("which store? Give -store URL, or set " + storeEnv + "; see holdfast help")
	case strings.HasPrefix(j.storeURL, "memory:") && !c.lasts:
		return usageError("the memory of another program cannot be read; sessions in provider/memory end with it")
	case isBackup(j.storeURL):
		return usageError("a backup is not a store; restore it with holdfast copy -from")
	}
	j.seals, err = newSeals(j.getenv(sealsEnv))
	return err
}

// These kinds exist in addition to those of package session.
const (
	kindSealed     session.Kind = "sealed"     // with a key that is not configured
	kindMarker     session.Kind = "marker"     // of package migrate
	kindUnreadable session.Kind = "unreadable" // not of package session
)

var errMarker = errors.New("this is a marker of a move between two stores; the session is in the other one, unless it is being moved at this moment")

// entry is a record and its kind.
type entry struct {
	*provider.Record // opened, if it was sealed
	*session.Info    // nil if it is kindSealed, kindMarker or kindUnreadable

	kind   session.Kind
	size   int // bytes of the Data as they are stored
	sealed bool
	err    error // why there is no Info
}

// look determines the kind of a record.
func (j *job) look(rec *provider.Record) entry {
	e := entry{Record: rec, size: len(rec.Data), sealed: rec.Format == sealed.Format}
	if migrate.IsMarker(rec) {
		e.kind, e.err = kindMarker, errMarker
		return e
	}
	if e.sealed {
		opened, err := j.seals.open(rec)
		if err != nil {
			e.kind, e.err = kindSealed, err
			return e
		}
		e.Record = opened
	}
	if e.Info, e.err = session.Inspect(e.Record); e.err != nil {
		e.kind = kindUnreadable
		return e
	}
	e.kind = e.Info.Kind
	return e
}

// entries yields the records of the store.
func (j *job) entries(ctx context.Context, prefix string) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		for rec, err := range provider.List(ctx, j.store.Provider, prefix) {
			if err != nil {
				yield(entry{}, err)
				return
			}
			if !yield(j.look(rec), nil) {
				return
			}
		}
	}
}
