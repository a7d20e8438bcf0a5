package dynamodb_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"github.com/holdfast-go/holdfast/provider"
)

// discreet wants an error that says something and does not tell secrets.
func discreet(t *testing.T, err error, says string, secrets ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("got no error, want one that says %q", says)
		return
	}
	text := fmt.Sprintf("%v %+v", err, err)
	if !strings.HasPrefix(text, "dynamodb: ") {
		t.Errorf("the error does not begin with the package's name: %v", err)
	}
	if !strings.Contains(text, says) {
		t.Errorf("the error does not say %q: %v", says, err)
	}
	for _, secret := range append(secrets, secretKey, sessionToken) {
		if strings.Contains(text, secret) {
			t.Errorf("the error tells %q: %v", secret, err)
		}
	}
}

func TestServerErrors(t *testing.T) {
	f := newFixture(t)
	const id, message = "some ID", "the server's words"
	for _, c := range []struct {
		rule                string
		status              int
		code, message, says string
	}{
		{"what is denied is said, and by whom", 400, "AccessDeniedException", message, message},
		{"the policy is documented", 400, "AccessDeniedException", "", "IAM policy"},
		{"how to create a table is said", 400, "ResourceNotFoundException", message, "CreateTable"},
		{"the primary key is said", 400, "ValidationException", "The provided key element does not match the schema", `string attribute "id"`},
		{"a failure is quoted", 500, "InternalServerError", message, message},
		{"the request's ID is for the support", 500, "InternalServerError", "", "REQUESTID"},
		{"the table is named", 500, "InternalServerError", "", f.table},
		{"what is not valid may be quoted by the server", 400, "ValidationException", "not valid: " + id + " DATA", "ValidationException"},
		{"so may be what is not known", 400, "NewException", id + " DATA", "NewException"},
		{"a signature's error may quote the token", 400, "InvalidSignatureException", "x-amz-security-token:" + sessionToken, "InvalidSignatureException"},
	} {
		for _, v := range verbs {
			t.Run(c.rule+"/"+v.name, func(t *testing.T) {
				f.wire.set(refusing(always, c.status, c.code, c.message))
				err := v.call(t.Context(), f)
				discreet(t, err, c.says, id, "DATA")
				discreet(t, err, v.operation)
				if errors.Is(err, provider.ErrVersionConflict) || errors.Is(err, provider.ErrNotFound) || errors.Is(err, provider.ErrTooLarge) {
					t.Errorf("got %v", err)
				}
				if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorCode() != c.code {
					t.Errorf("the SDK's error is not in %v", err)
				}
			})
		}
	}
}

func TestNetworkErrors(t *testing.T) {
	f := newFixture(t)
	for _, v := range verbs {
		t.Run(v.name, func(t *testing.T) {
			f.wire.set(cutBefore)
			err := v.call(t.Context(), f)
			discreet(t, err, "connection reset", "some ID", "DATA")
			if !errors.Is(err, errCut) {
				t.Errorf("the transport's error is not in %v", err)
			}
		})
	}
}

func TestTableIsMissing(t *testing.T) {
	f := newFixtureWithoutTable(t)
	for _, v := range verbs {
		t.Run(v.name, func(t *testing.T) {
			f.wire.reset()
			discreet(t, v.call(t.Context(), f), "create it with CreateTable", "some ID", "DATA")
			f.carried(t, v.operation)
		})
	}
}

// A black hole answers nothing. The context ends the wait.
func TestBlackHole(t *testing.T) {
	f := newFixture(t)
	hole := func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	f.Provider = f.over(t, roundTripper(hole))
	for _, v := range verbs {
		t.Run(v.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			if err := v.call(ctx, f); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want DeadlineExceeded", err)
			}
			ctx, cancel = context.WithCancel(t.Context())
			time.AfterFunc(10*time.Millisecond, cancel)
			if err := v.call(ctx, f); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want Canceled", err)
			}
		})
	}
}

// The end of the context may show as an error of the connection.
func TestTimeoutInTheAnswer(t *testing.T) {
	f := newFixture(t)
	f.Provider = f.over(t, roundTripper(func(r *http.Request) (*http.Response, error) {
		resp := answer(http.StatusOK, "", "")
		resp.Body = io.NopCloser(reader(func([]byte) (int, error) {
			<-r.Context().Done()
			return 0, os.ErrDeadlineExceeded
		}))
		return resp, nil
	}))
	for _, v := range verbs {
		t.Run(v.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			err := v.call(ctx, f)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want DeadlineExceeded", err)
			}
			discreet(t, err, "deadline exceeded")
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type reader func([]byte) (int, error)

func (f reader) Read(p []byte) (int, error) { return f(p) }
