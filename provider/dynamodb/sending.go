package dynamodb

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"

	"github.com/holdfast-go/holdfast/provider/internal/outcome"
)

// sending records how far a write gets: it may lack credentials, or a connection. If
// there are several attempts, all but the last were refused, so only the last one counts.
type sending struct {
	client  dynamodb.HTTPClient
	watched bool // the Client is the SDK's, and has called watch
	handed  bool // to the HTTP client

	asked, got atomic.Bool // a connection; one that does not tell has never asked
}

// watch is an option of a call.
func (s *sending) watch(o *dynamodb.Options) {
	s.client, s.watched = o.HTTPClient, o.HTTPClient != nil
	if s.watched {
		o.HTTPClient = s
	}
}

// Do implements dynamodb.HTTPClient.
func (s *sending) Do(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		s.handed = false
		return nil, err
	}
	s.handed = true
	s.asked.Store(false)
	s.got.Store(false)
	trace := &httptrace.ClientTrace{
		GetConn: func(string) { s.asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { s.got.Store(true) },
	}
	return s.client.Do(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
}

// unsent is the error of a write of which nothing was sent.
type unsent struct {
	error
	handed bool
}

func (u *unsent) Unwrap() error { return u.error }

// judge returns the error of the call. It marks the error if nothing was sent.
func (s *sending) judge(err error) error {
	if err == nil || !s.watched || s.handed && (!s.asked.Load() || s.got.Load()) {
		return err
	}
	return &unsent{err, s.handed}
}

// explainWrite is explain for a write. It marks the error if the write has certainly
// changed nothing.
func (p *Provider) explainWrite(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	explained := p.explain(ctx, err)
	unsent, ok := errors.AsType[*unsent](err)
	switch {
	case ok && unsent.handed && ctx.Err() == nil:
		return outcome.NotSaved(explained)
	case ok || refuses(err):
		return outcome.Refused(explained)
	default:
		return explained
	}
}

// refuses reports whether err is a response of DynamoDB with a status below 500, which
// means that nothing was executed. A response without a code may be a proxy's.
func refuses(err error) bool {
	answer, ok := errors.AsType[smithy.APIError](err)
	resp, _ := errors.AsType[*awshttp.ResponseError](err)
	return ok && answer.ErrorCode() != unknownCode && resp != nil && resp.HTTPStatusCode()/100 == 4
}

// unknownCode is the SDK's code for a response that has none.
const unknownCode = "UnknownError"
