package dynamodb_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	dynamodbprovider "github.com/holdfast-go/holdfast/provider/dynamodb"
)

func TestCreateTable(t *testing.T) {
	f := newFixtureWithoutTable(t)
	if err := f.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.hasTTL(t)
	out, err := f.client.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &f.table})
	if err != nil {
		t.Fatal(err)
	}
	if got := out.Table.BillingModeSummary; got == nil || got.BillingMode != types.BillingModePayPerRequest {
		t.Errorf("the billing mode is %v, want on-demand", got)
	}

	f.wire.reset()
	if err := f.CreateTable(t.Context()); err != nil {
		t.Errorf("again: %v", err)
	}
	f.carried(t, "DescribeTable", "DescribeTimeToLive")
	if err := save(t.Context(), f); err != nil {
		t.Error(err)
	}
}

func TestCreateTableBySeveral(t *testing.T) {
	for range 5 {
		f := newFixtureWithoutTable(t)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if err := f.CreateTable(t.Context()); err != nil {
					t.Error(err)
				}
				if err := save(t.Context(), f); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		f.hasTTL(t)
	}
}

func (f *fixture) hasTTL(t *testing.T) {
	t.Helper()
	out, err := f.client.DescribeTimeToLive(t.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: &f.table})
	if err != nil {
		t.Fatal(err)
	}
	ttl := out.TimeToLiveDescription
	if ttl.TimeToLiveStatus != types.TimeToLiveStatusEnabled || aws.ToString(ttl.AttributeName) != "ttl" {
		t.Errorf("TTL is %s on %q", ttl.TimeToLiveStatus, aws.ToString(ttl.AttributeName))
	}
}

// create makes a table of string or number attributes by hand.
func (f *fixture) create(t *testing.T, hash, sort string, kind types.ScalarAttributeType) {
	t.Helper()
	in := &dynamodb.CreateTableInput{TableName: &f.table, BillingMode: types.BillingModePayPerRequest}
	for name, role := range map[string]types.KeyType{hash: types.KeyTypeHash, sort: types.KeyTypeRange} {
		if name != "" {
			in.KeySchema = append(in.KeySchema, types.KeySchemaElement{AttributeName: &name, KeyType: role})
			in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: &name, AttributeType: kind})
		}
	}
	if len(in.KeySchema) == 2 && in.KeySchema[0].KeyType != types.KeyTypeHash {
		in.KeySchema[0], in.KeySchema[1] = in.KeySchema[1], in.KeySchema[0]
	}
	if _, err := f.client.CreateTable(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) setTTL(t *testing.T, attr string) {
	t.Helper()
	_, err := f.client.UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{
		TableName:               &f.table,
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: &attr, Enabled: aws.Bool(true)},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTableWithAnotherKey(t *testing.T) {
	for _, c := range []struct {
		rule, hash, sort string
		kind             types.ScalarAttributeType
	}{
		{"another name", "pk0", "", types.ScalarAttributeTypeS},
		{"another type", "id", "", types.ScalarAttributeTypeN},
		{"binary", "id", "", types.ScalarAttributeTypeB},
		{"a sort key", "id", "sort", types.ScalarAttributeTypeS},
		{"the name as sort key", "pk0", "id", types.ScalarAttributeTypeS},
	} {
		t.Run(c.rule, func(t *testing.T) {
			f := newFixtureWithoutTable(t)
			f.create(t, c.hash, c.sort, c.kind)
			discreet(t, f.CreateTable(t.Context()), `the string attribute "id" alone`)
			for _, v := range verbs {
				if v.name == "List" {
					continue // asks for no key, and there is nothing
				}
				err := v.call(t.Context(), f)
				discreet(t, err, `the string attribute "id" alone`, "some ID", "DATA")
				discreet(t, err, "CreateTable")
			}
		})
	}
}

func TestTableWithTheKeyInAnIndex(t *testing.T) {
	f := newFixtureWithoutTable(t)
	key := func(name string) []types.KeySchemaElement {
		return []types.KeySchemaElement{{AttributeName: &name, KeyType: types.KeyTypeHash}}
	}
	_, err := f.client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName:   &f.table,
		BillingMode: types.BillingModePayPerRequest,
		KeySchema:   key("pk0"),
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("pk0"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("id"), AttributeType: types.ScalarAttributeTypeS},
		},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName: aws.String("by-id"), KeySchema: key("id"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	discreet(t, f.CreateTable(t.Context()), `the string attribute "id" alone`)
}

func TestTableMadeByHand(t *testing.T) {
	f := newFixtureWithoutTable(t)
	f.create(t, "id", "", types.ScalarAttributeTypeS)
	if err := f.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.hasTTL(t)
}

func TestTableWithAnotherTTL(t *testing.T) {
	f := newFixtureWithoutTable(t)
	f.create(t, "id", "", types.ScalarAttributeTypeS)
	f.setTTL(t, "expires")
	discreet(t, f.CreateTable(t.Context()), `the attribute "expires", not on "ttl"`)
}

func TestCreateTableWithAWrongName(t *testing.T) {
	f := newFixtureWithoutTable(t)
	f.table = "no name"
	f.Provider = f.over(t, f.wire)
	discreet(t, f.CreateTable(t.Context()), "Invalid table/index name")
}

func TestCreateTableNotAllowed(t *testing.T) {
	f := newFixtureWithoutTable(t)
	f.wire.set(refusing(always, http.StatusBadRequest, "AccessDeniedException", "User: x is not authorized to perform: dynamodb:DescribeTable"))
	discreet(t, f.CreateTable(t.Context()), "dynamodb:DescribeTable")
}

func TestCreateTableCancelled(t *testing.T) {
	f := newFixtureWithoutTable(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.CreateTable(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want Canceled", err)
	}
}

// A slowTable is a Client of a table in a state that DynamoDB Local's never are
// in. Only what is asked for is there.
type slowTable struct {
	dynamodbprovider.Client
	created  time.Time // zero: not yet
	statuses []types.TableStatus
	ttl      []types.TimeToLiveStatus
	updated  int
}

func (s *slowTable) DescribeTable(context.Context, *dynamodb.DescribeTableInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error) {
	// Right after it was created, a table may not be seen.
	if s.created.IsZero() || time.Since(s.created) < 100*time.Millisecond {
		return nil, &types.ResourceNotFoundException{}
	}
	status := s.statuses[0]
	if len(s.statuses) > 1 {
		s.statuses = s.statuses[1:]
	}
	return &dynamodb.DescribeTableOutput{Table: &types.TableDescription{
		TableStatus:          status,
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: types.KeyTypeHash}},
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: types.ScalarAttributeTypeS}},
	}}, nil
}

func (s *slowTable) CreateTable(context.Context, *dynamodb.CreateTableInput, ...func(*dynamodb.Options)) (*dynamodb.CreateTableOutput, error) {
	if !s.created.IsZero() {
		return nil, &types.ResourceInUseException{}
	}
	s.created = time.Now()
	return &dynamodb.CreateTableOutput{}, nil
}

func (s *slowTable) DescribeTimeToLive(context.Context, *dynamodb.DescribeTimeToLiveInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTimeToLiveOutput, error) {
	status := s.ttl[0]
	if len(s.ttl) > 1 {
		s.ttl = s.ttl[1:]
	}
	return &dynamodb.DescribeTimeToLiveOutput{TimeToLiveDescription: &types.TimeToLiveDescription{
		TimeToLiveStatus: status, AttributeName: aws.String("ttl"),
	}}, nil
}

var errTTLUpdate = errors.New("TTL is being updated")

func (s *slowTable) UpdateTimeToLive(context.Context, *dynamodb.UpdateTimeToLiveInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateTimeToLiveOutput, error) {
	s.updated++
	return nil, errTTLUpdate
}

func TestCreateTableWaits(t *testing.T) {
	const (
		creating = types.TableStatusCreating
		active   = types.TableStatusActive
	)
	on, off := types.TimeToLiveStatusEnabled, types.TimeToLiveStatusDisabled
	for _, c := range []struct {
		rule  string
		table slowTable
		want  error
	}{
		{"until the table is active", slowTable{statuses: []types.TableStatus{creating, creating, creating, active}, ttl: []types.TimeToLiveStatus{on}}, nil},
		{"until another has deleted it", slowTable{statuses: []types.TableStatus{types.TableStatusDeleting, active}, ttl: []types.TimeToLiveStatus{on}}, nil},
		{"not for an update, which may take hours", slowTable{statuses: []types.TableStatus{types.TableStatusUpdating}, ttl: []types.TimeToLiveStatus{on}}, nil},
		{"not for TTL, which may take an hour", slowTable{statuses: []types.TableStatus{active}, ttl: []types.TimeToLiveStatus{types.TimeToLiveStatusEnabling}}, nil},
		{"not longer than the context", slowTable{statuses: []types.TableStatus{creating}}, context.DeadlineExceeded},
		{"and finds that another has turned TTL on", slowTable{statuses: []types.TableStatus{active}, ttl: []types.TimeToLiveStatus{off, on}}, nil},
		{"and fails if none has", slowTable{statuses: []types.TableStatus{active}, ttl: []types.TimeToLiveStatus{off}}, errTTLUpdate},
		{"and fails while it is being turned off", slowTable{statuses: []types.TableStatus{active}, ttl: []types.TimeToLiveStatus{types.TimeToLiveStatusDisabling}}, errTTLUpdate},
	} {
		t.Run(c.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				err := dynamodbprovider.New(&c.table, "sessions").CreateTable(ctx)
				if !errors.Is(err, c.want) {
					t.Errorf("got %v, want %v", err, c.want)
				}
				if c.table.created.IsZero() {
					t.Error("the table was not created")
				}
			})
		})
	}
}

func TestTableThatCannotBeUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := &slowTable{statuses: []types.TableStatus{types.TableStatusArchived}}
		discreet(t, dynamodbprovider.New(table, "sessions").CreateTable(t.Context()), "ARCHIVED")
	})
}
