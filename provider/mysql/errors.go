package mysql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
)

var (
	errNotFound = fmt.Errorf("mysql: %w", provider.ErrNotFound)
	errHindered = outcome.Refused(errors.New("mysql: the record cannot be written, though nothing is in its way; does a trigger of the table or a view interfere?"))
)

// https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html
// https://mariadb.com/kb/en/mariadb-error-code-reference/
const (
	recordChanged       = 1020
	diskFull            = 1021
	outOfMemory         = 1037
	outOfSortMemory     = 1038
	tooManyConnections  = 1040
	outOfResources      = 1041
	databaseDenied      = 1044
	accessDenied        = 1045
	noDatabaseSelected  = 1046
	unknownCommand      = 1047 // of Galera: the node is not ready
	columnNotNull       = 1048
	unknownDatabase     = 1049
	shutdown            = 1053
	unknownColumn       = 1054
	duplicateKey        = 1062
	tableFull           = 1114
	rowTooLarge         = 1118
	hostBlocked         = 1129
	hostDenied          = 1130
	tableDenied         = 1142
	columnDenied        = 1143
	noSuchTable         = 1146
	packetTooLarge      = 1153
	unknownVariable     = 1193
	userConnections     = 1203
	lockWaitTimeout     = 1205
	deadlock            = 1213
	readLock            = 1223
	limitReached        = 1226
	dataTruncated       = 1265
	optionPrevents      = 1290 // such as --read-only
	noDefault           = 1364
	truncatedWrongValue = 1366
	dataTooLong         = 1406
	signal              = 1644 // of a trigger
	readOnlyTransaction = 1792
	readOnlyMode        = 1836
)

// unsent is the error of a call of which nothing was sent, or whose statement was rolled
// back.
type unsent struct {
	error
	late bool // to wait longer would leave too little time for the call
}

func (u *unsent) Unwrap() error { return u.error }

// numberOf returns the number of a server's error, or 0.
func numberOf(err error) uint16 {
	if reply, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return reply.Number
	}
	return 0
}

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

// notSent reports whether the server has certainly not received the call. The driver
// returns ErrBadConn only if it has not written anything.
func notSent(err error) bool {
	_, none := errors.AsType[*unsent](err)
	return none || errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysql.ErrPktTooLarge)
}

// refused reports whether a call has certainly changed nothing, and would fail again at
// once: the server has said so, or there was no time left for a connection.
func refused(ctx context.Context, err error) bool {
	reply, replied := errors.AsType[*mysql.MySQLError](err)
	if notSent(err) {
		waited, ok := errors.AsType[*unsent](err)
		if ok && waited.late {
			return true
		}
		_, wrongSettings := errors.AsType[*unfit](err)
		return replied || wrongSettings || errors.Is(err, provider.ErrTooLarge) || errors.Is(err, mysql.ErrPktTooLarge) || over(ctx, err) != nil
	}
	return replied && rolledBack(reply)
}

// certainClasses are those of SQLSTATE whose errors are about the statement and what it
// finds. The server rolls back a statement that fails with one, which is a transaction of
// its own, before it reports the error. The classes for the connection (08) and for
// errors without a class of their own (HY) are in doubt, and so is 70: a statement that
// was interrupted may have been committing.
var certainClasses = []string{"21", "22", "23", "25", "28", "3D", "40", "42", "44", "45"}

// certainNumbers are other errors after which a statement has no effect.
var certainNumbers = []uint16{
	recordChanged, diskFull, outOfMemory, outOfSortMemory, tooManyConnections, outOfResources, unknownCommand,
	tableFull, hostBlocked, hostDenied, packetTooLarge, unknownVariable, lockWaitTimeout, readLock, optionPrevents,
	noDefault, truncatedWrongValue, dataTruncated, readOnlyMode,
}

// rolledBack reports whether an error of the server means that the statement has no
// effect. Proxies have error numbers of their own, from 9000 on.
func rolledBack(reply *mysql.MySQLError) bool {
	return slices.Contains(certainNumbers, reply.Number) ||
		reply.Number < 9000 && slices.Contains(certainClasses, string(reply.SQLState[:2]))
}

// over returns the error of a context that has ended. The timers of the network may be a
// little faster than the one of the context.
func over(ctx context.Context, err error) error {
	timeout, timedOut := errors.AsType[net.Error](err)
	deadline, limited := ctx.Deadline()
	if timedOut && timeout.Timeout() && limited && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return ctx.Err()
}

// words returns err with a text for the caller.
func (p *Provider) words(ctx context.Context, err error) error {
	reason := discreet(err)
	if over := over(ctx, err); over != nil && !errors.Is(reason, over) {
		return fmt.Errorf("mysql: %w: %w", over, reason)
	}
	switch numberOf(err) {
	case noSuchTable, unknownColumn, noDefault, truncatedWrongValue, dataTruncated:
		return p.wrongTable(reason)
	case noDatabaseSelected, unknownDatabase:
		return fmt.Errorf("mysql: the database is missing; name one that exists in the URL or by Table: %w", reason)
	case tableDenied, columnDenied, databaseDenied:
		return fmt.Errorf("mysql: the user needs SELECT, INSERT, UPDATE and DELETE on table %s: %w", p.table, reason)
	case optionPrevents, readOnlyTransaction, readOnlyMode:
		return fmt.Errorf("mysql: the server takes no writes, perhaps it is a replica; connect to the primary: %w", reason)
	case tooManyConnections, userConnections, limitReached:
		return fmt.Errorf("mysql: the server has no connection left; raise its limit, such as max_connections, or lower that of each client (maxConns in the URL, or SetMaxOpenConns): %w", reason)
	case unknownVariable:
		return fmt.Errorf("mysql: a parameter of the URL is neither the driver's nor a variable of the server: %w", reason)
	case unknownCommand:
		return fmt.Errorf("mysql: the node does not belong to a working cluster; connect to another: %w", reason)
	case diskFull, tableFull, outOfMemory, outOfSortMemory, outOfResources:
		return fmt.Errorf("mysql: %w: %w", provider.ErrFull, reason)
	case packetTooLarge, rowTooLarge:
		return fmt.Errorf("mysql: %w; raise max_allowed_packet and innodb_log_file_size of the server: %w", provider.ErrTooLarge, reason)
	case dataTooLong:
		return fmt.Errorf("mysql: %w for table %s; is it what Schema returns? %w", provider.ErrTooLarge, p.table, reason)
	}
	if isAboutValues(err) {
		return p.wrongTable(reason)
	}
	return p.clientWords(reason)
}

// isAboutValues reports whether the server has refused a value, or a constraint has. The
// columns of Schema take every value. Triggers may choose the class of their errors.
func isAboutValues(err error) bool {
	reply, ok := errors.AsType[*mysql.MySQLError](err)
	return ok && reply.Number != signal && slices.Contains([]string{"22", "23"}, string(reply.SQLState[:2]))
}

// clientWords returns an error that is not the server's with a text for the caller.
func (p *Provider) clientWords(reason error) error {
	switch {
	case errors.Is(reason, errNoNumber):
		return fmt.Errorf("mysql: %w: %w", provider.ErrUnreadable, p.wrongTable(reason))
	case errors.Is(reason, mysql.ErrPktTooLarge):
		return fmt.Errorf("mysql: %w; raise maxAllowedPacket in the driver's parameters: %w", provider.ErrTooLarge, reason)
	case errors.Is(reason, mysql.ErrInvalidConn), errors.Is(reason, driver.ErrBadConn):
		return fmt.Errorf("mysql: the connection is broken: %w", reason)
	}
	return fmt.Errorf("mysql: %w", reason)
}

func (p *Provider) wrongTable(reason error) error {
	return fmt.Errorf("mysql: table %s is missing or is not as it should be; create it with CreateTable or by the SQL of Schema: %w", p.table, reason)
}

// discreet returns an error in place of err that contains no ID and no data. The server
// quotes them in many messages.
func discreet(err error) error {
	reply, ok := errors.AsType[*mysql.MySQLError](err)
	if !ok || slices.Contains(aboutNoValue, reply.Number) {
		return err
	}
	return &mysql.MySQLError{Number: reply.Number, SQLState: reply.SQLState, Message: "message withheld, as it may quote a value; see the server's documentation of the number"}
}

// aboutNoValue are errors whose messages contain no values, only names, users and hosts.
var aboutNoValue = []uint16{
	recordChanged, diskFull, outOfMemory, outOfSortMemory, tooManyConnections, outOfResources, databaseDenied, accessDenied,
	noDatabaseSelected, unknownCommand, columnNotNull, unknownDatabase, shutdown, unknownColumn, tableFull, rowTooLarge,
	hostBlocked, hostDenied, tableDenied, columnDenied, noSuchTable, packetTooLarge, unknownVariable, userConnections,
	lockWaitTimeout, deadlock, readLock, limitReached, optionPrevents, noDefault, readOnlyTransaction, readOnlyMode,
}
