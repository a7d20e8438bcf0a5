package postgres_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/postgres"
)

// A tap counts the trips of a client: how often it asks the server to answer.
type tap struct{ trips atomic.Int64 }

// listen routes the pool's connections through the tap. None is pinged before its use,
// as the pool does after a second of idleness: that would be a trip.
func (tp *tap) listen(cfg *pgxpool.Config) {
	cfg.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false }
	dial := cfg.ConnConfig.DialFunc
	cfg.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		r, w := io.Pipe()
		go tp.count(r)
		return tapped{conn, w}, nil
	}
}

type tapped struct {
	net.Conn
	tap *io.PipeWriter
}

func (c tapped) Write(b []byte) (int, error) {
	_, _ = c.tap.Write(b)
	return c.Conn.Write(b)
}

func (c tapped) Close() error {
	c.tap.Close()
	return c.Conn.Close()
}

// count reads what a client sends. The server answers Query and Sync at once, the
// other messages with the next Sync. Startup messages have no type; nobody wants
// their trips counted.
// https://www.postgresql.org/docs/current/protocol-message-formats.html
func (tp *tap) count(r io.Reader) {
	defer io.Copy(io.Discard, r)
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil || skip(r, length) != nil {
		return
	}
	var kind [1]byte
	for {
		if _, err := io.ReadFull(r, kind[:]); err != nil {
			return
		}
		if kind[0] == 'Q' || kind[0] == 'S' {
			tp.trips.Add(1)
		}
		if _, err := io.ReadFull(r, length[:]); err != nil || skip(r, length) != nil {
			return
		}
	}
}

func skip(r io.Reader, length [4]byte) error {
	_, err := io.CopyN(io.Discard, r, int64(binary.BigEndian.Uint32(length[:]))-4)
	return err
}

// verbs are calls with all of their outcomes.
var verbs = []struct {
	name  string
	trips int64
	do    func(t *testing.T, p provider.Provider)
}{
	{"Fetch", 1, func(t *testing.T, p provider.Provider) { storetest.WantRecord(t, p, wireRecord) }},
	{"Fetch of a missing record", 1, func(t *testing.T, p provider.Provider) { storetest.WantNoRecord(t, p, "missing") }},
	{"Save that creates", 1, func(t *testing.T, p provider.Provider) { storetest.Save(t, p, storetest.NewRecord(), 0, nil) }},
	{"Save that replaces", 1, func(t *testing.T, p provider.Provider) { storetest.Save(t, p, wireRecord, wireRecord.Version, nil) }},
	{"Save without a check", 1, func(t *testing.T, p provider.Provider) { storetest.Save(t, p, wireRecord, -1, nil) }},
	{"Save of an earlier attempt", 2, func(t *testing.T, p provider.Provider) { storetest.Save(t, p, wireRecord, 7, nil) }},
	{"Save that conflicts", 2, func(t *testing.T, p provider.Provider) {
		storetest.Save(t, p, storetest.Next(wireRecord), 7, provider.ErrVersionConflict)
	}},
	{"Save of what exists", 2, func(t *testing.T, p provider.Provider) {
		storetest.Save(t, p, storetest.Next(wireRecord), 0, provider.ErrVersionConflict)
	}},
	{"Save of what is missing", 2, func(t *testing.T, p provider.Provider) {
		storetest.Save(t, p, storetest.NewRecord(), 7, provider.ErrVersionConflict)
	}},
	{"Delete", 1, func(t *testing.T, p provider.Provider) {
		if err := p.Delete(t.Context(), "missing"); err != nil {
			t.Error(err)
		}
	}},
	{"List", 1, func(t *testing.T, p provider.Provider) { lists(t, p, wireRecord.ID, wireRecord.ID) }},
}

var wireRecord = storetest.NewRecord()

// Only a Save that does not land takes a second trip. With prepared statements, a
// connection that meets one for the first time has it prepared, by a trip of its own.
func TestTrips(t *testing.T) {
	for mode, perStatement := range map[pgx.QueryExecMode]int64{
		pgx.QueryExecModeCacheStatement: 2,
		pgx.QueryExecModeCacheDescribe:  2,
		pgx.QueryExecModeExec:           1,
		pgx.QueryExecModeSimpleProtocol: 1,
	} {
		t.Run(mode.String(), func(t *testing.T) {
			for _, verb := range verbs {
				t.Run(verb.name, func(t *testing.T) {
					beside, _, table := store(t)
					storetest.Save(t, beside, wireRecord, 0, nil)
					cfg := config(t)
					cfg.MaxConns = 1
					cfg.ConnConfig.DefaultQueryExecMode = mode
					var wire tap
					wire.listen(cfg)
					pool := open(t, cfg)
					if err := pool.Ping(t.Context()); err != nil {
						t.Fatal(err)
					}
					p := postgres.New(pool, postgres.Table(table))
					if err := p.CreateTable(t.Context()); err != nil { // asks for the version, which List would do
						t.Fatal(err)
					}
					for _, want := range []int64{perStatement * verb.trips, verb.trips, verb.trips} {
						before := wire.trips.Load()
						verb.do(t, p)
						if got := wire.trips.Load() - before; got != want {
							t.Errorf("%d trips, want %d", got, want)
						}
					}
				})
			}
		})
	}
}
