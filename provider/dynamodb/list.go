package dynamodb

import (
	"context"
	"iter"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/paging"
)

var _ provider.Lister = (*Provider)(nil)

// List implements provider.Lister with strongly consistent Scans. Whatever the prefix,
// they read the whole table, 1 MB at a time, because a hash key has no order. See the
// package's documentation for the costs.
func (p *Provider) List(ctx context.Context, prefix string) iter.Seq2[*provider.Record, error] {
	return paging.List(ctx, "dynamodb", prefix, p.pages(ctx, prefix))
}

func (p *Provider) pages(ctx context.Context, prefix string) iter.Seq2[[]*provider.Record, error] {
	return func(yield func([]*provider.Record, error) bool) {
		scan := dynamodb.NewScanPaginator(p.client, p.scan(prefix, time.Now()))
		for scan.HasMorePages() {
			out, err := scan.NextPage(ctx)
			if err != nil {
				yield(nil, p.explain(ctx, err))
				return
			}
			if !yield(p.records(out.Items)) {
				return
			}
		}
	}
}

// scan returns the input of a Scan, which filters out records that need not be sent.
func (p *Provider) scan(prefix string, now time.Time) *dynamodb.ScanInput {
	filter := "(attribute_not_exists(expires) OR expires > :now)"
	values := item{":now": number(provider.Millis(now))}
	if prefix = p.prefix + prefix; prefix != "" {
		filter += " AND begins_with(id, :prefix)"
		values[":prefix"] = text(prefix)
	}
	return &dynamodb.ScanInput{
		TableName:                 &p.table,
		ConsistentRead:            aws.Bool(true),
		FilterExpression:          &filter,
		ExpressionAttributeValues: values,
	}
}

// records returns the records of items, without those that have expired since the request
// for the first page.
func (p *Provider) records(items []item) ([]*provider.Record, error) {
	recs := make([]*provider.Record, 0, len(items))
	for _, it := range items {
		id, ok := it[attrID].(*types.AttributeValueMemberS)
		if !ok {
			return nil, foreign(attrID)
		}
		rest := strings.TrimPrefix(id.Value, p.prefix)
		if provider.ValidateID(rest) != nil {
			continue // no record's
		}
		rec, err := record(rest, it)
		if err != nil {
			return nil, err
		}
		if !rec.Expired(time.Now()) {
			recs = append(recs, rec)
		}
	}
	return recs, nil
}
