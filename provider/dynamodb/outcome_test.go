package dynamodb_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	dynamodbprovider "github.com/holdfast-go/holdfast/provider/dynamodb"
)

// An outcome is how certain an error is.
type outcome struct{ notSaved, refused bool }

var (
	inDoubt  = outcome{}
	notSaved = outcome{notSaved: true}
	refused  = outcome{notSaved: true, refused: true}
)

// ends wants writes to end with an error of that outcome.
func ends(ctx context.Context, t *testing.T, p provider.Provider, want outcome) {
	t.Helper()
	for _, v := range verbs[2:] {
		err := v.call(ctx, p)
		got := outcome{errors.Is(err, provider.ErrNotSaved), errors.Is(err, provider.ErrRefused)}
		if err == nil || got != want {
			t.Errorf("%s: got %+v, want %+v: %v", v.name, got, want, err)
		}
	}
}

// An answer below 500 is of a request that was not carried out.
func TestAnswersAreRefusals(t *testing.T) {
	f := newFixture(t)
	for _, c := range []struct {
		status int
		code   string
		want   outcome
	}{
		{400, "ProvisionedThroughputExceededException", refused},
		{400, "ThrottlingException", refused},
		{400, "AccessDeniedException", refused},
		{400, "ResourceNotFoundException", refused},
		{400, "ValidationException", refused},
		{400, "ReplicatedWriteConflictException", refused},
		{413, "", inDoubt}, // a proxy's
		{500, "InternalServerError", inDoubt},
		{503, "ServiceUnavailable", inDoubt},
		{504, "", inDoubt},
	} {
		t.Run(c.code, func(t *testing.T) {
			f.wire.set(refusing(always, c.status, c.code, "the server's words"))
			if c.code == "" {
				f.wire.set(func(int, func() (*http.Response, error)) (*http.Response, error) {
					resp := answer(c.status, "", "")
					resp.Body = io.NopCloser(http.NoBody)
					return resp, nil
				})
			}
			ends(t.Context(), t, f, c.want)
		})
	}
	t.Run("a missing table", func(t *testing.T) {
		ends(t.Context(), t, newFixtureWithoutTable(t), refused)
	})
}

// What was not sent has certainly not been saved; what may have been sent is in doubt.
func TestNotSaved(t *testing.T) {
	f := newFixture(t)
	for name, test := range map[string]struct {
		options func(t *testing.T, o *dynamodb.Options)
		want    outcome
	}{
		"a closed port": {func(t *testing.T, o *dynamodb.Options) {
			o.BaseEndpoint = aws.String("http://" + testserver.FreeAddr(t))
		}, notSaved},
		"no such host": {func(_ *testing.T, o *dynamodb.Options) {
			o.HTTPClient = &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
			}}}
		}, notSaved},
		"a proxy that is down": {func(t *testing.T, o *dynamodb.Options) {
			proxy, _ := http.NewRequest(http.MethodGet, "http://"+testserver.FreeAddr(t), nil)
			o.HTTPClient = &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy.URL)}}
		}, notSaved},
		"a certificate of nobody": {func(t *testing.T, o *dynamodb.Options) {
			server := httptest.NewUnstartedServer(http.NotFoundHandler())
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.StartTLS()
			t.Cleanup(server.Close)
			o.BaseEndpoint = aws.String(server.URL)
			o.HTTPClient = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: x509.NewCertPool()}}}
		}, notSaved},
		"no credentials": {func(_ *testing.T, o *dynamodb.Options) {
			o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{}, errors.New("no credentials")
			})
		}, refused},
		"a connection that is cut": {func(_ *testing.T, o *dynamodb.Options) {
			o.HTTPClient = &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) { return nil, errCut })}
		}, inDoubt},
		"throttled, and then cut": {func(_ *testing.T, o *dynamodb.Options) {
			attempts := 0
			o.HTTPClient = &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
				if attempts++; attempts%2 == 1 {
					return answer(400, throttles[0], ""), nil
				}
				return nil, errCut
			})}
		}, inDoubt},
		"throttled, and then no connection": {func(t *testing.T, o *dynamodb.Options) {
			attempts, closed := 0, testserver.FreeAddr(t)
			o.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				if attempts++; attempts%2 == 0 {
					r.URL.Host = closed
					return transport.RoundTrip(r)
				}
				resp, err := transport.RoundTrip(r) // by which there is a connection
				if err == nil {
					resp.Body.Close()
				}
				return answer(400, throttles[0], ""), nil
			})}
		}, notSaved},
		"an HTTP client that tries twice": {func(t *testing.T, o *dynamodb.Options) {
			closed := testserver.FreeAddr(t)
			o.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				resp, err := transport.RoundTrip(r)
				if err == nil {
					resp.Body.Close() // the answer is lost
				}
				again := r.Clone(r.Context())
				again.URL.Host = closed
				return transport.RoundTrip(again)
			})}
		}, inDoubt},
	} {
		t.Run(name, func(t *testing.T) {
			client := dynamodb.New(newClient(t, transport).Options(), func(o *dynamodb.Options) { test.options(t, o) })
			ends(t.Context(), t, dynamodbprovider.New(client, f.table), test.want)
		})
	}
}

// The time is over before there is a connection, or after.
func TestOutOfTime(t *testing.T) {
	f := newFixture(t)
	for name, test := range map[string]struct {
		transport http.RoundTripper
		want      outcome
	}{
		"while dialing": {&http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, &net.OpError{Op: "dial", Err: ctx.Err()}
		}}, refused},
		"while waiting for the answer": {roundTripper(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}), inDoubt},
	} {
		t.Run(name, func(t *testing.T) {
			for _, v := range verbs[2:] {
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second) // enough to get there on a busy machine
				err := v.call(ctx, f.over(t, test.transport))
				cancel()
				got := outcome{errors.Is(err, provider.ErrNotSaved), errors.Is(err, provider.ErrRefused)}
				if got != test.want || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s: got %+v, want %+v: %v", v.name, got, test.want, err)
				}
			}
		})
	}
}

// A Client that is not the SDK's own may not call the options of a call, so that it is
// not known whether anything was sent.
func TestForeignClientIsInDoubt(t *testing.T) {
	ends(t.Context(), t, dynamodbprovider.New(foreign{}, "table"), inDoubt)
}

type foreign struct{ dynamodbprovider.Client }

func (foreign) PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	return nil, errCut
}

func (foreign) DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error) {
	return nil, errCut
}
