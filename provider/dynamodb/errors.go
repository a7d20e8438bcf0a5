package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/holdfast-go/holdfast/provider"
)

var (
	errNotFound = fmt.Errorf("dynamodb: %w", provider.ErrNotFound)
	errConflict = fmt.Errorf("dynamodb: %w", provider.ErrVersionConflict)
	errNoItem   = errors.New("dynamodb: the server does not return the item that a condition has failed over; is it DAX, or DynamoDB Local before 1.25?")
	errTooLarge = fmt.Errorf("dynamodb: %w: an item has 400 KB at most", provider.ErrTooLarge)
)

func conflict(current *provider.Record) error {
	return fmt.Errorf("dynamodb: %w", &provider.ConflictError{Current: current})
}

// Codes of the errors that are treated specially.
const (
	codeAccessDenied     = "AccessDeniedException"
	codeInvalidSignature = "InvalidSignatureException"
	codeNoTable          = "ResourceNotFoundException"
	codeTimeSkewed       = "RequestTimeTooSkewed"
	codeValidation       = "ValidationException"
)

// throttled reports whether an error code says that there were too many requests.
func throttled(code string) bool {
	switch code {
	case "ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded":
		return true
	}
	return false
}

// A serverError is the SDK's error for a response of the server, with a text of this
// package.
type serverError struct {
	words string
	err   error
}

func (e *serverError) Error() string { return e.words }
func (e *serverError) Unwrap() error { return e.err }

// explain converts an error of the SDK, from a call with ctx, into an error of this
// package.
func (p *Provider) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	answer, ok := errors.AsType[smithy.APIError](err)
	switch {
	case !ok:
		err = fmt.Errorf("dynamodb: %w", err)
	case isTooLarge(answer):
		return errTooLarge
	default:
		err = &serverError{p.words(err, answer), err}
	}
	// The SDK passes on the context's error, but a deadline may first appear as a timeout of
	// the connection.
	if ended := ctx.Err(); ended != nil && !errors.Is(err, ended) {
		err = fmt.Errorf("%w: %w", err, ended)
	}
	return err
}

// words returns the text of a serverError. AWS's support needs the request's ID.
func (p *Provider) words(err error, answer smithy.APIError) string {
	var operation, request string
	if op, ok := errors.AsType[*smithy.OperationError](err); ok {
		operation = op.OperationName
	}
	if resp, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		request = resp.ServiceRequestID()
	}
	what := answer.ErrorCode()
	if quotable(operation, answer.ErrorCode()) && answer.ErrorMessage() != "" {
		what += ": " + answer.ErrorMessage()
	}
	if advice := advice(answer); advice != "" {
		what = advice + " (" + what + ")"
	}
	return fmt.Sprintf("dynamodb: %s on table %q: %s [request %s]", operation, p.table, what, request)
}

func advice(answer smithy.APIError) string {
	const create = "create it with CreateTable or as the documentation of provider/dynamodb says"
	switch code := answer.ErrorCode(); {
	case throttled(code):
		return "throttled: more requests than the table's or the account's capacity"
	case code == codeNoTable:
		return "there is no such table, or it is still being created; " + create
	case code == codeAccessDenied:
		return "the IAM policy does not allow it; the documentation of provider/dynamodb has the one it takes"
	case code == codeValidation && strings.Contains(answer.ErrorMessage(), "key"):
		return `the table's primary key must be the string attribute "id" alone; ` + create
	}
	return ""
}

// quotable reports whether the server's message may be logged. The message of a
// ValidationException may quote the item, and that of an InvalidSignatureException the
// session token. Messages of unknown codes are not quoted.
func quotable(operation, code string) bool {
	switch code {
	case codeAccessDenied, codeNoTable, "ResourceInUseException", "LimitExceededException", "InternalServerError", "ServiceUnavailable":
		return true
	case codeValidation:
		return operation != "GetItem" && operation != "PutItem" && operation != "DeleteItem" && operation != "Scan"
	}
	return throttled(code)
}

// isTooLarge reports whether the item is too large. DynamoDB has no separate code for
// this.
func isTooLarge(answer smithy.APIError) bool {
	return answer.ErrorCode() == codeValidation && strings.Contains(answer.ErrorMessage(), "Item size")
}
