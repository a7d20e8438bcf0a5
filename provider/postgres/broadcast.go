package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
)

var _ provider.Broadcaster = (*Provider)(nil)

const (
	notifySQL = `SELECT pg_notify($1::text, $2::text)`

	// The names of the table and its schema, however the table is addressed.
	namesSQL = `
SELECT space.nspname::text, class.relname::text
FROM pg_catalog.pg_class AS class JOIN pg_catalog.pg_namespace AS space ON space.oid = class.relnamespace
WHERE class.oid = to_regclass($1::text)`
)

// The first byte of a payload.
const (
	messagePrefix = "m" // before a message in base64
	probePrefix   = "p" // before what a Listen sends itself
)

var (
	errCockroach = fmt.Errorf("postgres: CockroachDB has no LISTEN and NOTIFY: %w", errors.ErrUnsupported)
	errTx        = fmt.Errorf("postgres: a transaction would send messages at its commit; Broadcast and Listen need a *pgxpool.Pool: %w", errors.ErrUnsupported)
	errOneConn   = fmt.Errorf("postgres: Listen needs a connection of its own; give New a *pgxpool.Pool, or use ListenConfig: %w", errors.ErrUnsupported)
)

// Broadcast implements provider.Broadcaster, by one trip. The first call takes three.
func (p *Provider) Broadcast(ctx context.Context, message []byte) error {
	if err := outcome.Check(ctx, "postgres", provider.ValidateMessage(message)); err != nil {
		return err
	}
	channel, err := p.channelName(ctx)
	if err != nil {
		return err
	}
	return p.notify(ctx, channel, messagePrefix+base64.StdEncoding.EncodeToString(message))
}

// notify sends a payload, which must be shorter than 8,000 bytes.
func (p *Provider) notify(ctx context.Context, channel, payload string) error {
	_, err := p.exec(ctx, notifySQL, channel, payload)
	return err
}

// A configurer is a *pgxpool.Pool, or what embeds one.
type configurer interface{ Config() *pgxpool.Config }

// unsupported returns why the provider cannot broadcast, if that shows without I/O.
func (p *Provider) unsupported() error {
	_, pool := p.db.(configurer)
	_, tx := p.db.(pgx.Tx)
	switch {
	case tx:
		return errTx
	case !pool && p.listenConfig == nil:
		return errOneConn
	}
	return nil
}

// channelName returns the name of the channel. It asks the database once: the same table
// may be addressed with and without its schema.
func (p *Provider) channelName(ctx context.Context) (string, error) {
	if name := p.channel.Load(); name != nil {
		return *name, nil
	}
	if err := p.unsupported(); err != nil {
		return "", err
	}
	switch cockroach, err := p.isCockroach(ctx); {
	case err != nil:
		return "", err
	case cockroach:
		return "", errCockroach
	}
	var schema, table string
	err := p.call(ctx, func(db DB) error {
		return db.QueryRow(ctx, namesSQL, string(p.table)).Scan(&schema, &table)
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return "", p.wrongTable(errors.New("there is no such table"))
	case err != nil:
		return "", err
	}
	name := channelOf(schema, table)
	p.channel.Store(&name)
	return name, nil
}

// channelOf returns the name of a table's channel, of 63 bytes at most.
func channelOf(schema, table string) string {
	name := "holdfast:" + pgx.Identifier{schema, table}.Sanitize()
	if len(name) <= maxIdentifier {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return "holdfast:" + hex.EncodeToString(sum[:20])
}
