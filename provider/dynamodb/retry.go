package dynamodb

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"
)

// retryRefused makes the SDK repeat a write only if DynamoDB has refused it at
// the door. Left to itself, the SDK also repeats after a timeout or a broken
// connection; then the first attempt may land after the second, over what others
// have written in between.
func retryRefused(o *dynamodb.Options) {
	if o.Retryer == nil { // as from a Client that is not the SDK's own
		o.Retryer = retry.NewStandard()
	}
	o.Retryer = refusedOnly{o.Retryer}
}

// refusedOnly leaves to another Retryer how often, when and at what rate to try
// again, and narrows after which errors.
type refusedOnly struct{ aws.Retryer }

var _ aws.RetryerV2 = refusedOnly{}

func (r refusedOnly) IsErrorRetryable(err error) bool {
	return refused(err) && r.Retryer.IsErrorRetryable(err)
}

// GetAttemptToken is where the adaptive mode keeps to its rate.
func (r refusedOnly) GetAttemptToken(ctx context.Context) (func(error) error, error) {
	if v2, ok := r.Retryer.(aws.RetryerV2); ok {
		return v2.GetAttemptToken(ctx)
	}
	return r.GetInitialToken(), nil
}

// refused reports whether a request has certainly not been carried out: it was
// one too many, or its signature was not accepted. The SDK repeats the latter if
// it finds this machine's clock wrong, with the server's time.
func refused(err error) bool {
	answer, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return false
	}
	switch code := answer.ErrorCode(); code {
	case codeAccessDenied, codeInvalidSignature, codeTimeSkewed:
		return true
	default:
		return throttled(code)
	}
}
