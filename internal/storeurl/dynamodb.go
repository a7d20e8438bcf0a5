package storeurl

import (
	"context"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/logging"

	dynamodbprovider "github.com/holdfast-go/holdfast/provider/dynamodb"
)

const maxDynamoDBPrefix = 1793 // bytes; see dynamodbprovider.Prefix

// openDynamoDB gets region and credentials from the usual settings of AWS programs.
// DynamoDB Local, at an endpoint, accepts any.
func openDynamoDB(ctx context.Context, storeURL string) (*Opened, error) {
	rest, prefix, _, err := cut(storeURL, "prefix")
	if err != nil || len(prefix) > maxDynamoDBPrefix {
		return nil, errURL
	}
	rest, endpoint, _, err := cut(rest, "endpoint")
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(rest)
	if err != nil || u.Host == "" || u.User != nil || u.Path != "" || u.RawQuery != "" {
		return nil, errURL
	}
	options := []func(*config.LoadOptions) error{
		config.WithLogger(logging.Nop{}), // it warns of the checksum of every refusal's body
	}
	if endpoint != "" {
		options = append(options,
			config.WithBaseEndpoint(endpoint),
			config.WithRegion("local"),
			config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("local", "local", "")))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, err
	}
	p := dynamodbprovider.New(dynamodb.NewFromConfig(cfg), u.Host, dynamodbprovider.Prefix(prefix))
	return &Opened{
		Provider: p,
		Needs:    "the table " + u.Host + " of DynamoDB",
		Close:    func() {},
		create:   p.CreateTable,
	}, nil
}
