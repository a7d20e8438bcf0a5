package nats_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	natsclient "github.com/nats-io/nats.go"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/nats"
)

// An outcome is how certain an error is.
type outcome struct{ notSaved, refused bool }

var (
	inDoubt  = outcome{}
	notSaved = outcome{notSaved: true}
	refused  = outcome{notSaved: true, refused: true}
)

// ends wants changes to end with an error of that outcome.
func ends(t *testing.T, p *nats.Provider, want outcome) {
	t.Helper()
	for name, change := range map[string]func() error{
		"create":    func() error { return p.Save(t.Context(), storetest.NewRecord(), 0) },
		"unchecked": func() error { return p.Save(t.Context(), storetest.NewRecord(), -1) },
		"delete":    func() error { return p.Delete(t.Context(), "none") },
	} {
		isOutcome(t, name, change(), want)
	}
}

func isOutcome(t *testing.T, name string, err error, want outcome) {
	t.Helper()
	got := outcome{errors.Is(err, provider.ErrNotSaved), errors.Is(err, provider.ErrRefused)}
	if err == nil || got != want || errors.Is(err, provider.ErrVersionConflict) {
		t.Errorf("%s: got %+v, want %+v: %v", name, got, want, err)
	}
}

// A message that was not sent has certainly changed nothing.
func TestUnsentIsNotSaved(t *testing.T) {
	for name, open := range map[string]func(*testing.T) *nats.Provider{
		"a closed port": func(t *testing.T) *nats.Provider { return open(t, "nats://"+testserver.FreeAddr(t)) },
		"a closed connection": func(t *testing.T) *nats.Provider {
			js := shared(t)
			js.Conn().Close()
			return nats.New(js)
		},
		"no bucket": func(t *testing.T) *nats.Provider { return nats.New(shared(t), nats.Bucket(newName())) },
	} {
		t.Run(name, func(t *testing.T) { ends(t, open(t), notSaved) })
	}
}

// An update reads first. If that fails, nothing was sent.
func TestFailedReadIsNotSaved(t *testing.T) {
	server := testserver.Nats(t)
	p := open(t, server.URL)
	create(t, p)
	rec := storetest.NewRecord()
	storetest.Save(t, p, rec, 0, nil)
	server.Freeze()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	isOutcome(t, "Save", p.Save(ctx, storetest.Next(rec), rec.Version), notSaved)
}

// A message that was sent is in doubt until the answer arrives. It may be stored after
// the call has returned.
func TestAbandonedSaveMayLandLater(t *testing.T) {
	server := testserver.Nats(t)
	p := open(t, server.URL)
	create(t, p)
	storetest.Save(t, p, storetest.NewRecord(), 0, nil)
	for _, end := range []func(context.CancelFunc){func(context.CancelFunc) {}, func(cancel context.CancelFunc) { cancel() }} {
		server.Freeze()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		time.AfterFunc(20*time.Millisecond, func() { end(cancel) })
		rec := storetest.NewRecord()
		isOutcome(t, "Save", p.Save(ctx, rec, 0), inDoubt)
		cancel()
		server.Thaw()
		storetest.Eventually(t, "stored", func() bool { _, err := p.Fetch(t.Context(), rec.ID); return err == nil })
		storetest.Save(t, p, rec, 0, nil)
		storetest.Save(t, p, storetest.Next(rec), 0, provider.ErrVersionConflict)
	}
}

// Without a deadline, a call ends though its server does not answer.
func TestCallWithoutADeadlineEnds(t *testing.T) {
	server := testserver.Nats(t)
	p := nats.New(dial(t, server.URL)) // which pings the server after two minutes
	create(t, p)
	server.Freeze()
	isOutcome(t, "Save", p.Save(context.WithoutCancel(t.Context()), storetest.NewRecord(), 0), inDoubt)
}

func TestFullBucket(t *testing.T) {
	p, js, bucket := store(t)
	stream, err := js.Stream(t.Context(), "KV_"+bucket)
	if err != nil {
		t.Fatal(err)
	}
	cfg := stream.CachedInfo().Config
	cfg.MaxBytes = 10_000
	if _, err := js.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	kept := storetest.NewRecord()
	storetest.Save(t, p, kept, 0, nil)
	for n := 0; err == nil && n < 100; n++ {
		rec := storetest.NewRecord()
		rec.Data = make([]byte, 1000)
		err = p.Save(t.Context(), rec, 0)
	}
	if !errors.Is(err, provider.ErrFull) {
		t.Errorf("got error %v, want ErrFull", err)
	}
	isOutcome(t, "Save", err, refused)
	storetest.WantRecord(t, p, kept)
}

func TestTooLarge(t *testing.T) {
	t.Run("for the server", func(t *testing.T) {
		p, _, _ := store(t)
		rec := storetest.NewRecord()
		storetest.Save(t, p, rec, 0, nil)
		large := storetest.Next(rec)
		large.Data = make([]byte, 2<<20)
		for _, expectVersion := range []int64{0, rec.Version, -1} {
			if expectVersion != 0 {
				isOutcome(t, "Save", storetest.Save(t, p, large, expectVersion, provider.ErrTooLarge), refused)
			}
		}
		large.ID = storetest.NewRecord().ID
		isOutcome(t, "Save", storetest.Save(t, p, large, 0, provider.ErrTooLarge), refused)
		storetest.WantRecord(t, p, rec)
	})
	t.Run("for the bucket", func(t *testing.T) {
		p, js, bucket := store(t)
		stream, err := js.Stream(t.Context(), "KV_"+bucket)
		if err != nil {
			t.Fatal(err)
		}
		cfg := stream.CachedInfo().Config
		cfg.MaxMsgSize = 1000
		if _, err := js.UpdateStream(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		large := storetest.NewRecord()
		large.Data = make([]byte, 2000)
		isOutcome(t, "Save", storetest.Save(t, p, large, 0, provider.ErrTooLarge), refused)
	})
	t.Run("just not", func(t *testing.T) {
		p, _, _ := store(t)
		rec := storetest.NewRecord()
		rec.Data = make([]byte, 1<<20-1000)
		storetest.Save(t, p, rec, 0, nil)
		storetest.WantRecord(t, p, rec)
	})
}

// A server's answer to a message, as a responder in its place gives it.
func TestOutcomeOfAnswers(t *testing.T) {
	for answer, want := range map[string]outcome{
		`{"error":{"code":503,"err_code":10077,"description":"maximum bytes exceeded"}}`:      refused,
		`{"error":{"code":503,"err_code":10023,"description":"insufficient resources"}}`:      refused,
		`{"error":{"code":400,"err_code":10166,"description":"per-message TTL is disabled"}}`: refused,
		`{"error":{"code":500,"err_code":1,"description":"unknown"}}`:                         refused,
		`{"stream":"OTHER","seq":1}`: inDoubt,
		`{}`:                         inDoubt,
		`+OK`:                        inDoubt,
	} {
		t.Run(answer, func(t *testing.T) {
			js, bucket := shared(t), newName()
			sub, err := js.Conn().Subscribe("$KV."+bucket+".>", func(m *natsclient.Msg) { _ = m.Respond([]byte(answer)) })
			if err != nil {
				t.Fatal(err)
			}
			defer sub.Unsubscribe()
			ends(t, nats.New(js, nats.Bucket(bucket)), want)
		})
	}
}

func TestMissingBucketSaysHowToCreateIt(t *testing.T) {
	p := nats.New(shared(t), nats.Bucket(newName()))
	rec := storetest.NewRecord()
	_, fetchErr := p.Fetch(t.Context(), rec.ID)
	_, listErr := storetest.List(t.Context(), p, "")
	for name, err := range map[string]error{"Fetch": fetchErr, "create": p.Save(t.Context(), rec, 0), "update": p.Save(t.Context(), rec, 7), "Delete": p.Delete(t.Context(), rec.ID), "List": listErr} {
		text := fmt.Sprint(err)
		if !strings.HasPrefix(text, "nats: ") || !strings.Contains(text, "CreateBucket") || strings.Contains(text, rec.ID) || strings.Contains(text, string(rec.Data)) {
			t.Errorf("%s: got error %v", name, err)
		}
		if errors.Is(err, provider.ErrNotFound) {
			t.Errorf("%s: a missing bucket is taken for a missing record", name)
		}
	}
}

func TestUnreachableServerIsNotAConflict(t *testing.T) {
	server := testserver.Nats(t, "-user", "app", "-password", "hunter2")
	url := strings.Replace(server.URL, "nats://", "nats://app:hunter2@", 1)
	p := open(t, url)
	create(t, p)
	rec := storetest.NewRecord()
	storetest.Save(t, p, rec, 0, nil)
	server.Kill()
	for range 3 {
		_, fetchErr := p.Fetch(t.Context(), rec.ID)
		for name, err := range map[string]error{"Fetch": fetchErr, "Save": p.Save(t.Context(), storetest.Next(rec), rec.Version), "Delete": p.Delete(t.Context(), rec.ID)} {
			for _, wrong := range []error{provider.ErrVersionConflict, provider.ErrNotFound, provider.ErrFull} {
				if err == nil || errors.Is(err, wrong) || strings.Contains(err.Error(), "hunter2") {
					t.Errorf("%s: got error %v", name, err)
				}
			}
		}
	}
	server.Restart()
	storetest.Eventually(t, "working again", func() bool { return p.Save(t.Context(), rec, -1) == nil })
	storetest.WantRecord(t, p, rec)

	t.Run("a wrong password", func(t *testing.T) {
		p := open(t, strings.Replace(url, "hunter2", "wrong", 1))
		var err error
		storetest.Eventually(t, "refused", func() bool {
			err = p.Save(t.Context(), storetest.NewRecord(), 0)
			isOutcome(t, "Save", err, notSaved)
			return strings.Contains(strings.ToLower(fmt.Sprint(err)), "authorization violation")
		})
		if strings.Contains(fmt.Sprint(err), "wrong") {
			t.Errorf("the error %q contains the password", err)
		}
	})
}

// A call ends when its connection is lost, long before its deadline.
func TestCallEndsWithItsConnection(t *testing.T) {
	server := testserver.Nats(t)
	p := open(t, server.URL)
	create(t, p)
	server.Freeze()
	time.AfterFunc(50*time.Millisecond, server.Kill)
	ctx, cancel := context.WithTimeout(t.Context(), storetest.Patience)
	defer cancel()
	isOutcome(t, "Save", p.Save(ctx, storetest.NewRecord(), 0), inDoubt)
	if ctx.Err() != nil {
		t.Error("the call has ended with its deadline")
	}
}
