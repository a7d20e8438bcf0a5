package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/argument"
)

// Client has the methods of the AWS SDK's *dynamodb.Client that this package calls.
// Fetch, Save and Delete need the first three, List the fourth, CreateTable the others.
type Client interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)

	DescribeTable(context.Context, *dynamodb.DescribeTableInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error)
	CreateTable(context.Context, *dynamodb.CreateTableInput, ...func(*dynamodb.Options)) (*dynamodb.CreateTableOutput, error)
	DescribeTimeToLive(context.Context, *dynamodb.DescribeTimeToLiveInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTimeToLiveOutput, error)
	UpdateTimeToLive(context.Context, *dynamodb.UpdateTimeToLiveInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateTimeToLiveOutput, error)
}

var _ Client = (*dynamodb.Client)(nil)

// Provider implements provider.Provider. Make one with New; the zero Provider cannot be
// used. It is safe for concurrent use.
type Provider struct {
	client Client
	table  string
	prefix string
}

var _ provider.Provider = (*Provider)(nil)

// Option configures a Provider in New.
type Option func(*Provider)

// maxPrefix is the number of bytes that a partition key of 2048 bytes leaves for the
// prefix.
const maxPrefix = 2048 - provider.MaxIDLength

// Prefix sets the text before every record's ID in the table. Apps that share a table
// need different prefixes, and IAM can restrict each app to its own with the condition
// dynamodb:LeadingKeys. The default is none.
//
// Prefix panics if the text is not UTF-8 or is longer than 1793 bytes.
func Prefix(prefix string) Option {
	if len(prefix) > maxPrefix || !utf8.ValidString(prefix) {
		panic("dynamodb: Prefix is too long or not UTF-8")
	}
	return func(p *Provider) { p.prefix = prefix }
}

// New returns a provider that keeps its records in a table, given by name or
// ARN. See [Provider.CreateTable] for the table. New itself does no I/O.
func New(client Client, table string, opts ...Option) *Provider {
	argument.NotNil("dynamodb: the client of New", client)
	p := &Provider{client: client, table: table}
	for _, opt := range opts {
		opt(p)
	}
	return p
}

// Fetch implements provider.Provider with a strongly consistent GetItem.
func (p *Provider) Fetch(ctx context.Context, id string) (*provider.Record, error) {
	if err := provider.ValidateID(id); err != nil {
		return nil, fmt.Errorf("dynamodb: %w", err)
	}
	out, err := p.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      &p.table,
		Key:            p.key(id),
		ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, p.explain(ctx, err)
	}
	if out.Item == nil {
		return nil, errNotFound
	}
	rec, err := record(id, out.Item)
	if err != nil {
		return nil, err
	}
	if rec.Expired(time.Now()) {
		return nil, errNotFound
	}
	return rec, nil
}

// Save implements provider.Provider with a PutItem with a condition. If rec has expired
// already, it is a DeleteItem with the same condition. A conflict with an existing record
// is a *provider.ConflictError.
func (p *Provider) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	if err := rec.Validate(expectVersion); err != nil {
		return fmt.Errorf("dynamodb: %w", err)
	}
	it := p.item(rec)
	if minSize(it) > maxSize {
		return errTooLarge
	}
	now := time.Now()
	cond := newCondition(expectVersion, now)
	var err error
	if rec.Expired(now) {
		err = p.deleteItem(ctx, rec.ID, cond)
	} else {
		err = p.putItem(ctx, it, cond)
	}
	if check, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return failed(rec, expectVersion, check.Item, now)
	}
	return p.explainWrite(ctx, err)
}

// Delete implements provider.Provider.
func (p *Provider) Delete(ctx context.Context, id string) error {
	if err := provider.ValidateID(id); err != nil {
		return fmt.Errorf("dynamodb: %w", err)
	}
	return p.explainWrite(ctx, p.deleteItem(ctx, id, condition{}))
}

func (p *Provider) putItem(ctx context.Context, it item, cond condition) error {
	var sending sending
	_, err := p.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                           &p.table,
		Item:                                it,
		ConditionExpression:                 cond.expression,
		ExpressionAttributeValues:           cond.values,
		ReturnValuesOnConditionCheckFailure: cond.onFailure,
	}, retryRefused, sending.watch)
	return sending.judge(err)
}

func (p *Provider) deleteItem(ctx context.Context, id string, cond condition) error {
	var sending sending
	_, err := p.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName:                           &p.table,
		Key:                                 p.key(id),
		ConditionExpression:                 cond.expression,
		ExpressionAttributeValues:           cond.values,
		ReturnValuesOnConditionCheckFailure: cond.onFailure,
	}, retryRefused, sending.watch)
	return sending.judge(err)
}
