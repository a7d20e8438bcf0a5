package mysql

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-go/holdfast/provider"
)

// unsafeCharsets have characters whose second byte is that of a backslash or a quote.
// With interpolateParams, the driver's quoting is not safe in them.
var unsafeCharsets = []string{"big5", "cp932", "gb18030", "gb2312", "gbk", "sjis"}

// unfit is the error of connections that sessions cannot be kept with.
type unfit struct{ error }

func unfitFor(text string) error { return &unfit{errors.New(text)} }

// checkSettings checks a connection's settings, unless an earlier call has: all
// connections of a *sql.DB are set up in the same way.
func (p *Provider) checkSettings(ctx context.Context, conn *sql.Conn) error {
	if p.packet.Load() != 0 {
		return nil
	}
	rows, err := showOn(ctx, conn, settingsSQL)
	if err != nil {
		return err
	}
	set := map[string]string{}
	for _, row := range rows {
		set[strings.ToLower(row["Variable_name"])] = row["Value"]
	}
	if err := unfitting(set); err != nil {
		return err
	}
	packet, err := strconv.ParseInt(set["max_allowed_packet"], 10, 64)
	if err != nil || packet <= 0 {
		return unfitFor("the server does not tell its max_allowed_packet; is there a proxy that does not speak MySQL's protocol fully?")
	}
	p.packet.Store(packet)
	return nil
}

// unfitting returns an error if saves could be lost or be undone with these settings, or
// arguments be misread.
func unfitting(set map[string]string) error {
	isolation := set["transaction_isolation"] + set["tx_isolation"] // some servers know one, some both
	charset := set["character_set_client"]
	switch {
	case set["autocommit"] != "ON":
		return unfitFor("autocommit is off, so no save would be committed; remove autocommit=0 from the driver's parameters, init_connect or the server's configuration")
	case strings.Contains(isolation, "READ-UNCOMMITTED"):
		return unfitFor("the isolation level is READ UNCOMMITTED, so a save could be read and then be undone; remove transaction_isolation from the driver's parameters or choose another level")
	case slices.Contains(unsafeCharsets, charset):
		return unfitFor("the connection's character set is " + charset + ", in which the driver cannot quote safely; set charset=utf8mb4 in the driver's parameters")
	case strings.Contains(set["sql_mode"], "EMPTY_STRING_IS_NULL"):
		return unfitFor("sql_mode contains EMPTY_STRING_IS_NULL, so records with an empty value could not be stored; remove it from the driver's parameters or the server's configuration")
	case set["log_bin"] == "ON" && set["binlog_format"] == "STATEMENT":
		return unfitFor("binlog_format is STATEMENT, so replicas would evaluate expiry at another time than this server; set it to ROW or MIXED")
	}
	return nil
}

// checkSize returns an error that wraps ErrTooLarge if a statement is larger than the
// server allows. The server would break the connection, and leave the result in doubt.
// It reads the limit again before it refuses, for it may have been raised.
func (p *Provider) checkSize(ctx context.Context, conn *sql.Conn, query string, args []any) error {
	if worst := maxSize(query, args); worst <= p.packet.Load() {
		return nil
	}
	size := exactSize(query, args)
	if size <= p.packet.Load() {
		return nil
	}
	var packet int64
	if err := conn.QueryRowContext(ctx, packetSQL).Scan((*number)(&packet)); err != nil {
		return &unsent{error: err}
	}
	p.packet.Store(packet)
	if size > packet {
		return &unsent{error: tooLarge{}}
	}
	return nil
}

// tooLarge is the error of a statement that the server would not accept.
type tooLarge struct{}

func (tooLarge) Error() string {
	return provider.ErrTooLarge.Error() + ": raise max_allowed_packet of the server"
}

func (tooLarge) Unwrap() error { return provider.ErrTooLarge }

const (
	packetOverhead = 64 // of a packet, and of the numbers in it
	quoteOverhead  = 16 // of a quoted argument
)

// maxSize is at least as large as the packet of a statement with its arguments in it.
func maxSize(query string, args []any) int64 {
	size := int64(packetOverhead + len(query))
	for _, arg := range args {
		if b, ok := arg.([]byte); ok {
			size += quoteOverhead + 2*int64(len(b))
		} else {
			size += quoteOverhead + 20
		}
	}
	return size
}

// escaped are the bytes that the driver writes as two.
const escaped = "\x00\n\r\x1a'\"\\"

// exactSize is maxSize with the bytes counted that are written as two. The overheads are
// not exact.
func exactSize(query string, args []any) int64 {
	size := maxSize(query, args)
	for _, arg := range args {
		if b, ok := arg.([]byte); ok {
			size -= int64(len(b))
			for _, c := range []byte(escaped) {
				size += int64(bytes.Count(b, []byte{c}))
			}
		}
	}
	return size
}
