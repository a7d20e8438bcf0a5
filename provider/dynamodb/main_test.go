package dynamodb_test

import (
	"context"
	"crypto/rand"
	"math/big"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	dynamodbprovider "github.com/holdfast-go/holdfast/provider/dynamodb"
)

func TestMain(m *testing.M) { testserver.Main(m) }

// Credentials that no error may tell.
const (
	secretKey    = "SECRETKEY"
	sessionToken = "SESSIONTOKEN"
)

// transport keeps a connection for each goroutine of a race.
var transport = &http.Transport{MaxIdleConnsPerHost: 64}

// A fixture is a provider, its table on a real server, and the wire in between.
type fixture struct {
	*dynamodbprovider.Provider
	table  string
	wire   *wire
	client *dynamodb.Client // not through the wire
}

// newFixture returns a provider with a table of its own.
func newFixture(t *testing.T, opts ...dynamodbprovider.Option) *fixture {
	t.Helper()
	f := newFixtureWithoutTable(t, opts...)
	if err := f.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.wire.reset()
	return f
}

func newFixtureWithoutTable(t *testing.T, opts ...dynamodbprovider.Option) *fixture {
	t.Helper()
	f := &fixture{table: "holdfast-" + rand.Text(), wire: &wire{}, client: newClient(t, transport)}
	f.Provider = dynamodbprovider.New(newClient(t, f.wire), f.table, opts...)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_, _ = f.client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &f.table})
	})
	return f
}

// over returns a provider of the same table over another transport.
func (f *fixture) over(t *testing.T, transport http.RoundTripper) *dynamodbprovider.Provider {
	t.Helper()
	return dynamodbprovider.New(newClient(t, transport), f.table)
}

func newClient(t *testing.T, transport http.RoundTripper) *dynamodb.Client {
	t.Helper()
	return dynamodb.New(dynamodb.Options{
		BaseEndpoint: aws.String(testserver.SharedDynamoDB(t)),
		Region:       "local",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: secretKey, SessionToken: sessionToken}, nil
		}),
		HTTPClient: &http.Client{Transport: transport},
		Retryer:    retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Millisecond }),
	})
}

type item = map[string]types.AttributeValue

func text(s string) types.AttributeValue   { return &types.AttributeValueMemberS{Value: s} }
func number(s string) types.AttributeValue { return &types.AttributeValueMemberN{Value: s} }

// put writes an item past the provider.
func (f *fixture) put(t *testing.T, it item) {
	t.Helper()
	if _, err := f.client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &f.table, Item: it}); err != nil {
		t.Fatal(err)
	}
}

// get reads an item past the provider; nil if there is none.
func (f *fixture) get(t *testing.T, key string) item {
	t.Helper()
	out, err := f.client.GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: &f.table, Key: item{"id": text(key)}, ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Item
}

// save wants rec to be saved.
func (f *fixture) save(t *testing.T, rec *provider.Record, expectVersion int64) {
	t.Helper()
	if err := f.Save(t.Context(), rec, expectVersion); err != nil {
		t.Fatalf("Save: %v", err)
	}
}

// newRecord returns a record that is not stored.
func newRecord() *provider.Record {
	return &provider.Record{
		ID:        "ID-" + rand.Text(),
		Version:   newVersion(),
		ExpiresAt: time.Now().Add(time.Hour).Truncate(time.Millisecond),
		Format:    "test",
		Data:      []byte("DATA-" + rand.Text()),
	}
}

// successor returns a record to be saved in place of rec.
func successor(rec *provider.Record) *provider.Record {
	next := rec.Clone()
	next.Version = newVersion()
	next.Data = []byte("DATA-" + rand.Text())
	return next
}

func newVersion() int64 {
	n, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		panic(err)
	}
	return 1 + n.Int64()
}
