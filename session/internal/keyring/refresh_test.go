package keyring_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session/internal/keyring"
)

// failFetch makes the instance's reads fail while *down.
func failFetch(in *instance, down *bool) {
	in.store.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
		if *down {
			return nil, errDown
		}
		return next(ctx, id)
	}
}

func TestFailedRefreshIsLoggedAndNotTriedFor10Seconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInstance(memory.New())
		down := false
		failFetch(in, &down)
		put(t, in.store.Provider, 0)
		snap := mustVerify(t, in)
		elapse(5 * time.Minute)
		down = true
		uses := []func() *keyring.Snapshot{
			func() *keyring.Snapshot { return mustVerify(t, in) },
			func() *keyring.Snapshot { s, _ := mustSign(t, in); return s },
			func() *keyring.Snapshot { return in.Refresh(t.Context(), snap) },
		}
		for i, use := range uses {
			for _, other := range uses {
				if use() != snap || other() != snap {
					t.Error("the old snapshot does not go on")
				}
			}
			wantTrips(t, in, int64(2+i))
			wantLog(t, in, errDown.Error())
			in.log.Reset()
			elapse(10*time.Second - 1)
			use()
			wantTrips(t, in, int64(2+i))
			elapse(1)
		}
		down = false
		mustVerify(t, in)
		elapse(4 * time.Minute)
		mustVerify(t, in)
		wantTrips(t, in, 5)
	})
}

func TestOutageIsAnErrorWhereThereIsNoSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInstance(memory.New())
		down := true
		failFetch(in, &down)
		if _, err := in.Verifying(t.Context()); !errors.Is(err, errDown) {
			t.Errorf("Verifying: %v, want the provider's error", err)
		}
		if _, _, err := in.Signing(t.Context()); !errors.Is(err, errDown) {
			t.Errorf("Signing: %v, want the provider's error", err)
		}
		wantLog(t, in, errDown.Error())
		down = false
		mustSign(t, in) // at once
	})
}

// Without keys a forged cookie looks like a visitor's, so neither may cost a storage
// trip each while the store fails.
func TestFailingStoreIsTriedLessAndLessWhereThereIsNoSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInstance(memory.New())
		down := true
		failFetch(in, &down)
		began := time.Now()
		var tried []time.Duration
		for trips := int64(0); time.Since(began) < 40*time.Second; elapse(time.Second / 10) {
			for range 10 {
				if _, err := in.Verifying(t.Context()); !errors.Is(err, errDown) {
					t.Fatalf("Verifying: %v, want the provider's error", err)
				}
			}
			if n := in.store.Trips(); n != trips {
				tried, trips = append(tried, time.Since(began)), n
			}
		}
		if got := fmt.Sprint(tried); got != "[0s 1s 2s 4s 8s 16s 26s 36s]" {
			t.Errorf("tried at %v", got)
		}

		trips := in.store.Trips()
		down = false
		mustSign(t, in) // is not held up, and what it finds is everyone's
		mustVerify(t, in)
		wantTrips(t, in, trips+2)
	})
}

func TestVisitorsWaitASecondForAStoreThatFailedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInstance(memory.New())
		put(t, in.store.Provider, 0)
		down := true
		failFetch(in, &down)
		if _, err := in.Verifying(t.Context()); !errors.Is(err, errDown) {
			t.Errorf("Verifying: %v, want the provider's error", err)
		}
		down = false
		elapse(time.Second)
		mustVerify(t, in)
	})
}

// A key that has been succeeded is pruned in the end, and an instance whose
// snapshot lacks the successor must not go on handing out cookies of it.
func TestSnapshotOlderThanTheLeadIsNotUsedDuringARefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := memory.New()
		in := newInstance(base)
		put(t, base, 0)
		mustVerify(t, in)
		down := true
		in.store.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
			elapse(time.Second)
			if down {
				return nil, errDown
			}
			return next(ctx, id)
		}
		elapse(10 * time.Minute)
		mustVerify(t, in) // fails, which makes the snapshot no younger
		elapse(5 * time.Minute)
		down = false
		keys := put(t, base, -time.Hour, -2*time.Hour)
		go in.Verifying(t.Context())
		synctest.Wait()
		if _, key := mustSign(t, in); !same(key, keys[0]) {
			t.Error("signed with what the snapshot had")
		}
		wantTrips(t, in, 3)
	})
}

// At Lead it is too old, and a moment before it is not.
func TestSnapshotOfExactlyTheLead(t *testing.T) {
	for age, used := range map[time.Duration]bool{keyring.Lead - 1: true, keyring.Lead: false} {
		t.Run(age.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				base := memory.New()
				in := newInstance(base)
				put(t, base, 0)
				_, before := mustSign(t, in)
				keys := put(t, base, -time.Hour, -2*time.Hour)
				in.store.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
					elapse(time.Second)
					return next(ctx, id)
				}
				elapse(age)
				go in.Verifying(t.Context())
				synctest.Wait()
				_, key := mustSign(t, in)
				if want := map[bool]keyring.Key{true: before, false: keys[0]}[used]; !same(key, want) {
					t.Errorf("signed with what the snapshot had: %t, want %t", same(key, before), used)
				}
				elapse(2 * time.Second) // the refresh is over
			})
		})
	}
}

func TestVisitorWhoHangsUpFailsNoRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInstance(memory.New())
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, _, err := in.Signing(ctx); err != nil {
			t.Errorf("Signing: %v", err)
		}
		if keys := storedKeys(t, in.store.Provider); len(keys) != 1 {
			t.Errorf("stored: %v, want a ring", keys)
		}
	})
}

func TestTimeoutBoundsTheStorageCallsTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInstance(memory.New())
		in.store.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
			if in.store.Saves.Load() > 0 {
				<-ctx.Done()
			}
			return next(ctx, id)
		}
		in.store.OnSave = func(ctx context.Context, _ *provider.Record, _ int64, _ storetest.SaveFunc) error {
			<-ctx.Done()
			return ctx.Err()
		}
		began := time.Now()
		if _, _, err := in.Signing(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Signing: %v, want a timeout", err)
		}
		if d := time.Since(began); d > timeout {
			t.Errorf("took %v, want at most %v", d, timeout)
		}
	})
}

func TestSaveLeavesTimeToReadBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInstance(memory.New())
		in.store.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
			if err := next(ctx, rec, expect); err != nil {
				return err
			}
			<-ctx.Done() // the answer never comes
			return ctx.Err()
		}
		began := time.Now()
		_, key := mustSign(t, in)
		if d := time.Since(began); d > timeout/2 {
			t.Errorf("took %v, want at most %v", d, timeout/2)
		}
		if keys := storedKeys(t, in.store.Provider); len(keys) != 1 || !same(keys[0], key) {
			t.Errorf("stored: %v, want the key that signs", keys)
		}
	})
}

// What is certainly not saved is not read back, and sent again only if that may help.
func TestNothingIsReadBackOfWhatWasNotSaved(t *testing.T) {
	for err, saves := range map[error]int64{provider.ErrNotSaved: 4, provider.ErrRefused: 1} {
		in := newInstance(memory.New())
		in.store.OnSave = func(context.Context, *provider.Record, int64, storetest.SaveFunc) error { return err }
		if _, _, got := in.Signing(t.Context()); !errors.Is(got, err) {
			t.Errorf("got error %v, want %v", got, err)
		}
		if n := in.store.Saves.Load(); n != saves {
			t.Errorf("%v: %d saves, want %d", err, n, saves)
		}
		if n := in.store.Fetches.Load(); n != 1 {
			t.Errorf("%v: %d fetches, want 1", err, n)
		}
	}
}

// A save's outcome may be unknown. Whatever became of it, a key signs only when
// it has been seen in the store.
func TestKeyOfUnconfirmedPublicationNeverSigns(t *testing.T) {
	lost := func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
		next(ctx, rec, expect)
		return errDown
	}
	dropped := func(context.Context, *provider.Record, int64, storetest.SaveFunc) error { return errDown }
	landed := func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
		return next(ctx, rec, expect)
	}
	type save = func(context.Context, *provider.Record, int64, storetest.SaveFunc) error
	for _, c := range []struct {
		name     string
		saves    []save // one after the other
		readBack error
		err      error
	}{
		{"acknowledged", []save{landed}, nil, nil},
		{"landed, acknowledgement lost: read back", []save{lost}, nil, nil},
		{"dropped: sent again", []save{dropped, landed}, nil, nil},
		{"dropped, then acknowledgement lost", []save{dropped, lost}, nil, nil},
		{"dropped again and again", []save{dropped, dropped, dropped, dropped}, nil, errDown},
		{"landed, not readable back", []save{lost}, errDown, errDown},
		{"dropped, not readable back", []save{dropped}, errDown, errDown},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, rotate := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) {
					in := newInstance(memory.New())
					var before []keyring.Key
					if rotate {
						before = put(t, in.store.Provider, -rotation)
					}
					var sent []provider.Record
					in.store.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
						sent = append(sent, *rec)
						return c.saves[len(sent)-1](ctx, rec, expect, next)
					}
					in.store.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
						if len(sent) > 0 && c.readBack != nil {
							return nil, c.readBack
						}
						return next(ctx, id)
					}
					snap, _, err := in.Signing(t.Context())

					switch {
					case rotate && err != nil:
						t.Fatalf("Signing: %v, want the old keys", err)
					case !rotate && !errors.Is(err, c.err):
						t.Fatalf("Signing: %v, want %v", err, c.err)
					case c.err != nil:
						wantLog(t, in, c.err.Error())
						if rotate && !slices.EqualFunc(snap.Keys, before, same) {
							t.Errorf("ring: %v, want the old one", snap.Keys)
						}
					case !slices.EqualFunc(snap.Keys, storedKeys(t, in.store.Provider), same):
						t.Errorf("ring: %v, want the stored one", snap.Keys)
					case len(snap.Keys) != len(before)+1:
						t.Errorf("ring: %d keys, want one more than %d", len(snap.Keys), len(before))
					}
					if len(sent) != len(c.saves) {
						t.Errorf("saves: %d, want %d", len(sent), len(c.saves))
					}
					for _, rec := range sent {
						if rec.Version != sent[0].Version || !bytes.Equal(rec.Data, sent[0].Data) {
							t.Error("what was sent again was not identical")
						}
					}
				})
			}
		})
	}
}

func TestLateSaveIsTakenOnceItIsSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInstance(memory.New())
		var late func() error
		in.store.OnSave = func(_ context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
			late = func() error { return next(context.Background(), rec, expect) }
			return errDown
		}
		if _, _, err := in.Signing(t.Context()); !errors.Is(err, errDown) {
			t.Fatalf("Signing: %v, want %v", err, errDown)
		}
		if err := late(); err != nil {
			t.Fatal(err)
		}
		if _, key := mustSign(t, in); !same(key, storedKeys(t, in.store.Provider)[0]) {
			t.Error("signed with another key than the stored one")
		}
	})
}

func TestConflictOfUnreadableWinnerIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInstance(memory.New())
		in.store.OnSave = func(context.Context, *provider.Record, int64, storetest.SaveFunc) error {
			return &provider.ConflictError{Current: &provider.Record{ID: ringID, Version: 9, Format: "cbor"}}
		}
		if _, _, err := in.Signing(t.Context()); !errors.Is(err, keyring.ErrUnreadable) {
			t.Errorf("Signing: %v, want ErrUnreadable", err)
		}
	})
}

func TestUnreadableRingIsAnErrorAndNeverOverwritten(t *testing.T) {
	good := keyring.Encode([]keyring.Key{{Secret: make([]byte, 32), From: time.UnixMilli(1)}})
	for _, c := range []struct {
		name, format string
		data         []byte
	}{
		{"foreign format", "cbor", good},
		{"damaged data", keyring.Format, good[:len(good)-1]},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in := newInstance(memory.New())
				putRecord(t, in.store.Provider, c.format, c.data)
				for range 2 {
					if _, _, err := in.Signing(t.Context()); !errors.Is(err, keyring.ErrUnreadable) {
						t.Errorf("Signing: %v, want ErrUnreadable", err)
					}
					if _, err := in.Verifying(t.Context()); !errors.Is(err, keyring.ErrUnreadable) {
						t.Errorf("Verifying: %v, want ErrUnreadable", err)
					}
				}
				wantLog(t, in, "unreadable")
				if n := in.store.Saves.Load(); n != 0 {
					t.Errorf("saves: %d, want none", n)
				}
				if rec := stored(t, in.store.Provider); rec.Format != c.format || !bytes.Equal(rec.Data, c.data) {
					t.Errorf("stored: %v, want it as it was", rec)
				}
			})
		})
	}
}

// As in a rolling upgrade to a version with another layout.
func TestRingThatBecomesUnreadableLeavesTheOldSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInstance(memory.New())
		put(t, in.store.Provider, 0)
		snap := mustVerify(t, in)
		putRecord(t, in.store.Provider, keyring.Format, []byte{2})
		elapse(5 * time.Minute)
		if other, _ := mustSign(t, in); other != snap {
			t.Error("the old snapshot does not go on")
		}
		wantLog(t, in, "unreadable")
		if n := in.store.Saves.Load(); n != 0 {
			t.Errorf("saves: %d, want none", n)
		}
	})
}

func TestRingThatCouldNotBeReadIsNotStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInstance(memory.New(), func(o *keyring.Options) { o.Rotation = 0 })
		found := put(t, in.store.Provider, lead) // a second key of this date is due
		if snap, _ := mustSign(t, in); !slices.EqualFunc(snap.Keys, found, same) {
			t.Errorf("ring: %v, want it as it was", snap.Keys)
		}
		wantLog(t, in, "out of order")
		if n := in.store.Saves.Load(); n != 0 {
			t.Errorf("saves: %d, want none", n)
		}
	})
}

func TestConflictThatBringsTheWinnerSavesAFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := memory.New()
		in := newInstance(base)
		in.store.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
			put(t, base, 0)
			return next(ctx, rec, expect)
		}
		mustSign(t, in)
		wantTrips(t, in, 2)
	})
}

func TestRingDeletedDuringTheFirstRotationIsNotResurrected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := memory.New()
		in := newInstance(base)
		put(t, base, -rotation)
		in.store.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
			if err := base.Delete(ctx, ringID); err != nil {
				return err
			}
			return next(ctx, rec, expect)
		}
		if snap := mustVerify(t, in); snap != nil {
			t.Errorf("Verifying: %v, want nil", snap)
		}
		if rec := stored(t, base); rec != nil {
			t.Errorf("stored: %v, want nothing", rec)
		}
	})
}

func TestNoSecretIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInstance(memory.New())
		put(t, in.store.Provider, 2*time.Hour) // dated ahead: logged
		mustSign(t, in)
		wantLog(t, in, "ahead")
		if s := in.log.String(); strings.Contains(s, "\x01\x01") || strings.Contains(s, "[1 1") || strings.Contains(s, "0101") {
			t.Errorf("log: %q", s)
		}
	})
}
