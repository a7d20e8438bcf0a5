package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
)

var (
	errNotFound = fmt.Errorf("postgres: %w", provider.ErrNotFound)
	errTooLarge = fmt.Errorf("postgres: %w", provider.ErrTooLarge)
	errHindered = outcome.Refused(errors.New("postgres: the record cannot be written, though nothing is in its way; does a trigger, a rule or a policy of the table interfere?"))
)

// https://www.postgresql.org/docs/current/errcodes-appendix.html
const (
	stringTooLong        = "22001"
	untranslatable       = "22P05"
	notNullViolation     = "23502"
	readOnly             = "25006"
	noPreparedStatement  = "26000"
	invalidSchema        = "3F000"
	serializationFailure = "40001"
	completionUnknown    = "40003"
	deadlockDetected     = "40P01"
	noPrivilege          = "42501"
	undefinedColumn      = "42703"
	datatypeMismatch     = "42804"
	undefinedFunction    = "42883"
	undefinedTable       = "42P01"
	duplicatePrepared    = "42P05"
	invalidColumn        = "42P10" // no unique index for ON CONFLICT
	diskFull             = "53100"
	outOfMemory          = "53200"
	limitExceeded        = "54000"
	wrongState           = "55000" // of a view, or a key that is DEFERRABLE
)

// unsent is the error of a call of which nothing was sent, or whose statement was rolled
// back.
type unsent struct {
	error
	late bool // to wait longer would leave too little time for the call
}

func (u *unsent) Unwrap() error { return u.error }

// explain converts err into an error for the caller that suggests what to do about it.
func (p *Provider) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	switch explained := p.words(ctx, err); {
	case refused(ctx, err):
		return outcome.Refused(explained)
	case notSent(err):
		return outcome.NotSaved(explained)
	default:
		return explained
	}
}

// notSent reports whether the server has certainly not received the call.
func notSent(err error) bool {
	_, none := errors.AsType[*unsent](err)
	return none || isConnectError(err) || pgconn.SafeToRetry(err)
}

// refused reports whether a call has certainly changed nothing, and would fail again at
// once: the server has said so, or there was no time left for a connection.
func refused(ctx context.Context, err error) bool {
	pg, replied := errors.AsType[*pgconn.PgError](err)
	if notSent(err) {
		waited, ok := errors.AsType[*unsent](err)
		return replied || ctx.Err() != nil || ok && waited.late
	}
	return replied && rolledBack(pg)
}

// rolledBack reports whether an error of the server means that the statement, which is a
// transaction of its own, has no effect. An ERROR is reported after the rollback; with
// any higher severity the connection ends, which may hide the outcome. Errors of the
// classes for the connection, for an operator's intervention and for the system may come
// from poolers or in the middle of a commit.
func rolledBack(pg *pgconn.PgError) bool {
	severity := cmp.Or(pg.SeverityUnlocalized, pg.Severity)
	inDoubt := pg.Code == completionUnknown || slices.ContainsFunc([]string{"08", "57", "58", "XX"}, func(class string) bool {
		return strings.HasPrefix(pg.Code, class)
	})
	return severity == "ERROR" && len(pg.Code) == 5 && !inDoubt
}

// words returns err with a text for the caller.
func (p *Provider) words(ctx context.Context, err error) error {
	reason := discreet(err)
	if over := ctx.Err(); over != nil && !errors.Is(reason, over) {
		return fmt.Errorf("postgres: %w: %w", over, reason)
	}
	switch pg, _ := errors.AsType[*pgconn.PgError](err); code(pg) {
	case undefinedTable, invalidSchema, undefinedColumn, undefinedFunction, datatypeMismatch, invalidColumn,
		notNullViolation, wrongState:
		return p.wrongTable(reason)
	case noPrivilege:
		return fmt.Errorf("postgres: the role needs SELECT, INSERT, UPDATE and DELETE on table %s, and USAGE on its schema: %w", p.table, reason)
	case readOnly:
		return fmt.Errorf("postgres: the server takes no writes, perhaps it is a standby; add target_session_attrs=read-write to the URL: %w", reason)
	case noPreparedStatement, duplicatePrepared:
		return fmt.Errorf("postgres: a pooler such as PgBouncer loses prepared statements; add default_query_exec_mode=exec to the URL: %w", reason)
	case untranslatable:
		return fmt.Errorf("postgres: the database's encoding should be UTF8: %w", reason)
	case diskFull, outOfMemory:
		return fmt.Errorf("postgres: %w: %w", provider.ErrFull, reason)
	case limitExceeded, stringTooLong:
		return fmt.Errorf("postgres: %w: %w", provider.ErrTooLarge, reason)
	}
	return fmt.Errorf("postgres: %w", reason)
}

func (p *Provider) wrongTable(reason error) error {
	return fmt.Errorf("postgres: table %s is missing or is not as it should be; create it with CreateTable or by the SQL of Schema: %w", p.table, reason)
}

func code(pg *pgconn.PgError) string {
	if pg == nil {
		return ""
	}
	return pg.Code
}

// discreet returns an error in place of err that contains no ID and no data. The server
// quotes them in details, and in some messages about values. pgx quotes values that it
// cannot convert, but the casts in the SQL prevent such errors.
func discreet(err error) error {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && !isConnectError(err) {
		return &pgconn.PgError{Severity: pg.Severity, Code: pg.Code, Message: discreetMessage(pg)}
	}
	return err
}

// isConnectError reports whether err is a ConnectError. It contains host, user and
// database, and no data of a record.
func isConnectError(err error) bool {
	_, ok := errors.AsType[*pgconn.ConnectError](err)
	return ok
}

// aboutNoValue are the classes of errors about the server, the connection, the
// transaction and the SQL. All others may quote a value: data exceptions, constraints,
// and triggers with custom codes.
var aboutNoValue = []string{"08", "0A", "25", "26", "28", "3D", "3F", "40", "42", "53", "54", "55", "57", "58"}

func discreetMessage(pg *pgconn.PgError) string {
	if len(pg.Code) == 5 && slices.Contains(aboutNoValue, pg.Code[:2]) {
		return pg.Message
	}
	return "message withheld, as it may quote a value; see the server's log"
}
