package measure_test

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/holdfast-go/holdfast/internal/testserver"
	dynamodbprovider "github.com/holdfast-go/holdfast/provider/dynamodb"
)

// BenchmarkDynamoDB counts what AWS would charge and the network carry. DynamoDB
// Local takes a time that says nothing.
func BenchmarkDynamoDB(b *testing.B) {
	wire := &counter{RoundTripper: &http.Transport{MaxIdleConnsPerHost: connections}}
	p := openDynamoDB(b, wire)
	a := holdfast(b, p)
	for _, sc := range scenarios {
		b.Run("scenario="+sc.name, func(b *testing.B) {
			v := sc.visit(b, b.Context(), a)
			ask(b, v)
			wire.reset()
			sent := 0.0
			for b.Loop() {
				v.send()
				sent++
			}
			b.ReportMetric(float64(wire.trips.Load())/sent, "trips/op")
			b.ReportMetric(float64(wire.sent.Load())/sent, "sent-B/op")
			b.ReportMetric(float64(wire.received.Load())/sent, "received-B/op")
			b.ReportMetric(0, "ns/op")
			sc.confirm(b, v)
		})
	}
}

func openDynamoDB(tb testing.TB, transport http.RoundTripper) *dynamodbprovider.Provider {
	client := dynamodb.New(dynamodb.Options{
		BaseEndpoint: aws.String(testserver.SharedDynamoDB(tb)),
		Region:       "local",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		}),
		HTTPClient: &http.Client{Transport: transport},
	})
	p := dynamodbprovider.New(client, "sessions")
	if err := p.CreateTable(context.Background()); err != nil {
		tb.Fatal(err)
	}
	return p
}

// counter counts requests and the bytes of their bodies.
type counter struct {
	http.RoundTripper
	trips, sent, received atomic.Int64
}

func (c *counter) reset() {
	c.trips.Store(0)
	c.sent.Store(0)
	c.received.Store(0)
}

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	c.trips.Add(1)
	c.sent.Add(max(0, r.ContentLength))
	res, err := c.RoundTripper.RoundTrip(r)
	if err == nil {
		res.Body = &countedBody{res.Body, &c.received}
	}
	return res, err
}

type countedBody struct {
	io.ReadCloser
	n *atomic.Int64
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.n.Add(int64(n))
	return n, err
}
