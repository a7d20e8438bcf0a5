package binding_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/dbsctest"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session/internal/binding"
	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/records"
	"github.com/holdfast-go/holdfast/session/internal/token"
)

const (
	interval = 10 * time.Minute
	half     = 30 * time.Second // for which the token before the present one is good
)

// rig is a Binder with one session that waits for a registration.
type rig struct {
	*binding.Binder
	t      *testing.T
	store  *records.Store
	limits records.Lifetimes
	id     string
	device *dbsctest.Device
}

func newRig(t *testing.T) *rig {
	t.Helper()
	signer := token.NewSigner(token.Options{CookieName: "session", Keys: [][]byte{bytes.Repeat([]byte("k"), 32)}})
	_, id := signer.NewSession()
	r := &rig{
		t: t, id: id, device: dbsctest.NewDevice(),
		store:  records.New(memory.New(), records.Options{Timeout: time.Minute, KnowsFormat: func(string) bool { return true }, Ended: func(...string) {}}),
		limits: records.Lifetimes{IdleTimeout: 24 * time.Hour, Lifetime: 24 * time.Hour, PersistLifetime: 24 * time.Hour, PersistIdleTimeout: 24 * time.Hour},
	}
	r.Binder = binding.New(binding.Options{Records: r.store, Lifetimes: r.limits, Signer: signer, Interval: interval, RegisterPath: "/register", RefreshPath: "/refresh"})
	c := records.NewContent("cbor")
	c.Seen = c.Created
	c.Expires = r.limits.Expiry(c, c.Seen, 0)
	c.Fields = binding.Offered("", records.Now().Add(time.Minute))
	c.EncodeAfter(nil, new(envelope.Entries), nil)
	r.save(c, 0)
	return r
}

func (r *rig) save(c *records.Content, expect int64) {
	r.t.Helper()
	a := r.store.Access(context.Background(), nil)
	if out, err := a.Save(r.id, c, expect); err != nil || !out.Landed {
		r.t.Fatal(out, err)
	}
}

func (r *rig) stored() *records.Content {
	r.t.Helper()
	a := r.store.Access(context.Background(), nil)
	c, err := a.Fetch(r.id)
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// register registers the device's key, and returns the answer.
func (r *rig) register() binding.Bound {
	r.t.Helper()
	challenge, err := r.Offer(r.t.Context(), r.id)
	if err != nil {
		r.t.Fatal(err)
	}
	bound, err := r.Register(r.t.Context(), r.id, r.device.Register(challenge))
	if err != nil {
		r.t.Fatal(err)
	}
	return bound
}

// refresh proves the key with that challenge, and checks the error.
func (r *rig) refresh(challenge string, want error) binding.Bound {
	r.t.Helper()
	bound, err := r.Refresh(r.t.Context(), r.id, r.device.Prove(challenge))
	if !errors.Is(err, want) {
		r.t.Errorf("refresh: %v; want %v", err, want)
	}
	return bound
}

// note notes a request with that token.
func (r *rig) note(token string) {
	r.t.Helper()
	if _, err := r.Note(r.t.Context(), r.id, r.stored(), []string{token}); err != nil {
		r.t.Fatal(err)
	}
}

// serves checks whether the stored session is served with these tokens.
func (r *rig) serves(want bool, tokens ...string) {
	r.t.Helper()
	err := binding.Judge(r.stored().Fields, false, false, func() []string { return tokens })
	if (err == nil) != want || err != nil && !errors.Is(err, binding.ErrUnproven) {
		r.t.Errorf("served with %d tokens: %v; want %t", len(tokens), err, want)
	}
}

func bubble(t *testing.T, test func(t *testing.T, r *rig)) {
	synctest.Test(t, func(t *testing.T) { test(t, newRig(t)) })
}

func TestTokens(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		first := r.register()
		r.note(first.Token)
		r.serves(true, first.Token)
		r.serves(false)
		r.serves(false, "guess", "")
		r.serves(true, "guess", first.Token) // of several cookies of the name
		second := r.refresh(first.Challenge, nil)
		if first.Token == second.Token {
			t.Fatal("a refresh made no other token")
		}
		r.note(second.Token)
		r.serves(true, first.Token)
		r.serves(true, second.Token)
		time.Sleep(half)
		r.serves(false, first.Token)
		r.serves(true, second.Token)
		third := r.refresh(second.Challenge, nil)
		r.serves(false, first.Token)
		time.Sleep(interval)
		r.serves(true, third.Token) // a request may be under way
		time.Sleep(half)
		r.serves(false, third.Token)
	})
}

// The answer to a refresh may be lost. The browser then goes on with the token that it has.
func TestEarlierTokens(t *testing.T) {
	t.Run("are good until they end", func(t *testing.T) {
		bubble(t, func(t *testing.T, r *rig) {
			first := r.register()
			r.note(first.Token)
			time.Sleep(8 * time.Minute)
			second := r.refresh(first.Challenge, nil)
			time.Sleep(2*time.Minute + half - 1)
			r.serves(true, first.Token)
			time.Sleep(time.Nanosecond)
			r.serves(false, first.Token)
			r.serves(true, second.Token)
		})
	})
	t.Run("but not long after a newer one has come", func(t *testing.T) {
		bubble(t, func(t *testing.T, r *rig) {
			first := r.register()
			r.note(first.Token)
			second := r.refresh(first.Challenge, nil)
			time.Sleep(time.Minute)
			r.note(second.Token)
			r.note(first.Token) // one that was under way changes nothing
			time.Sleep(half - 1)
			r.note(second.Token) // for the second time, nor does this
			r.serves(true, first.Token)
			time.Sleep(time.Nanosecond)
			r.serves(false, first.Token)
		})
	})
	t.Run("of which only the last one that has come", func(t *testing.T) {
		bubble(t, func(t *testing.T, r *rig) {
			first := r.register()
			r.note(first.Token)
			second := r.refresh(first.Challenge, nil)
			r.note(second.Token)
			third := r.refresh(second.Challenge, nil)
			r.serves(true, first.Token)
			r.note(third.Token)
			r.serves(false, first.Token)
			r.serves(true, second.Token)
		})
	})
	t.Run("do not come back", func(t *testing.T) {
		bubble(t, func(t *testing.T, r *rig) {
			first := r.register()
			time.Sleep(interval + half)
			r.serves(false, first.Token)
			r.refresh(r.refresh(first.Challenge, nil).Challenge, nil)
			r.serves(false, first.Token)
		})
	})
	t.Run("are kept while answers are lost", func(t *testing.T) {
		bubble(t, func(t *testing.T, r *rig) {
			first := r.register()
			r.note(first.Token)
			var issued []string
			last := first
			for range 6 {
				last = r.refresh(last.Challenge, nil)
				issued = append(issued, last.Token)
			}
			r.serves(true, first.Token) // which the browser has
			r.serves(true, issued[5])
			r.serves(true, issued[4])
			r.serves(true, issued[3])
			r.serves(false, issued[0])
		})
	})
	t.Run("are noted once", func(t *testing.T) {
		bubble(t, func(t *testing.T, r *rig) {
			first := r.register()
			r.note(first.Token)
			before := r.stored().Version
			r.note(first.Token)
			r.note("guess")
			if now := r.stored().Version; now != before {
				t.Errorf("version %d; want %d", now, before)
			}
		})
	})
}

// Before the first token has come, a request may have been under way since before the
// registration.
func TestUnconfirmedRegistration(t *testing.T) {
	without := func(r *rig, browser bool) error {
		return binding.Judge(r.stored().Fields, true, browser, func() []string { return nil })
	}
	bubble(t, func(t *testing.T, r *rig) {
		first := r.register()
		if err := without(r, true); err != nil {
			t.Errorf("before the first token has come: %v", err)
		}
		if err := without(r, false); !errors.Is(err, binding.ErrUnproven) {
			t.Errorf("a client that is no browser: %v", err)
		}
		r.note(first.Token)
		if err := without(r, true); !errors.Is(err, binding.ErrUnproven) {
			t.Errorf("after the first token has come: %v", err)
		}
	})
	bubble(t, func(t *testing.T, r *rig) {
		first := r.register()
		time.Sleep(half)
		if err := without(r, true); !errors.Is(err, binding.ErrUnproven) {
			t.Errorf("half a minute after the registration: %v", err)
		}
		r.serves(true, first.Token)
	})
}

func TestHasLiveToken(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		check := func(when string, want bool) {
			t.Helper()
			if got := binding.HasLiveToken(r.stored().Fields); got != want {
				t.Errorf("%s: %t", when, got)
			}
		}
		check("offered", false)
		first := r.register()
		check("not confirmed", false)
		r.note(first.Token)
		time.Sleep(interval + half - 1)
		check("confirmed", true)
		time.Sleep(time.Nanosecond)
		check("ended", false)
	})
}

func TestTokensOfTwoSessionsDiffer(t *testing.T) {
	a, b := newRig(t), newRig(t)
	if x, y := a.register(), b.register(); x.Token == y.Token {
		t.Error("two sessions have one token")
	} else {
		b.serves(false, x.Token)
	}
}

func TestJudge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pending := binding.Offered("", records.Now().Add(time.Minute))
		noTokens := func() []string { return nil }
		for _, required := range []bool{false, true} {
			if err := binding.Judge("", required, true, noTokens); err != nil {
				t.Errorf("required %t: a session that was never offered a binding: %v", required, err)
			}
			if err := binding.Judge(pending, required, true, noTokens); err != nil {
				t.Errorf("required %t: before the deadline: %v", required, err)
			}
		}
		time.Sleep(time.Minute)
		if err := binding.Judge(pending, false, true, noTokens); err != nil {
			t.Errorf("offered: after the deadline: %v", err)
		}
		if err := binding.Judge(pending, true, true, noTokens); !errors.Is(err, binding.ErrUnregistered) || !errors.Is(err, binding.ErrUnproven) {
			t.Errorf("required: after the deadline: %v", err)
		}
	})
}

func TestOffered(t *testing.T) {
	until := records.Now()
	bound := envelope.Fields("").WithBinding(envelope.Binding{Bound: true, Key: "key"})
	want := envelope.Binding{Pending: true, Until: until}
	if got := binding.Offered(bound, until).Binding(); got != want {
		t.Errorf("%+v; want %+v", got, want)
	}
}

func TestRegistration(t *testing.T) {
	t.Run("the first key stays", func(t *testing.T) {
		bubble(t, func(t *testing.T, r *rig) {
			first := r.register()
			if again := r.register(); again.Token != first.Token {
				t.Error("the same key twice got two tokens")
			}
			challenge, _ := r.Offer(t.Context(), r.id)
			if _, err := r.Register(t.Context(), r.id, dbsctest.NewDevice().Register(challenge)); !errors.Is(err, binding.ErrTaken) {
				t.Errorf("another key: %v", err)
			}
			r.refresh(first.Challenge, nil)
		})
	})
	t.Run("the offer ends", func(t *testing.T) {
		bubble(t, func(t *testing.T, r *rig) {
			challenge, _ := r.Offer(t.Context(), r.id)
			time.Sleep(time.Minute)
			if _, err := r.Register(t.Context(), r.id, r.device.Register(challenge)); !errors.Is(err, binding.ErrNotOffered) {
				t.Error(err)
			}
		})
	})
	t.Run("needs the challenge of its session", func(t *testing.T) {
		bubble(t, func(t *testing.T, r *rig) {
			other := newRig(t)
			challenge, _ := other.Offer(t.Context(), other.id)
			for _, c := range []string{challenge, other.register().Challenge, "guess"} {
				if _, err := r.Register(t.Context(), r.id, r.device.Register(c)); !errors.Is(err, binding.ErrChallenge) {
					t.Errorf("%.10s: %v", c, err)
				}
			}
		})
	})
}

func TestChallenges(t *testing.T) {
	t.Run("count once, and the same proof gets the same token for a while", func(t *testing.T) {
		bubble(t, func(t *testing.T, r *rig) {
			first := r.register()
			second := r.refresh(first.Challenge, nil)
			if again := r.refresh(first.Challenge, nil); again.Token != second.Token {
				t.Error("one proof got two tokens")
			}
			time.Sleep(half)
			again := r.refresh(first.Challenge, binding.ErrChallenge)
			r.refresh(second.Challenge, nil)
			r.refresh(again.Challenge, nil)
			r.refresh(first.Challenge, binding.ErrChallenge) // two refreshes ago
		})
	})
	t.Run("are for one endpoint", func(t *testing.T) {
		bubble(t, func(t *testing.T, r *rig) {
			r.register()
			offered, _ := r.Offer(t.Context(), r.id)
			r.refresh(offered, binding.ErrChallenge)
		})
	})
	t.Run("are for one session", func(t *testing.T) {
		bubble(t, func(t *testing.T, r *rig) {
			other := newRig(t)
			r.register()
			r.refresh(other.register().Challenge, binding.ErrChallenge)
		})
	})
	t.Run("end", func(t *testing.T) {
		bubble(t, func(t *testing.T, r *rig) {
			first := r.register()
			time.Sleep(interval + 5*time.Minute)
			second := r.refresh(first.Challenge, nil)
			time.Sleep(interval + 5*time.Minute + 1)
			third := r.refresh(second.Challenge, binding.ErrChallenge)
			r.refresh(third.Challenge, nil)
		})
	})
	t.Run("are what a refresh without a proof gets", func(t *testing.T) {
		bubble(t, func(t *testing.T, r *rig) {
			before := r.register().Token
			asked, err := r.Refresh(t.Context(), r.id, "")
			if !errors.Is(err, binding.ErrChallenge) {
				t.Fatal(err)
			}
			r.serves(true, before)
			r.refresh(asked.Challenge, nil)
		})
	})
}

// A refresh finds the session that a renewed one goes on as, and extends nothing.
func TestRefreshOfARenewedSession(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		first := r.register()
		old, was := r.id, r.stored()
		r.id += "2"
		next := records.Follow(was)
		next.Expires = was.Expires
		next.EncodeAfter(nil, new(envelope.Entries), nil)
		r.save(next, 0)
		renewed := r.id
		r.id = old
		r.save(records.Tombstone(was, renewed, false), was.Version)

		time.Sleep(time.Minute)
		second := r.refresh(first.Challenge, nil)
		if second.ID != old || second.PublicID != renewed {
			t.Errorf("%+v", second)
		}
		r.id = renewed
		r.serves(true, second.Token)
		if now := r.stored(); now.Seen != next.Seen || now.Expires != next.Expires {
			t.Errorf("the refresh has extended the session: %v, %v", now.Seen, now.Expires)
		}
	})
}

func TestRefreshOfASessionThatHasEnded(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		first := r.register()
		was := r.stored()
		r.save(records.Tombstone(was, "", true), was.Version)
		r.refresh(first.Challenge, records.ErrEnded)
		if now := r.stored(); !now.Tombstone {
			t.Error("the session is back")
		}
		if _, err := r.Refresh(t.Context(), "absent", ""); !errors.Is(err, records.ErrEnded) {
			t.Error(err)
		}
	})
}
