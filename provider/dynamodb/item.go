package dynamodb

import (
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/holdfast-go/holdfast/provider"
)

// The attributes of an item. Those that are used in conditions must not be reserved words
// of DynamoDB.
const (
	attrID      = "id"      // string, the partition key
	attrVersion = "version" // number
	attrExpires = "expires" // number, provider.Millis; left out if the record does not expire
	attrTTL     = "ttl"     // number, the same in seconds for DynamoDB's TTL
	attrFormat  = "format"  // string
	attrData    = "data"    // binary
)

type item = map[string]types.AttributeValue

func (p *Provider) key(id string) item { return item{attrID: text(p.prefix + id)} }

func (p *Provider) item(rec *provider.Record) item {
	it := p.key(rec.ID)
	it[attrVersion] = number(rec.Version)
	it[attrFormat] = text(rec.Format)
	it[attrData] = binary(rec.Data)
	if ms := provider.Millis(rec.ExpiresAt); ms != 0 {
		it[attrExpires] = number(ms)
		it[attrTTL] = number((ms + 999) / 1000) // up, so as not to be removed early
	}
	return it
}

// record returns the record of an item, expired or not.
func record(id string, it item) (*provider.Record, error) {
	version, ok := integer(it[attrVersion])
	if !ok {
		return nil, foreign(attrVersion)
	}
	expires, ok := integer(it[attrExpires])
	if !ok && it[attrExpires] != nil {
		return nil, foreign(attrExpires)
	}
	format, ok := it[attrFormat].(*types.AttributeValueMemberS)
	if !ok {
		return nil, foreign(attrFormat)
	}
	data, ok := it[attrData].(*types.AttributeValueMemberB)
	if !ok {
		return nil, foreign(attrData)
	}
	return &provider.Record{
		ID:        id,
		Version:   version,
		ExpiresAt: provider.FromMillis(expires),
		Format:    format.Value,
		Data:      data.Value,
	}, nil
}

func foreign(attr string) error {
	return fmt.Errorf("dynamodb: an item is not of this package: its attribute %q is missing or of another type", attr)
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// binary returns b as an attribute value. The SDK omits a nil slice, which makes the
// request invalid.
func binary(b []byte) types.AttributeValue {
	if b == nil {
		b = []byte{}
	}
	return &types.AttributeValueMemberB{Value: b}
}

// number returns n in decimal. DynamoDB keeps 38 digits.
func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func integer(v types.AttributeValue) (int64, bool) {
	n, ok := v.(*types.AttributeValueMemberN)
	if !ok {
		return 0, false
	}
	i, err := strconv.ParseInt(n.Value, 10, 64)
	return i, err == nil
}

// maxSize is DynamoDB's limit for the size of an item, in bytes.
const maxSize = 400 << 10

// minSize returns the minimum size of an item in bytes: everything except its numbers,
// whose size is documented only approximately. So close to the limit the server decides.
func minSize(it item) int {
	size := 0
	for name, value := range it {
		size += len(name)
		switch v := value.(type) {
		case *types.AttributeValueMemberS:
			size += len(v.Value)
		case *types.AttributeValueMemberB:
			size += len(v.Value)
		}
	}
	return size
}
