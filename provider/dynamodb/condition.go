package dynamodb

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/holdfast-go/holdfast/provider"
)

// A condition is what a write depends on. The zero condition is always true.
type condition struct {
	expression *string
	values     item
	onFailure  types.ReturnValuesOnConditionCheckFailure
}

// A comparison with an attribute that is not there is false, and an item that is
// not there has none.
const (
	ifAbsent  = "attribute_not_exists(id) OR expires <= :now"
	ifVersion = "version = :version AND (attribute_not_exists(expires) OR expires > :now)"
)

// newCondition returns what expectVersion asks for. The time has to be this
// machine's, since conditions know no other.
func newCondition(expectVersion int64, now time.Time) condition {
	if expectVersion < 0 {
		return condition{}
	}
	c := condition{
		expression: aws.String(ifAbsent),
		values:     item{":now": number(provider.Millis(now))},
		onFailure:  types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if expectVersion > 0 {
		c.expression = aws.String(ifVersion)
		c.values[":version"] = number(expectVersion)
	}
	return c
}

// failed returns what a Save comes to whose condition, made at the time now, has
// failed over an item.
func failed(rec *provider.Record, expectVersion int64, it item, now time.Time) error {
	if it == nil {
		return failedOverNone(expectVersion)
	}
	stored, err := record(rec.ID, it)
	switch {
	case err != nil:
		return err
	case stored.Expired(now):
		return conflict(nil)
	case stored.Version == rec.Version: // an earlier attempt has landed
		return nil
	}
	return conflict(stored)
}

// failedOverNone is failed for an answer without an item. That ought to mean that
// there is none, but DAX and versions of DynamoDB Local before 1.25 never return
// one. A create cannot have failed over none, so there it shows, and the item may
// be an earlier attempt. Elsewhere it may be a record that is gone as well: a
// conflict, but one that says nothing about what is stored, so that package
// session reads it.
func failedOverNone(expectVersion int64) error {
	if expectVersion == 0 {
		return errNoItem
	}
	return errConflict
}
