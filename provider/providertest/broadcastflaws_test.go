package providertest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

// A broadcaster is a store with a Broadcast and a Listen of its own.
type broadcaster struct {
	*memory.Provider
	broadcast broadcastFunc
	listen    listenFunc
}

type (
	broadcastFunc = func(ctx context.Context, good *memory.Provider, message []byte) error
	listenFunc    = func(ctx context.Context, good *memory.Provider, ready func(), heard func([]byte)) error
)

func (b *broadcaster) Broadcast(ctx context.Context, message []byte) error {
	if b.broadcast == nil {
		return b.Provider.Broadcast(ctx, message)
	}
	return b.broadcast(ctx, b.Provider, message)
}

func (b *broadcaster) Listen(ctx context.Context, ready func(), heard func([]byte)) error {
	if b.listen == nil {
		return b.Provider.Listen(ctx, ready, heard)
	}
	return b.listen(ctx, b.Provider, ready, heard)
}

// providers are those of RunBroadcaster.
type providers struct{ first, second, other provider.Provider }

// A broadcastFlaw is a mistake that authors of Broadcast and Listen make. Its providers
// are made anew for each rule.
type broadcastFlaw struct {
	name   string
	add    func() providers
	breaks string // the names of the rules
	may    string // rules that are broken or not, as goroutines are scheduled
}

// flawed returns three providers of two stores with the same mistakes.
func flawed(broadcast broadcastFunc, listen listenFunc) func() providers {
	return func() providers {
		p, other := memory.New(), memory.New()
		return providers{
			&broadcaster{p, broadcast, listen},
			&broadcaster{p, broadcast, listen},
			&broadcaster{other, broadcast, listen},
		}
	}
}

// broadcasting changes valid messages only, so that each flaw is one by itself.
func broadcasting(broadcast broadcastFunc) func() providers {
	return flawed(func(ctx context.Context, good *memory.Provider, message []byte) error {
		if provider.ValidateMessage(message) != nil || ctx.Err() != nil {
			return good.Broadcast(ctx, message)
		}
		return broadcast(ctx, good, message)
	}, nil)
}

func listeningBy(listen listenFunc) func() providers { return flawed(nil, listen) }

// hearing changes what is done with a message.
func hearing(hear func(message []byte, heard func([]byte))) func() providers {
	return listeningBy(func(ctx context.Context, good *memory.Provider, ready func(), heard func([]byte)) error {
		return good.Listen(ctx, ready, func(message []byte) { hear(message, heard) })
	})
}

// selectingOrigin marks each message with the provider that broadcasts it, and passes on
// the messages of the origins that hears accepts.
func selectingOrigin(hears func(self, from byte) bool) func() providers {
	return func() providers {
		p := memory.New()
		instance := func(self byte, p *memory.Provider) provider.Provider {
			return &broadcaster{p, func(ctx context.Context, good *memory.Provider, message []byte) error {
				if len(message) == 0 || len(message) >= provider.MaxMessageLength || ctx.Err() != nil {
					return good.Broadcast(ctx, message)
				}
				return good.Broadcast(ctx, append([]byte{self}, message...))
			}, func(ctx context.Context, good *memory.Provider, ready func(), heard func([]byte)) error {
				return good.Listen(ctx, ready, func(message []byte) {
					if len(message) == provider.MaxMessageLength {
						heard(message)
					} else if hears(self, message[0]) {
						heard(message[1:])
					}
				})
			}}
		}
		return providers{instance(1, p), instance(2, p), instance(3, memory.New())}
	}
}

var broadcastFlaws = []broadcastFlaw{
	// Who hears a message.
	{
		name:   "a message does not reach the provider that broadcasts it",
		add:    selectingOrigin(func(self, from byte) bool { return self != from }),
		breaks: "broadcast broadcast-apart broadcast-concurrent broadcast-invalid broadcast-once broadcast-owned listen-over listen-owned listen-ready listen-slow listen-within",
	},
	{
		name:   "a message reaches only the provider that broadcasts it",
		add:    selectingOrigin(func(self, from byte) bool { return self == from }),
		breaks: "broadcast broadcast-bytes broadcast-concurrent broadcast-no-record broadcast-nobody broadcast-once broadcast-owned listen-again listen-order listen-owned listen-ready listen-slow",
	},
	{
		name: "all records have one channel",
		add: func() providers {
			channel := memory.New()
			broadcast := func(ctx context.Context, _ *memory.Provider, message []byte) error {
				return channel.Broadcast(ctx, message)
			}
			listen := func(ctx context.Context, _ *memory.Provider, ready func(), heard func([]byte)) error {
				return channel.Listen(ctx, ready, heard)
			}
			return flawed(broadcast, listen)()
		},
		breaks: "broadcast-apart",
	},
	{
		name: "a message reaches the newest Listen only",
		add: func() providers {
			var newest atomic.Int64
			return listeningBy(func(ctx context.Context, good *memory.Provider, ready func(), heard func([]byte)) error {
				self := newest.Add(1)
				return good.Listen(ctx, ready, func(message []byte) {
					if newest.Load() == self {
						heard(message)
					}
				})
			})()
		},
		breaks: "broadcast broadcast-apart broadcast-concurrent broadcast-once broadcast-owned listen-again listen-over listen-owned listen-slow",
	},
	{
		name: "a message is heard twice",
		add: hearing(func(message []byte, heard func([]byte)) {
			heard(bytes.Clone(message))
			heard(message)
		}),
		breaks: "broadcast-once",
	},
	{
		name: "every other message is lost",
		add: func() providers {
			var n atomic.Int64
			return broadcasting(func(ctx context.Context, good *memory.Provider, message []byte) error {
				if n.Add(1)%2 == 0 {
					return nil
				}
				return good.Broadcast(ctx, message)
			})()
		},
		breaks: "broadcast broadcast-apart broadcast-bytes broadcast-concurrent broadcast-no-record broadcast-nobody broadcast-once broadcast-owned listen-again listen-order listen-over listen-owned listen-ready listen-slow listen-within",
	},
	{
		name: "a concurrent message is lost",
		add: func() providers {
			var lock atomic.Bool
			return broadcasting(func(ctx context.Context, good *memory.Provider, message []byte) error {
				if !lock.CompareAndSwap(false, true) {
					return nil
				}
				defer lock.Store(false)
				pause()
				return good.Broadcast(ctx, message)
			})()
		},
		breaks: "broadcast-concurrent",
		may:    "listen-order listen-ready",
	},
	{
		name: "that nobody listens is an error",
		add: func() providers {
			var listeners atomic.Int64
			return flawed(func(ctx context.Context, good *memory.Provider, message []byte) error {
				if listeners.Load() == 0 && provider.ValidateMessage(message) == nil && ctx.Err() == nil {
					return errFailed
				}
				return good.Broadcast(ctx, message)
			}, func(ctx context.Context, good *memory.Provider, ready func(), heard func([]byte)) error {
				listeners.Add(1)
				defer listeners.Add(-1)
				return good.Listen(ctx, ready, heard)
			})()
		},
		breaks: "broadcast-nobody",
	},
	{
		name: "a message is kept as a record",
		add: broadcasting(func(ctx context.Context, good *memory.Provider, message []byte) error {
			_ = good.Save(ctx, &provider.Record{ID: "message", Version: 1, Data: message}, -1)
			return good.Broadcast(ctx, message)
		}),
		breaks: "broadcast-no-record",
	},

	// The bytes of a message.
	{
		name: "messages are text",
		add: hearing(func(message []byte, heard func([]byte)) {
			heard(bytes.ToValidUTF8(message, []byte("\ufffd")))
		}),
		breaks: "broadcast-bytes",
	},
	{
		name: "messages end at a NUL",
		add: hearing(func(message []byte, heard func([]byte)) {
			before, _, _ := bytes.Cut(message, []byte{0})
			heard(before)
		}),
		breaks: "broadcast-bytes",
	},
	{
		name:   "spaces are trimmed",
		add:    hearing(func(message []byte, heard func([]byte)) { heard(bytes.TrimSpace(message)) }),
		breaks: "broadcast-bytes",
	},
	{
		name: "a long message is refused",
		add: broadcasting(func(ctx context.Context, good *memory.Provider, message []byte) error {
			if len(message) > 1000 {
				return provider.ErrInvalidMessage
			}
			return good.Broadcast(ctx, message)
		}),
		breaks: "broadcast-bytes",
	},
	{
		name: "a long message is cut off",
		add: broadcasting(func(ctx context.Context, good *memory.Provider, message []byte) error {
			return good.Broadcast(ctx, message[:min(len(message), 1000)])
		}),
		breaks: "broadcast-bytes",
	},
	{
		name: "messages are not validated",
		add: flawed(func(ctx context.Context, good *memory.Provider, message []byte) error {
			if err := ctx.Err(); err != nil || provider.ValidateMessage(message) != nil {
				return err
			}
			return good.Broadcast(ctx, message)
		}, nil),
		breaks: "broadcast-invalid",
	},
	{
		name: "messages are validated by the server",
		add: flawed(func(ctx context.Context, good *memory.Provider, message []byte) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return good.Broadcast(ctx, message)
		}, nil),
		breaks: "broadcast-invalid",
	},

	// Whose memory it is.
	{
		name: "Broadcast changes the message",
		add: broadcasting(func(ctx context.Context, good *memory.Provider, message []byte) error {
			err := good.Broadcast(ctx, message)
			clear(message)
			return err
		}),
		breaks: "broadcast-owned",
	},
	{
		name: "the next message overwrites the last one",
		add: listeningBy(func(ctx context.Context, good *memory.Provider, ready func(), heard func([]byte)) error {
			buffer := make([]byte, provider.MaxMessageLength)
			return good.Listen(ctx, ready, func(message []byte) { heard(buffer[:copy(buffer, message)]) })
		}),
		breaks: "listen-owned",
	},

	// Ready.
	{
		name: "ready is called before it listens",
		add: listeningBy(func(ctx context.Context, good *memory.Provider, ready func(), heard func([]byte)) error {
			if ctx.Err() == nil {
				ready()
				pause()
			}
			return good.Listen(ctx, func() {}, heard)
		}),
		breaks: "broadcast broadcast-apart broadcast-bytes broadcast-concurrent broadcast-invalid broadcast-no-record broadcast-nobody broadcast-once broadcast-owned listen-again listen-order listen-over listen-owned listen-ready listen-slow listen-within",
	},
	{
		name: "ready is not called",
		add: listeningBy(func(ctx context.Context, good *memory.Provider, _ func(), heard func([]byte)) error {
			return good.Listen(ctx, func() {}, heard)
		}),
		breaks: "broadcast broadcast-apart broadcast-bytes broadcast-concurrent broadcast-invalid broadcast-no-record broadcast-nobody broadcast-once broadcast-owned listen-again listen-context-meanwhile listen-order listen-over listen-owned listen-ready listen-releases listen-slow listen-within",
	},
	{
		name: "ready is called after each lost connection",
		add: listeningBy(func(ctx context.Context, good *memory.Provider, ready func(), heard func([]byte)) error {
			return good.Listen(ctx, func() { ready(); ready() }, heard)
		}),
		breaks: "listen-order listen-over",
	},
	{
		name: "ready waits for the first message",
		add: listeningBy(func(ctx context.Context, good *memory.Provider, ready func(), heard func([]byte)) error {
			begun := false
			return good.Listen(ctx, func() {}, func(message []byte) {
				heard(message)
				if !begun {
					begun = true
					ready()
				}
			})
		}),
		breaks: "broadcast broadcast-apart broadcast-bytes broadcast-concurrent broadcast-invalid broadcast-no-record broadcast-nobody broadcast-once broadcast-owned listen-again listen-context-meanwhile listen-order listen-over listen-owned listen-ready listen-releases listen-slow listen-within",
	},
	{
		name: "ready and heard are called at the same time",
		add: listeningBy(func(ctx context.Context, good *memory.Provider, ready func(), heard func([]byte)) error {
			var running sync.WaitGroup
			defer running.Wait()
			return good.Listen(ctx, ready, func(message []byte) {
				running.Go(func() { heard(message) })
			})
		}),
		breaks: "listen-order",
		may:    "listen-over",
	},

	// The end of a Listen.
	{
		name: "Listen returns nil",
		add: listeningBy(func(ctx context.Context, good *memory.Provider, ready func(), heard func([]byte)) error {
			_ = good.Listen(ctx, ready, heard)
			return nil
		}),
		breaks: "listen-context-ended listen-context-meanwhile listen-over listen-slow",
	},
	{
		name: "the driver's error when a context ends Listen",
		add: listeningBy(func(ctx context.Context, good *memory.Provider, ready func(), heard func([]byte)) error {
			_ = good.Listen(ctx, ready, heard)
			return errFailed
		}),
		breaks: "listen-context-ended listen-context-meanwhile",
	},
	{
		name: "Listen begins with a context that has ended",
		add: listeningBy(func(ctx context.Context, good *memory.Provider, ready func(), heard func([]byte)) error {
			if ctx.Err() != nil {
				ready()
			}
			return good.Listen(ctx, ready, heard)
		}),
		breaks: "listen-context-ended",
	},
	{
		name: "Listen ignores its context",
		add: func() providers {
			end, cancel := context.WithCancel(context.Background())
			return listeningBy(func(ctx context.Context, good *memory.Provider, ready func(), heard func([]byte)) error {
				time.AfterFunc(30*time.Second, cancel) // the rule has given up
				return good.Listen(end, ready, heard)
			})()
		},
		breaks: "listen-again listen-context-ended listen-context-meanwhile listen-order listen-over listen-ready listen-releases",
	},
	{
		name: "heard is called after the end",
		add: listeningBy(func(ctx context.Context, good *memory.Provider, ready func(), heard func([]byte)) error {
			return good.Listen(ctx, ready, func(message []byte) {
				time.AfterFunc(10*time.Millisecond, func() { heard(message) })
			})
		}),
		breaks: "listen-order listen-over",
	},
	{
		name: "a goroutine stays",
		add: listeningBy(func(ctx context.Context, good *memory.Provider, ready func(), heard func([]byte)) error {
			go time.Sleep(30 * time.Second) // the rule has given up
			return good.Listen(ctx, ready, heard)
		}),
		breaks: "listen-releases",
	},
	{
		name: "Listen can be called once",
		add: func() providers {
			var called atomic.Int64
			return listeningBy(func(ctx context.Context, good *memory.Provider, ready func(), heard func([]byte)) error {
				if ctx.Err() == nil && called.Add(1) > 4 {
					return errFailed
				}
				return good.Listen(ctx, ready, heard)
			})()
		},
		breaks: "listen-again listen-context-meanwhile listen-order listen-over listen-ready listen-releases",
	},
	{
		name: "a Listen that ends ends all others",
		add: func() providers {
			var mu sync.Mutex
			ends := make(map[int]context.CancelFunc)
			n := 0
			return listeningBy(func(ctx context.Context, good *memory.Provider, ready func(), heard func([]byte)) error {
				ctx, cancel := context.WithCancel(ctx)
				mu.Lock()
				n++
				ends[n] = cancel
				mu.Unlock()
				defer func() {
					mu.Lock()
					defer mu.Unlock()
					for _, end := range ends {
						end()
					}
				}()
				return good.Listen(ctx, ready, heard)
			})()
		},
		breaks: "listen-again listen-over",
	},

	// A heard that is slow, and one that broadcasts.
	{
		name: "messages are dropped silently while heard runs",
		add: listeningBy(func(ctx context.Context, good *memory.Provider, ready func(), heard func([]byte)) error {
			waiting := make(chan []byte, 500)
			var passing sync.WaitGroup
			defer passing.Wait()
			ctx, stop := context.WithCancel(ctx)
			defer stop()
			return good.Listen(ctx, func() {
				ready()
				passing.Go(func() {
					for {
						select {
						case message := <-waiting:
							heard(message)
						case <-ctx.Done():
							return
						}
					}
				})
			}, func(message []byte) {
				select {
				case waiting <- message:
				default:
				}
			})
		}),
		breaks: "listen-slow",
	},
	{
		name: "Broadcast waits for heard",
		add: func() providers {
			var lock semaphore = make(chan struct{}, 1)
			return flawed(func(ctx context.Context, good *memory.Provider, message []byte) error {
				if provider.ValidateMessage(message) == nil && ctx.Err() == nil {
					if err := lock.take(ctx); err != nil {
						return err
					}
					defer lock.release()
				}
				return good.Broadcast(ctx, message)
			}, func(ctx context.Context, good *memory.Provider, ready func(), heard func([]byte)) error {
				return good.Listen(ctx, ready, func(message []byte) {
					if lock.take(ctx) == nil {
						defer lock.release()
					}
					heard(message)
				})
			})()
		},
		breaks: "listen-slow listen-within",
	},

	// Contexts and errors.
	{
		name: "Broadcast ignores its context",
		add: flawed(func(ctx context.Context, good *memory.Provider, message []byte) error {
			return good.Broadcast(context.WithoutCancel(ctx), message)
		}, nil),
		breaks: "broadcast-context broadcast-errors-discreet",
	},
	{
		name: "the driver's error when a context ends Broadcast",
		add: flawed(func(ctx context.Context, good *memory.Provider, message []byte) error {
			if err := good.Broadcast(ctx, message); err == nil || errors.Is(err, provider.ErrInvalidMessage) {
				return err
			}
			return errFailed
		}, nil),
		breaks: "broadcast-context",
	},
	{
		name: "an error of Broadcast contains the message",
		add: flawed(func(ctx context.Context, good *memory.Provider, message []byte) error {
			err := good.Broadcast(ctx, message)
			if err != nil {
				err = fmt.Errorf("broadcasting %s: %w", message, err)
			}
			return err
		}, nil),
		breaks: "broadcast-errors-discreet",
	},
}
