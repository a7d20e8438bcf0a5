package stores

import (
	"context"
	"net"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	dynamodbprovider "github.com/holdfast-go/holdfast/provider/dynamodb"
)

// DynamoDB is provider/dynamodb on DynamoDB Local, with a table per space.
var DynamoDB = Store{
	Name:   "dynamodb",
	shared: testserver.SharedDynamoDB,
	open: func(tb testing.TB, url, space string) (provider.Provider, func(context.Context)) {
		http := awshttp.NewBuildableClient().
			WithDialerOptions(func(d *net.Dialer) { d.Timeout = patience }).
			WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = maxConns })
		client := dynamodb.New(dynamodb.Options{
			Region:       "us-east-1",
			BaseEndpoint: &url,
			Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
			HTTPClient:   http,
		})
		return dynamodbprovider.New(client, space), func(ctx context.Context) {
			client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: aws.String(space)})
		}
	},
}
