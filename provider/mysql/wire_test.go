package mysql_test

import (
	"context"
	"io"
	"net"
	"sync/atomic"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	mysqlprovider "github.com/holdfast-go/holdfast/provider/mysql"
)

// A tap counts the trips of a client: the commands that the server answers.
type tap struct{ trips atomic.Int64 }

// listen routes connections through the tap.
func (tp *tap) listen(cfg *mysql.Config) {
	var dialer net.Dialer
	cfg.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &tapped{Conn: conn, tap: tp}, nil
	}
}

type tapped struct {
	net.Conn
	tap  *tap
	sent []byte // of a packet that is not complete
}

// Write counts what a client sends before the server can answer it. A command is a packet
// with number 0. There is no answer to COM_QUIT (1), COM_STMT_SEND_LONG_DATA (24) and
// COM_STMT_CLOSE (25). The packets of a login have numbers from 1 on.
// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_packets.html
func (c *tapped) Write(b []byte) (int, error) {
	c.sent = append(c.sent, b...)
	for len(c.sent) > 4 {
		length := 4 + int(c.sent[0]) + int(c.sent[1])<<8 + int(c.sent[2])<<16
		if len(c.sent) < length {
			break
		}
		if kind := c.sent[4]; c.sent[3] == 0 && kind != 1 && kind != 24 && kind != 25 {
			c.tap.trips.Add(1)
		}
		c.sent = c.sent[length:]
	}
	return c.Conn.Write(b)
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
	{"Save that creates in place of an expired record", 4, func(t *testing.T, p provider.Provider) {
		storetest.Save(t, p, wireExpired, 0, nil)
	}},
	{"Delete", 1, func(t *testing.T, p provider.Provider) {
		if err := p.Delete(t.Context(), "missing"); err != nil {
			t.Error(err)
		}
	}},
	{"List", 1, func(t *testing.T, p provider.Provider) { lists(t, p, wireRecord.ID, wireRecord.ID) }},
}

var (
	wireRecord  = storetest.NewRecord()
	wireExpired = func() *provider.Record {
		rec := storetest.NewRecord()
		rec.ExpiresAt = provider.FromMillis(1)
		return rec
	}()
)

// Only a Save that does not land takes a second trip. Without interpolateParams, each
// statement with arguments is prepared, by a trip of its own. The first call checks the
// settings.
func TestTrips(t *testing.T) {
	for interpolate, perStatement := range map[bool]int64{true: 1, false: 2} {
		name := map[bool]string{true: "interpolated", false: "prepared"}[interpolate]
		t.Run(name, func(t *testing.T) {
			for _, verb := range verbs {
				t.Run(verb.name, func(t *testing.T) {
					beside, _, table := store(t)
					storetest.Save(t, beside, wireRecord, 0, nil)
					storetest.Save(t, beside, wireExpired, 0, nil)
					cfg := config(t)
					cfg.InterpolateParams = interpolate
					var wire tap
					wire.listen(cfg)
					db := open(t, cfg)
					db.SetMaxOpenConns(1)
					if err := db.PingContext(t.Context()); err != nil {
						t.Fatal(err)
					}
					p := mysqlprovider.New(db, mysqlprovider.Table(table))
					for i, want := range []int64{1 + perStatement*verb.trips, perStatement * verb.trips, perStatement * verb.trips} {
						before := wire.trips.Load()
						verb.do(t, p)
						if got := wire.trips.Load() - before; got != want {
							t.Errorf("call %d: %d trips, want %d", i+1, got, want)
						}
					}
				})
			}
		})
	}
}

// A connection of Open takes the login and one trip that sets its variables.
func TestTripsOfNewConnection(t *testing.T) {
	proxy := newRelay(t)
	p := openURL(t, proxy.url, mysqlprovider.Table(newTable(t)))
	storetest.WantNoRecord(t, p, "missing")
	if got, want := proxy.wire.trips.Load(), int64(3); got != want { // with the check and the SELECT
		t.Errorf("%d trips, want %d", got, want)
	}
}

// A relay passes the bytes of clients on to the shared server and counts their trips.
type relay struct {
	url  string
	wire tap
}

func newRelay(t *testing.T) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	cfg := config(t)
	r := &relay{url: "mysql://" + cfg.User + ":" + cfg.Passwd + "@" + l.Addr().String() + "/" + cfg.DBName}
	r.wire.listen(cfg)
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go relayTo(client, cfg)
		}
	}()
	return r
}

func relayTo(client net.Conn, cfg *mysql.Config) {
	defer client.Close()
	server, err := cfg.DialFunc(context.Background(), cfg.Net, cfg.Addr)
	if err != nil {
		return
	}
	defer server.Close()
	go io.Copy(client, server)
	io.Copy(server, client)
}
