package dynamodb_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/holdfast-go/holdfast/provider"
	dynamodbprovider "github.com/holdfast-go/holdfast/provider/dynamodb"
)

func save(ctx context.Context, p provider.Provider) error { return p.Save(ctx, newRecord(), 0) }

func saveExpired(ctx context.Context, p provider.Provider) error {
	rec := newRecord()
	rec.ExpiresAt = time.Unix(1, 0)
	return p.Save(ctx, rec, 0)
}

func remove(ctx context.Context, p provider.Provider) error { return p.Delete(ctx, "some ID") }

func fetch(ctx context.Context, p provider.Provider) error {
	_, err := p.Fetch(ctx, "some ID")
	if errors.Is(err, provider.ErrNotFound) {
		return nil
	}
	return err
}

func list(ctx context.Context, p provider.Provider) error {
	for _, err := range provider.List(ctx, p, "") {
		if err != nil {
			return err
		}
	}
	return nil
}

// verbs are calls that succeed unless the wire is at fault: reads and then writes.
var verbs = []struct {
	name, operation string
	call            func(context.Context, provider.Provider) error
}{
	{"Fetch", "GetItem", fetch},
	{"List", "Scan", list},
	{"Save", "PutItem", save},
	{"Save of what has expired", "DeleteItem", saveExpired},
	{"Delete", "DeleteItem", remove},
}

// A write of unknown outcome may land late. Made again, it could land twice, over
// what others have written in between.
func TestWritesOfUnknownOutcomeAreNotRepeated(t *testing.T) {
	f := newFixture(t)
	for fault, do := range map[string]fault{
		"cut before":  cutBefore,
		"cut after":   cutAfter,
		"failure":     refusing(always, http.StatusInternalServerError, "InternalServerError", "Internal server error"),
		"unavailable": refusing(always, http.StatusServiceUnavailable, "ServiceUnavailable", ""),
	} {
		for _, v := range verbs[2:] {
			t.Run(v.name+"/"+fault, func(t *testing.T) {
				f.wire.set(do)
				err := v.call(t.Context(), f)
				if err == nil || errors.Is(err, provider.ErrVersionConflict) {
					t.Errorf("got %v, want an unknown outcome", err)
				}
				f.carried(t, v.operation)
			})
		}
	}
}

func TestReadsAreRepeated(t *testing.T) {
	f := newFixture(t)
	f.wire.set(func(n int, send func() (*http.Response, error)) (*http.Response, error) {
		if n < 3 {
			return cutAfter(n, send)
		}
		return send()
	})
	if err := fetch(t.Context(), f); err != nil {
		t.Error(err)
	}
	f.carried(t, "GetItem", "GetItem", "GetItem")
}

var throttles = []string{"ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"}

func TestThrottledRequestsAreRepeated(t *testing.T) {
	f := newFixture(t)
	for _, code := range throttles {
		for _, v := range verbs {
			t.Run(v.name+"/"+code, func(t *testing.T) {
				f.wire.set(refusing(2, http.StatusBadRequest, code, "too much"))
				if err := v.call(t.Context(), f); err != nil {
					t.Error(err)
				}
				f.carried(t, v.operation, v.operation, v.operation)
			})
		}
	}
}

func TestThrottledInTheEnd(t *testing.T) {
	f := newFixture(t)
	for _, code := range throttles {
		for _, v := range verbs {
			t.Run(v.name+"/"+code, func(t *testing.T) {
				f.wire.set(refusing(always, http.StatusBadRequest, code, "the server's words"))
				err := v.call(t.Context(), f)
				discreet(t, err, "throttled", "some ID")
				discreet(t, err, "the server's words", "some ID")
				f.carried(t, v.operation, v.operation, v.operation)
			})
		}
	}
	f.wire.set(refusing(always, http.StatusBadRequest, throttles[0], ""))
	err := save(t.Context(), f)
	if _, ok := errors.AsType[*types.ProvisionedThroughputExceededException](err); !ok {
		t.Errorf("the SDK's error is not in %v", err)
	}
}

// A throttled attempt does not make the next one safe.
func TestCutAfterThrottle(t *testing.T) {
	f := newFixture(t)
	f.wire.set(func(n int, send func() (*http.Response, error)) (*http.Response, error) {
		if n == 1 {
			return answer(http.StatusBadRequest, throttles[0], ""), nil
		}
		return cutAfter(n, send)
	})
	if err := save(t.Context(), f); err == nil {
		t.Error("got no error")
	}
	f.carried(t, "PutItem", "PutItem")
}

// The SDK learns the server's time from its answer.
func TestAWrongClockIsRepeated(t *testing.T) {
	for _, code := range []string{"InvalidSignatureException", "RequestTimeTooSkewed", "AccessDeniedException"} {
		t.Run(code, func(t *testing.T) {
			f := newFixture(t)
			f.wire.set(func(n int, send func() (*http.Response, error)) (*http.Response, error) {
				if n > 1 {
					return send()
				}
				resp := answer(http.StatusBadRequest, code, "")
				resp.Header.Set("Date", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
				return resp, nil
			})
			if err := save(t.Context(), f); err != nil {
				t.Error(err)
			}
			f.carried(t, "PutItem", "PutItem")
		})
	}
}

func TestADeniedRequestIsNotRepeated(t *testing.T) {
	f := newFixture(t)
	for _, v := range verbs {
		t.Run(v.name, func(t *testing.T) {
			f.wire.set(refusing(always, http.StatusBadRequest, "AccessDeniedException", ""))
			if err := v.call(t.Context(), f); err == nil {
				t.Error("got no error")
			}
			f.carried(t, v.operation)
		})
	}
}

// How often and when to try again stays with the client's own Retryer.
func TestTheClientsRetryerDecides(t *testing.T) {
	f := newFixture(t)
	plain := &retryer{attempts: 2}
	f.Provider = dynamodbprovider.New(withRetryer{f.client, f.wire, plain}, f.table)
	f.wire.set(refusing(always, http.StatusBadRequest, throttles[0], ""))
	if err := save(t.Context(), f); err == nil {
		t.Error("got no error")
	}
	f.carried(t, "PutItem", "PutItem")
	if n := plain.initial.Load(); n != 2 {
		t.Errorf("it was asked for %d initial tokens, want 2", n)
	}

	adaptive := &retryerV2{retryer: retryer{attempts: 2}}
	f.Provider = dynamodbprovider.New(withRetryer{f.client, f.wire, adaptive}, f.table)
	f.wire.set(refusing(1, http.StatusBadRequest, throttles[0], ""))
	if err := save(t.Context(), f); err != nil {
		t.Error(err)
	}
	f.carried(t, "PutItem", "PutItem")
	if n := adaptive.tokens.Load(); n != 2 {
		t.Errorf("it was asked for %d attempt tokens, want 2", n)
	}
}

// withRetryer is a Client that sets its Retryer per call, before the options
// that it is given.
type withRetryer struct {
	*dynamodb.Client
	wire    *wire
	retryer aws.Retryer
}

func (c withRetryer) PutItem(ctx context.Context, in *dynamodb.PutItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	first := func(o *dynamodb.Options) {
		o.Retryer = c.retryer
		o.HTTPClient = &http.Client{Transport: c.wire}
	}
	return c.Client.PutItem(ctx, in, slices.Concat([]func(*dynamodb.Options){first}, opts)...)
}

// A retryer is one of the SDK's first kind, without GetAttemptToken.
type retryer struct {
	attempts int
	initial  atomic.Int32
}

func (r *retryer) IsErrorRetryable(error) bool                  { return true }
func (r *retryer) MaxAttempts() int                             { return r.attempts }
func (r *retryer) RetryDelay(int, error) (time.Duration, error) { return 0, nil }

func (r *retryer) GetRetryToken(context.Context, error) (func(error) error, error) {
	return func(error) error { return nil }, nil
}

func (r *retryer) GetInitialToken() func(error) error {
	r.initial.Add(1)
	return func(error) error { return nil }
}

type retryerV2 struct {
	retryer
	tokens atomic.Int32
}

func (r *retryerV2) GetAttemptToken(context.Context) (func(error) error, error) {
	r.tokens.Add(1)
	return func(error) error { return nil }, nil
}

// A Client may pass options of its own making.
func TestOptionsWithoutARetryer(t *testing.T) {
	f := newFixture(t)
	f.Provider = dynamodbprovider.New(withRetryer{f.client, f.wire, nil}, f.table)
	f.wire.set(refusing(1, http.StatusBadRequest, throttles[0], ""))
	if err := save(t.Context(), f); err != nil {
		t.Error(err)
	}
	f.carried(t, "PutItem", "PutItem")
}
