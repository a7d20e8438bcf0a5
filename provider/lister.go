package provider

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// Lister is what a Provider may be besides: one whose records can be listed, for
// tools and for jobs. No request needs it. All providers of this module are
// Listers.
type Lister interface {
	// List iterates over the records whose ID begins with prefix, byte by byte;
	// all do with "". What is not a valid prefix, by ValidatePrefix, is refused
	// before any I/O, with an error that wraps ErrInvalidRecord.
	//
	// A record is as Fetch would have returned it at some moment of the iteration,
	// a little before it is yielded, since stores are read by pages. It is the
	// caller's to change. Expired records are left out. There is no order.
	//
	// The records may change meanwhile:
	//
	//   - One that is there from the beginning to the end is yielded at least once,
	//     also if it is replaced meanwhile. It may be yielded twice: to know what it
	//     has yielded a provider would have to remember all of it.
	//   - One that comes or goes meanwhile may be yielded or not.
	//
	// An error is yielded with a nil record, and ends the iteration: what was not
	// yielded until then is not known. Once the context has ended, the next step
	// yields an error that wraps the context's.
	//
	// Nothing is done before the iteration begins; each one begins anew. It holds a
	// page of records at most, however many there are. While the loop's body runs
	// it holds no lock and no connection: the body may call the provider, to delete
	// the record for instance, and take as long as it likes. When it breaks off,
	// nothing is left behind.
	List(ctx context.Context, prefix string) iter.Seq2[*Record, error]
}

var errNoLister = fmt.Errorf("provider: this store cannot list its records: %w", errors.ErrUnsupported)

// List is p.List(ctx, prefix) if p is a Lister. If it is none, the error wraps
// errors.ErrUnsupported.
//
// A provider that wraps another has a List by ranging over that of the other in
// this way.
func List(ctx context.Context, p Provider, prefix string) iter.Seq2[*Record, error] {
	if l, ok := p.(Lister); ok {
		return l.List(ctx, prefix)
	}
	return func(yield func(*Record, error) bool) { yield(nil, errNoLister) }
}

// ValidatePrefix returns an error that wraps ErrInvalidRecord if prefix is neither
// empty nor an ID itself. One that ends in the middle of a rune is not: databases
// do not take it for text.
func ValidatePrefix(prefix string) error {
	return validateText("prefix", prefix, MaxIDLength)
}
