package providertest

import (
	"bytes"
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

type rule struct {
	name, doc string
	check     func(*subject)
}

func (r rule) run(ctx context.Context, p provider.Provider) (err error) {
	s := &subject{Provider: p, ctx: ctx}
	defer s.cleanUp()
	defer func() { // a panic would end the whole test, and hide what else is broken
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	r.check(s)
	return s.err
}

// A subject is the provider that a rule is checked on. Its lower-case methods are the
// steps of a check. The first one that fails sets err, and later ones do nothing. They
// are for one goroutine only; the provider's own methods are for all.
type subject struct {
	provider.Provider
	ctx context.Context
	err error
	ids []string
}

func (s *subject) failf(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf(format, args...)
	}
}

// cleanUp deletes the records that the check may have left. Its errors do not affect the
// rule.
func (s *subject) cleanUp() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), patience)
	defer cancel()
	for _, id := range s.ids {
		_ = s.Delete(ctx, id)
	}
}

// newID returns an ID that nobody else uses.
func (s *subject) newID() string { return s.ownID("providertest-" + crand.Text()) }

// ownID registers an ID to be deleted at the end.
func (s *subject) ownID(id string) string {
	s.ids = append(s.ids, id)
	return id
}

// newRecord returns a valid record that is not stored.
func (s *subject) newRecord() *provider.Record {
	return &provider.Record{
		ID:        s.newID(),
		Version:   newVersion(),
		ExpiresAt: time.Now().Add(time.Hour).Truncate(time.Second),
		Format:    "providertest",
		Data:      newData(100),
	}
}

// stored returns a record that is stored.
func (s *subject) stored() *provider.Record {
	rec := s.newRecord()
	s.save(rec, 0)
	return rec
}

// successor returns a record to be saved in place of rec, with a higher version that no
// rival has, and that a float64 can represent even after a hundred others.
func successor(rec *provider.Record) *provider.Record {
	next := rec.Clone()
	next.Version = rec.Version + 1 + rand.Int64N(1<<46)
	next.Data = newData(100)
	return next
}

// newVersion returns a version that no other save has. A separate rule checks that 64-bit
// versions are distinguished; these versions can be represented in a float64.
func newVersion() int64 { return 1 + rand.Int64N(1<<50) }

// newData returns n bytes of text, so that a store that can only keep text breaks only
// the rules about Data.
func newData(n int) []byte {
	return []byte(strings.Repeat(crand.Text(), n/26+1)[:n])
}

// save wants rec to be saved.
func (s *subject) save(rec *provider.Record, expectVersion int64) {
	if s.err != nil {
		return
	}
	if err := s.Save(s.ctx, rec, expectVersion); err != nil {
		s.failf("Save of version %d, expecting %d: got error %q, want none", rec.Version, expectVersion, err)
	}
}

// conflicts wants a Save to conflict, and returns its error.
func (s *subject) conflicts(rec *provider.Record, expectVersion int64) error {
	if s.err != nil {
		return nil
	}
	err := s.Save(s.ctx, rec, expectVersion)
	if !errors.Is(err, provider.ErrVersionConflict) {
		s.failf("Save of version %d, expecting %d: got error %v, want ErrVersionConflict", rec.Version, expectVersion, err)
	}
	return err
}

// brings wants the record of a conflict, if it has one, to be the stored record, or nil
// if there is none.
func (s *subject) brings(conflict error, stored *provider.Record) {
	got, ok := errors.AsType[*provider.ConflictError](conflict)
	switch {
	case !ok:
	case got.Current == nil || stored == nil:
		if got.Current != stored {
			s.failf("ConflictError.Current is %s, want %s", describe(got.Current), describe(stored))
		}
	default:
		if diff := difference(got.Current, stored); diff != "" {
			s.failf("ConflictError.Current is of %s", diff)
		}
	}
}

// refuses wants a call to be refused with ErrInvalidRecord.
func (s *subject) refuses(call string, err error) {
	if !errors.Is(err, provider.ErrInvalidRecord) {
		s.failf("%s: got error %v, want ErrInvalidRecord", call, err)
	}
}

// delete wants a Delete to succeed.
func (s *subject) delete(id string) {
	if s.err != nil {
		return
	}
	if err := s.Delete(s.ctx, id); err != nil {
		s.failf("Delete: got error %q, want none", err)
	}
}

// fetch wants the record to exist, and never returns nil.
func (s *subject) fetch(id string) *provider.Record {
	if s.err != nil {
		return &provider.Record{}
	}
	rec, err := s.Fetch(s.ctx, id)
	if err != nil || rec == nil {
		s.failf("Fetch: got %s and error %v, want a record", describe(rec), err)
		return &provider.Record{}
	}
	return rec
}

// holds wants the stored record to equal want.
func (s *subject) holds(want *provider.Record) {
	got := s.fetch(want.ID)
	if diff := difference(got, want); diff != "" {
		s.failf("Fetch: got a record of %s", diff)
	}
}

// lacks wants no record of that ID to exist.
func (s *subject) lacks(id string) {
	if s.err != nil {
		return
	}
	if rec, err := s.Fetch(s.ctx, id); !errors.Is(err, provider.ErrNotFound) {
		s.failf("Fetch: got %s and error %v, want ErrNotFound", describe(rec), err)
	}
}

// difference describes how got differs from want, except where the contract allows it.
func difference(got, want *provider.Record) string {
	switch {
	case got.ID != want.ID:
		return fmt.Sprintf("ID %q, want %q", got.ID, want.ID)
	case got.Version != want.Version:
		return fmt.Sprintf("version %d, want %d", got.Version, want.Version)
	case provider.Millis(got.ExpiresAt) != provider.Millis(want.ExpiresAt):
		return fmt.Sprintf("ExpiresAt %v, want %v to the millisecond", got.ExpiresAt, want.ExpiresAt)
	case got.Format != want.Format:
		return fmt.Sprintf("Format %q, want %q", got.Format, want.Format)
	case !bytes.Equal(got.Data, want.Data):
		return fmt.Sprintf("%d bytes of Data %.40x, want %d bytes %.40x", len(got.Data), got.Data, len(want.Data), want.Data)
	}
	return ""
}

func describe(rec *provider.Record) string {
	if rec == nil {
		return "no record"
	}
	return fmt.Sprintf("version %d", rec.Version)
}

// eventually calls done every few milliseconds until it returns true or the check has
// failed, and wants it to return true by deadline or shortly after.
func (s *subject) eventually(deadline time.Time, what string, done func() bool) {
	const clockSkew = 2 * time.Second
	for s.err == nil {
		late := time.Now().After(deadline.Add(clockSkew))
		if done() {
			return
		}
		if late {
			s.failf("%v after the record has expired, %s", clockSkew, what)
		}
		s.pause(5 * time.Millisecond)
	}
}

func (s *subject) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.ctx.Done():
		s.failf("gave up: %w", context.Cause(s.ctx))
	}
}
