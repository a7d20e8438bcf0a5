package dynamodb

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/holdfast-go/holdfast/provider"
)

// A condition must be true for a write. The zero condition is always true.
type condition struct {
	expression *string
	values     item
	onFailure  types.ReturnValuesOnConditionCheckFailure
}

// A comparison with a missing attribute is false, and a missing item has no attributes.
const (
	ifAbsent  = "attribute_not_exists(id) OR expires <= :now"
	ifVersion = "version = :version AND (attribute_not_exists(expires) OR expires > :now)"
)

// newCondition returns the condition for expectVersion. It contains the time of this
// machine, since DynamoDB's conditions do not know the time.
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

// failed returns the result of a Save whose condition, made at the time now, was false
// for the item it.
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
	case stored.Version == rec.Version: // an earlier attempt was stored
		return nil
	}
	return conflict(stored)
}

// failedOverNone is failed for a response without an item. That should mean that there is
// none, but DAX and versions of DynamoDB Local before 1.25 never return one. A create
// cannot fail without an item, so in that case the item exists, and may be from an
// earlier attempt. For an update the record may be absent as well. That is a conflict
// without a known current record, so package session reads it.
func failedOverNone(expectVersion int64) error {
	if expectVersion == 0 {
		return errNoItem
	}
	return errConflict
}
