package dynamodb_test

import (
	"context"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	dynamodbprovider "github.com/holdfast-go/holdfast/provider/dynamodb"
	"github.com/holdfast-go/holdfast/session"
)

func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	httpClient := awshttp.NewBuildableClient().
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = 2 * time.Second }).
		WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = 100 })
	cfg, err := config.LoadDefaultConfig(ctx, config.WithHTTPClient(httpClient))
	if err != nil {
		log.Fatal(err)
	}
	store := dynamodbprovider.New(dynamodb.NewFromConfig(cfg), "sessions")
	if err := store.CreateTable(ctx); err != nil {
		log.Fatal(err)
	}
	sessions, err := session.New(store, session.Config{})
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe("localhost:8080", sessions.Handler(http.DefaultServeMux)))
}

// DynamoDB Local listens on port 8000.
func Example_local() {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	client := dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) {
		o.BaseEndpoint = aws.String("http://localhost:8000")
	})
	_ = dynamodbprovider.New(client, "sessions")
}

// Two apps with one table.
func ExamplePrefix() {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	client := dynamodb.NewFromConfig(cfg)
	_ = dynamodbprovider.New(client, "sessions", dynamodbprovider.Prefix("shop/"))
	_ = dynamodbprovider.New(client, "sessions", dynamodbprovider.Prefix("forum/"))
}
