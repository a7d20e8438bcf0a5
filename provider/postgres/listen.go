package postgres

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"

	"github.com/holdfast-go/holdfast/provider/internal/listening"
)

const (
	// A Listen sends a ping after pingEvery without a message. If it is not answered within
	// pingTimeout, the connection counts as lost.
	pingEvery   = 5 * time.Second
	pingTimeout = 5 * time.Second

	// probeTimeout limits the wait for the probe, and before that for the connection.
	probeTimeout = 10 * time.Second

	// closeTimeout limits the wait for the end of a connection that works.
	closeTimeout = time.Second
)

// ListenConfig sets how Listen connects; the default is the configuration of the pool.
// Behind a pooler such as PgBouncer in transaction mode, which passes no messages on, it
// must lead to the server itself:
//
//	direct, err := pgx.ParseConfig("postgres://app@database:5432/app")
//	...
//	store := postgresprovider.New(pool, postgresprovider.ListenConfig(direct))
//
// ListenConfig panics if config is nil.
func ListenConfig(config *pgx.ConnConfig) Option {
	config = config.Copy()
	return func(p *Provider) { p.listenConfig = config }
}

var errProbe = errors.New("postgres: Listen connects, but hears no messages; with a pooler such as PgBouncer in transaction mode, " +
	"use ListenConfig with the address of the server itself; otherwise the server may be overloaded, or ListenConfig may lead to another database")

// Listen implements provider.Broadcaster. It uses a connection of its own, outside of the
// pool. It finds a server that has vanished within 10 seconds. It ends if 1,024 messages
// wait for heard and another one arrives.
func (p *Provider) Listen(ctx context.Context, ready func(), heard func(message []byte)) error {
	return listening.Listen(ctx, "postgres", ready, heard, p.receive)
}

// receive is a listening.Receiver.
func (p *Provider) receive(ctx context.Context, begin func(), deliver func([]byte)) error {
	channel, err := p.channelName(ctx)
	if err != nil {
		return err
	}
	in := &inbox{channel: channel, probe: rand.Text(), deliver: deliver}
	conn, err := p.connect(ctx, in)
	if err != nil {
		return p.explain(ctx, err)
	}
	err = p.listenOn(ctx, conn, in, begin)
	hangUp(conn, ctx.Err() != nil)
	return err
}

// listenOn listens until the connection is lost, and never returns nil.
func (p *Provider) listenOn(ctx context.Context, conn *pgx.Conn, in *inbox, begin func()) error {
	starting, cancel := context.WithTimeout(ctx, p.probeTimeout)
	defer cancel()
	if err := execute(starting, conn, "LISTEN "+pgx.Identifier{in.channel}.Sanitize()); err != nil {
		return p.explain(ctx, err)
	}
	if err := p.awaitProbe(starting, conn, in); err != nil {
		return err
	}
	begin()
	for {
		if err := p.wait(ctx, conn); err != nil {
			return p.explain(ctx, err)
		}
	}
}

// awaitProbe waits for a message to itself that is sent over another connection, as all
// others are. A pooler may send LISTEN to any server connection, where messages arrive and
// are passed to nobody. The own connection could not show that: a pooler passes on what a
// connection tells itself.
func (p *Provider) awaitProbe(ctx context.Context, conn *pgx.Conn, in *inbox) error {
	if err := p.notify(ctx, in.channel, probePrefix+in.probe); err != nil {
		return err
	}
	for !in.probed {
		switch err := conn.PgConn().WaitForNotification(ctx); {
		case err != nil && ctx.Err() != nil:
			return errProbe
		case err != nil:
			return p.explain(ctx, err)
		}
	}
	return nil
}

// wait waits for a message. If there is none for a while, it checks the connection.
func (p *Provider) wait(ctx context.Context, conn *pgx.Conn) error {
	quiet, cancel := context.WithTimeout(ctx, p.pingEvery)
	defer cancel()
	err := conn.PgConn().WaitForNotification(quiet)
	if err == nil || quiet.Err() == nil || ctx.Err() != nil {
		return err
	}
	pinging, cancel := context.WithTimeout(ctx, p.pingTimeout)
	defer cancel()
	if err := conn.Ping(pinging); err != nil {
		return fmt.Errorf("the server does not answer; the connection is given up: %w", err)
	}
	return nil
}

// connect makes a connection whose messages go to in.
func (p *Provider) connect(ctx context.Context, in *inbox) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, p.probeTimeout)
	defer cancel()
	config := p.listenConfig
	after := func(context.Context, *pgx.Conn) error { return nil }
	if config == nil {
		pool := p.db.(configurer).Config()
		config = pool.ConnConfig
		if pool.BeforeConnect != nil {
			if err := pool.BeforeConnect(ctx, config); err != nil {
				return nil, err
			}
		}
		if pool.AfterConnect != nil {
			after = pool.AfterConnect
		}
	} else {
		config = config.Copy()
	}
	config.OnNotification = in.receive
	config.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.DeadlineContextWatcherHandler{Conn: conn.Conn()}
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	if err := after(ctx, conn); err != nil {
		hangUp(conn, false)
		return nil, err
	}
	return conn, nil
}

// execute runs SQL without parameters and results.
func execute(ctx context.Context, conn *pgx.Conn, sql string) error {
	return conn.PgConn().Exec(ctx, sql).Close()
}

// hangUp closes a connection. It tells a server that works.
func hangUp(conn *pgx.Conn, works bool) {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if !works {
		cancel()
	}
	_ = conn.Close(ctx)
}

// An inbox takes the notifications of a connection.
type inbox struct {
	channel string
	probe   string
	probed  bool // the probe has arrived
	deliver func([]byte)
}

// receive is called by pgx. It ignores what a Broadcast has not sent.
func (in *inbox) receive(_ *pgconn.PgConn, n *pgconn.Notification) {
	if n.Channel != in.channel {
		return
	}
	if probe, ok := strings.CutPrefix(n.Payload, probePrefix); ok {
		in.probed = in.probed || probe == in.probe
		return
	}
	if text, ok := strings.CutPrefix(n.Payload, messagePrefix); ok {
		if message, err := base64.StdEncoding.DecodeString(text); err == nil {
			in.deliver(message)
		}
	}
}
