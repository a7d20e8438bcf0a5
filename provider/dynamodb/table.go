package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/holdfast-go/holdfast/provider/internal/sleep"
)

// CreateTable creates the table if there is none, with on-demand capacity, waits until it
// can be used, and turns on its TTL. If there is one, CreateTable checks its primary key,
// and turns on its TTL if necessary. Several instances may call it concurrently, each
// time they start.
//
// On AWS a new table takes about ten seconds. CreateTable waits until ctx ends, and then
// returns an error.
//
// If the table exists and has TTL, CreateTable needs only the permissions to describe
// both.
func (p *Provider) CreateTable(ctx context.Context) error {
	table, err := p.usableTable(ctx)
	if err != nil {
		return err
	}
	if !hasOurKey(table) {
		return fmt.Errorf("dynamodb: the primary key of table %q is not the string attribute %q alone; that cannot be changed, use another table", p.table, attrID)
	}
	return p.enableTTL(ctx)
}

// maxPause is well below the time that AWS takes to create a table.
const maxPause = time.Second

// usableTable waits until the table can be used, and returns it.
func (p *Provider) usableTable(ctx context.Context) (*types.TableDescription, error) {
	for pause := maxPause / 64; ; pause = min(2*pause, maxPause) {
		out, err := p.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &p.table})
		if _, missing := errors.AsType[*types.ResourceNotFoundException](err); missing {
			err = p.createTable(ctx)
		} else if err == nil {
			switch out.Table.TableStatus {
			case types.TableStatusActive, types.TableStatusUpdating:
				return out.Table, nil
			case types.TableStatusCreating, types.TableStatusDeleting:
			default:
				return nil, fmt.Errorf("dynamodb: table %q cannot be used, it is %s", p.table, out.Table.TableStatus)
			}
		}
		if err != nil {
			return nil, p.explain(ctx, err)
		}
		if err := sleep.For(ctx, pause); err != nil {
			return nil, fmt.Errorf("dynamodb: waiting for table %q: %w", p.table, err)
		}
	}
}

// createTable begins to create the table, unless another caller has done so.
func (p *Provider) createTable(ctx context.Context) error {
	_, err := p.client.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName:            &p.table,
		BillingMode:          types.BillingModePayPerRequest,
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String(attrID), KeyType: types.KeyTypeHash}},
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String(attrID), AttributeType: types.ScalarAttributeTypeS}},
	})
	if _, exists := errors.AsType[*types.ResourceInUseException](err); exists {
		return nil
	}
	return err
}

func hasOurKey(table *types.TableDescription) bool {
	if len(table.KeySchema) != 1 || aws.ToString(table.KeySchema[0].AttributeName) != attrID {
		return false
	}
	for _, attr := range table.AttributeDefinitions {
		if aws.ToString(attr.AttributeName) == attrID {
			return attr.AttributeType == types.ScalarAttributeTypeS
		}
	}
	return false
}

// enableTTL turns on TTL. If another caller does so at the same time, the update fails,
// but TTL is on.
func (p *Provider) enableTTL(ctx context.Context) error {
	if on, err := p.hasTTL(ctx); on || err != nil {
		return err
	}
	_, err := p.client.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
		TableName:               &p.table,
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String(attrTTL), Enabled: aws.Bool(true)},
	})
	if err == nil {
		return nil
	}
	if on, failed := p.hasTTL(ctx); on || failed != nil {
		return failed
	}
	return p.explain(ctx, err)
}

func (p *Provider) hasTTL(ctx context.Context) (bool, error) {
	out, err := p.client.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &p.table})
	if err != nil {
		return false, p.explain(ctx, err)
	}
	ttl := out.TimeToLiveDescription
	if ttl == nil || (ttl.TimeToLiveStatus != types.TimeToLiveStatusEnabled && ttl.TimeToLiveStatus != types.TimeToLiveStatusEnabling) {
		return false, nil
	}
	if attr := aws.ToString(ttl.AttributeName); attr != attrTTL {
		return false, fmt.Errorf("dynamodb: the TTL of table %q is on the attribute %q, not on %q", p.table, attr, attrTTL)
	}
	return true, nil
}
