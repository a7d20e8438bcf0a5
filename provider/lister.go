package provider

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// Lister is an optional interface of a Provider whose records can be listed, for tools
// and jobs. No request needs it. All providers of this module are Listers.
type Lister interface {
	// List iterates over the records whose ID begins with prefix, byte by byte; the prefix
	// "" means all records. A prefix that ValidatePrefix refuses yields an error that wraps
	// ErrInvalidRecord, before any I/O.
	//
	// A record is as Fetch would have returned it at some moment of the iteration, a little
	// before it is yielded, since stores are read by pages. The caller may modify it.
	// Expired records are left out. The order is not defined.
	//
	// The records may change during the iteration:
	//
	//   - A record that exists from the beginning to the end is yielded at least once, also
	//     if it is replaced in the meantime. It may be yielded twice: to avoid that, a
	//     provider would have to remember all the records that it has yielded.
	//   - A record that is created or deleted in the meantime may be yielded or not.
	//
	// An error is yielded with a nil record, and ends the iteration; the records that have
	// not been yielded until then are unknown. After the context has ended, the next step
	// yields an error that wraps the context's.
	//
	// Nothing is done before the iteration begins. The returned sequence can be used several
	// times. It holds at most one page of records in memory. While the loop's body runs it
	// holds no lock and no connection: the body may call the provider, for instance to
	// delete the record, and take any time. A loop that ends early releases all resources.
	List(ctx context.Context, prefix string) iter.Seq2[*Record, error]
}

var errNoLister = fmt.Errorf("provider: this store cannot list its records: %w", errors.ErrUnsupported)

// List returns p.List(ctx, prefix) if p is a Lister. Otherwise it yields an error that
// wraps errors.ErrUnsupported.
//
// A provider that wraps another one implements its own List by ranging over List of the
// inner one.
func List(ctx context.Context, p Provider, prefix string) iter.Seq2[*Record, error] {
	if l, ok := p.(Lister); ok {
		return l.List(ctx, prefix)
	}
	return func(yield func(*Record, error) bool) { yield(nil, errNoLister) }
}

// ValidatePrefix returns an error that wraps ErrInvalidRecord if prefix is neither empty
// nor a valid ID. A prefix that ends in the middle of a rune is not valid: databases do
// not accept it as text.
func ValidatePrefix(prefix string) error {
	return validateText("prefix", prefix, MaxIDLength)
}
