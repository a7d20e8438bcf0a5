package dynamodb

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"
)

// retryRefused makes the SDK repeat a write only if DynamoDB has refused it before
// executing it. By default the SDK also repeats after a timeout or a broken connection.
// Then the first attempt may be executed after the second, and overwrite what others have
// written in between.
func retryRefused(o *dynamodb.Options) {
	if o.Retryer == nil { // as from a Client that is not the SDK's own
		o.Retryer = retry.NewStandard()
	}
	o.Retryer = refusedOnly{o.Retryer}
}

// refusedOnly restricts the errors after which another Retryer tries again. That Retryer
// decides how often, when and at what rate.
type refusedOnly struct{ aws.Retryer }

var _ aws.RetryerV2 = refusedOnly{}

func (r refusedOnly) IsErrorRetryable(err error) bool {
	return refused(err) && r.Retryer.IsErrorRetryable(err)
}

// GetAttemptToken implements aws.RetryerV2. The adaptive mode limits its rate there.
func (r refusedOnly) GetAttemptToken(ctx context.Context) (func(error) error, error) {
	if v2, ok := r.Retryer.(aws.RetryerV2); ok {
		return v2.GetAttemptToken(ctx)
	}
	return r.GetInitialToken(), nil
}

// refused reports whether a request has certainly not been executed: it was throttled, or
// its signature was not accepted. The SDK repeats the latter with the server's time if it
// finds this machine's clock wrong.
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
