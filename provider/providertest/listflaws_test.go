package providertest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/holdfast-go/holdfast/provider"
)

type list = iter.Seq2[*provider.Record, error]

// A lister is a provider with a List of its own.
type lister struct {
	provider.Provider
	list func(ctx context.Context, prefix string) list
}

func (l lister) List(ctx context.Context, prefix string) list { return l.list(ctx, prefix) }

// listing changes what List does; good is the provider without the flaw.
func listing(flawed func(ctx context.Context, good provider.Lister, prefix string) list) mistake {
	return func(p provider.Provider) provider.Provider {
		return lister{p, func(ctx context.Context, prefix string) list { return flawed(ctx, p.(provider.Lister), prefix) }}
	}
}

// yielding changes how List yields each record; it returns whether to go on.
func yielding(flawed func(prefix string, rec *provider.Record, yield func(*provider.Record, error) bool) bool) mistake {
	return listing(func(ctx context.Context, good provider.Lister, prefix string) list {
		return func(yield func(*provider.Record, error) bool) {
			for rec, err := range good.List(ctx, prefix) {
				if err != nil {
					yield(nil, err)
					return
				}
				if !flawed(prefix, rec, yield) {
					return
				}
			}
		}
	})
}

// selecting changes which records begin with a prefix.
func selecting(begins func(id, prefix string) bool) mistake {
	return listing(func(ctx context.Context, good provider.Lister, prefix string) list {
		if provider.ValidatePrefix(prefix) != nil || prefix == "" {
			return good.List(ctx, prefix)
		}
		return func(yield func(*provider.Record, error) bool) {
			for rec, err := range good.List(ctx, "") {
				if (err != nil || begins(rec.ID, prefix)) && !yield(rec, err) {
					return
				}
			}
		}
	})
}

// failing changes the errors of List.
func failing(change func(prefix string, err error) error) mistake {
	return listing(func(ctx context.Context, good provider.Lister, prefix string) list {
		return func(yield func(*provider.Record, error) bool) {
			for rec, err := range good.List(ctx, prefix) {
				if err != nil {
					err = change(prefix, err)
				}
				if !yield(rec, err) {
					return
				}
			}
		}
	})
}

// sqlLike is what SQL's LIKE makes of a prefix that is not escaped.
func sqlLike(id, prefix string) bool {
	pattern := strings.NewReplacer("%", ".*", "_", ".").Replace(regexp.QuoteMeta(prefix))
	return regexp.MustCompile("(?s)^" + pattern).MatchString(id)
}

// glob is what the MATCH of Redis does.
func glob(id, prefix string) bool {
	pattern := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(prefix))
	return regexp.MustCompile("(?s)^" + pattern).MatchString(id)
}

// collect returns all records, or as many as there were before an error.
func collect(l list) (recs []*provider.Record, err error) {
	for rec, err := range l {
		if err != nil {
			return recs, err
		}
		recs = append(recs, rec)
	}
	return recs, nil
}

// replay yields what was collected.
func replay(ctx context.Context, recs []*provider.Record, err error) list {
	return func(yield func(*provider.Record, error) bool) {
		for _, rec := range recs {
			if over := ctx.Err(); over != nil {
				yield(nil, over)
				return
			}
			if !yield(rec.Clone(), nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

var listFlaws = []flaw{
	// What is yielded.
	{
		name: "the Data are not listed",
		add: yielding(func(_ string, rec *provider.Record, yield func(*provider.Record, error) bool) bool {
			rec.Data = nil
			return yield(rec, nil)
		}),
		breaks: "list list-break list-deleted list-expired list-owned list-pages list-prefix list-within",
	},
	{
		name: "what was listed first is listed for ever",
		add: func(p provider.Provider) provider.Provider {
			var known sync.Map
			return listing(func(ctx context.Context, good provider.Lister, prefix string) list {
				return func(yield func(*provider.Record, error) bool) {
					recs, err := collect(good.List(ctx, prefix))
					if err == nil {
						old, _ := known.LoadOrStore(prefix, recs)
						recs = old.([]*provider.Record)
					}
					replay(ctx, recs, err)(yield)
				}
			})(p)
		},
		breaks: "list-again list-deleted list-expired list-pages",
	},
	{
		name: "an empty prefix is that of nothing",
		add: listing(func(ctx context.Context, good provider.Lister, prefix string) list {
			if prefix == "" {
				return replay(ctx, nil, nil)
			}
			return good.List(ctx, prefix)
		}),
		breaks: "list-all",
	},
	{
		name: "that there is nothing is an error",
		add: listing(func(ctx context.Context, good provider.Lister, prefix string) list {
			return func(yield func(*provider.Record, error) bool) {
				recs, err := collect(good.List(ctx, prefix))
				if len(recs) == 0 && err == nil {
					err = provider.ErrNotFound
				}
				replay(ctx, recs, err)(yield)
			}
		}),
		breaks: "list-none list-pages",
	},
	{
		name:   "a prefix is a pattern of SQL",
		add:    selecting(sqlLike),
		breaks: "list-prefix",
	},
	{
		name:   "a prefix is a pattern of Redis",
		add:    selecting(glob),
		breaks: "list-prefix",
	},
	{
		name: "a prefix is compared without case",
		add: selecting(func(id, prefix string) bool {
			return strings.HasPrefix(strings.ToLower(id), strings.ToLower(prefix))
		}),
		breaks: "list-prefix",
	},
	{
		name:   "a prefix that is a whole ID is not its prefix",
		add:    selecting(func(id, prefix string) bool { return strings.HasPrefix(id, prefix) && id != prefix }),
		breaks: "list-prefix list-within",
	},
	{
		name:   "a record may be anywhere behind the prefix",
		add:    selecting(func(id, prefix string) bool { return id >= prefix }),
		breaks: "list-prefix list-within",
	},
	{
		name: "expired records are listed",
		add: remembering(func(p provider.Provider, saved *shadow) provider.Provider {
			good := p.(hooks).Provider.(provider.Lister)
			return lister{p, func(ctx context.Context, prefix string) list {
				return func(yield func(*provider.Record, error) bool) {
					recs, err := collect(good.List(ctx, prefix))
					saved.records.Range(func(_, value any) bool {
						if rec := value.(*provider.Record); strings.HasPrefix(rec.ID, prefix) && expired(rec) {
							recs = append(recs, rec)
						}
						return true
					})
					replay(ctx, recs, err)(yield)
				}
			}}
		}),
		breaks: "list-expired",
	},
	{
		name: "a record that has gone is nil",
		add: func(p provider.Provider) provider.Provider {
			var gone sync.Map
			store := hooks{Provider: p, delete: func(c conn, id string) error {
				gone.Store(id, true)
				return c.delete(id)
			}}
			return lister{store, func(ctx context.Context, prefix string) list {
				return func(yield func(*provider.Record, error) bool) {
					for id := range gone.Range {
						if strings.HasPrefix(id.(string), prefix) && !yield(nil, nil) {
							return
						}
					}
					p.(provider.Lister).List(ctx, prefix)(yield)
				}
			}}
		},
		breaks: "list-changing list-deleted list-pages",
	},

	// Pages.
	{
		name: "there is one page",
		add: listing(func(ctx context.Context, good provider.Lister, prefix string) list {
			return func(yield func(*provider.Record, error) bool) {
				recs, err := collect(good.List(ctx, prefix))
				replay(ctx, recs[:min(len(recs), 1000)], err)(yield)
			}
		}),
		breaks: "list-pages",
	},
	{
		name: "pages are told by an offset",
		add: listing(func(ctx context.Context, good provider.Lister, prefix string) list {
			return func(yield func(*provider.Record, error) bool) {
				for offset := 0; ; offset += 100 {
					recs, err := collect(good.List(ctx, prefix))
					slices.SortFunc(recs, func(a, b *provider.Record) int { return strings.Compare(a.ID, b.ID) })
					page := recs[min(offset, len(recs)):min(offset+100, len(recs))]
					for rec, err := range replay(ctx, page, err) {
						if !yield(rec, err) || err != nil {
							return
						}
					}
					if len(page) == 0 {
						return
					}
				}
			}
		}),
		breaks: "list-changing list-pages",
	},
	{
		name: "what is replaced meanwhile is not listed",
		add: listing(func(ctx context.Context, good provider.Lister, prefix string) list {
			return func(yield func(*provider.Record, error) bool) {
				first, err := collect(good.List(ctx, prefix))
				if err != nil {
					yield(nil, err)
					return
				}
				versions := make(map[string]int64)
				for _, rec := range first {
					versions[rec.ID] = rec.Version
				}
				for rec, err := range good.List(ctx, prefix) {
					if err == nil && versions[rec.ID] != rec.Version {
						continue
					}
					if !yield(rec, err) {
						return
					}
				}
			}
		}),
		breaks: "list-changing",
	},

	// The loop.
	{
		name: "a lock is held during the loop",
		add: func(p provider.Provider) provider.Provider {
			var lock semaphore = make(chan struct{}, 1)
			locked := hooks{
				Provider: p,
				fetch: func(c conn, id string) (*provider.Record, error) {
					if err := lock.take(c.ctx); err != nil {
						return nil, err
					}
					defer lock.release()
					return c.fetch(id)
				},
				save: func(c conn, rec *provider.Record, expectVersion int64) error {
					if err := lock.take(c.ctx); err != nil {
						return err
					}
					defer lock.release()
					return c.save(rec, expectVersion)
				},
				delete: func(c conn, id string) error {
					if err := lock.take(c.ctx); err != nil {
						return err
					}
					defer lock.release()
					return c.delete(id)
				},
			}
			return lister{locked, func(ctx context.Context, prefix string) list {
				return func(yield func(*provider.Record, error) bool) {
					if err := lock.take(ctx); err != nil {
						yield(nil, err)
						return
					}
					defer lock.release()
					p.(provider.Lister).List(ctx, prefix)(yield)
				}
			}}
		},
		breaks: "list-pages list-within",
	},
	{
		name: "a connection is not given back when the loop is broken off",
		add: func(p provider.Provider) provider.Provider {
			var pool semaphore = make(chan struct{}, 10)
			return listing(func(ctx context.Context, good provider.Lister, prefix string) list {
				return func(yield func(*provider.Record, error) bool) {
					if err := pool.take(ctx); err != nil {
						yield(nil, err)
						return
					}
					for rec, err := range good.List(ctx, prefix) {
						if !yield(rec, err) {
							return
						}
					}
					pool.release()
				}
			})(p)
		},
		breaks: "list-break",
	},
	{
		name: "the store is read before the loop begins",
		add: listing(func(ctx context.Context, good provider.Lister, prefix string) list {
			recs, err := collect(good.List(ctx, prefix))
			return replay(ctx, recs, err)
		}),
		breaks: "list-again",
	},
	{
		name: "a second loop goes on where the first has ended",
		add: listing(func(ctx context.Context, good provider.Lister, prefix string) list {
			ended := false
			return func(yield func(*provider.Record, error) bool) {
				if !ended {
					good.List(ctx, prefix)(yield)
				}
				ended = true
			}
		}),
		breaks: "list-again",
	},
	{
		name: "breaking off is not noticed",
		add: listing(func(ctx context.Context, good provider.Lister, prefix string) list {
			return func(yield func(*provider.Record, error) bool) {
				for rec, err := range good.List(ctx, prefix) {
					yield(rec, err)
				}
			}
		}),
		breaks: "list-break",
	},

	// Whose memory it is.
	{
		name: "every record is the same one",
		add: listing(func(ctx context.Context, good provider.Lister, prefix string) list {
			return func(yield func(*provider.Record, error) bool) {
				var same provider.Record
				for rec, err := range good.List(ctx, prefix) {
					if err != nil {
						yield(nil, err)
						return
					}
					if same = *rec; !yield(&same, nil) {
						return
					}
				}
			}
		}),
		breaks: "list list-break list-deleted list-expired list-owned list-pages list-prefix list-within",
	},
	{
		name: "List hands out what is stored",
		add: func(p provider.Provider) provider.Provider {
			var stored aliases
			fetches := fetching(func(c conn, id string) (*provider.Record, error) {
				rec, err := c.fetch(id)
				if err == nil {
					rec.Data = bytes.Clone(stored.data(rec))
				}
				return rec, err
			})(p)
			return lister{fetches, yielding(func(_ string, rec *provider.Record, yield func(*provider.Record, error) bool) bool {
				rec.Data = stored.data(rec)
				return yield(rec, nil)
			})(p).(provider.Lister).List}
		},
		breaks: "list-owned",
	},

	// Input, contexts and errors.
	{
		name: "prefixes are not validated",
		add: listing(func(ctx context.Context, good provider.Lister, prefix string) list {
			if provider.ValidatePrefix(prefix) != nil {
				return replay(ctx, nil, nil)
			}
			return good.List(ctx, prefix)
		}),
		breaks: "list-invalid-prefix",
	},
	{
		name: "contexts are ignored by List",
		add: listing(func(ctx context.Context, good provider.Lister, prefix string) list {
			return good.List(context.WithoutCancel(ctx), prefix)
		}),
		breaks: "list-context-cancelled list-context-cancelled-meanwhile list-context-expired",
	},
	{
		name: "the context counts at the beginning only",
		add: listing(func(ctx context.Context, good provider.Lister, prefix string) list {
			return func(yield func(*provider.Record, error) bool) {
				if err := ctx.Err(); err != nil {
					yield(nil, err)
					return
				}
				good.List(context.WithoutCancel(ctx), prefix)(yield)
			}
		}),
		breaks: "list-context-cancelled-meanwhile",
	},
	{
		name: "the loop ends with the context, without an error",
		add: listing(func(ctx context.Context, good provider.Lister, prefix string) list {
			return func(yield func(*provider.Record, error) bool) {
				for rec, err := range good.List(ctx, prefix) {
					if ctx.Err() != nil || !yield(rec, err) {
						return
					}
				}
			}
		}),
		breaks: "list-context-cancelled list-context-cancelled-meanwhile list-context-expired",
	},
	{
		name: "the driver's error when a context ends List",
		add: failing(func(_ string, err error) error {
			if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
				return errFailed
			}
			return err
		}),
		breaks: "list-context-cancelled list-context-cancelled-meanwhile list-context-expired",
	},
	{
		name: "List goes on after an error",
		add: listing(func(ctx context.Context, good provider.Lister, prefix string) list {
			return func(yield func(*provider.Record, error) bool) {
				for rec, err := range good.List(context.WithoutCancel(ctx), prefix) {
					if ctx.Err() != nil {
						rec, err = nil, ctx.Err()
					}
					if !yield(rec, err) {
						return
					}
				}
			}
		}),
		breaks: "list-context-cancelled list-context-cancelled-meanwhile list-context-expired",
	},
	{
		name:   "an error of List tells the prefix",
		add:    failing(func(prefix string, err error) error { return fmt.Errorf("listing %s: %w", prefix, err) }),
		breaks: "list-errors-discreet",
	},
}

// A semaphore is a lock that the clock of a bubble goes on beside.
type semaphore chan struct{}

func (s semaphore) take(ctx context.Context) error {
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s semaphore) release() { <-s }
