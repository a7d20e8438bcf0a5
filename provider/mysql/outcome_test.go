package mysql_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	mysqlprovider "github.com/holdfast-go/holdfast/provider/mysql"
)

// An outcome is how certain an error is.
type outcome struct{ notSaved, refused bool }

var (
	inDoubt  = outcome{}
	notSaved = outcome{notSaved: true}
	refused  = outcome{notSaved: true, refused: true}
)

// ends wants changes to end with an error of that outcome.
func ends(t *testing.T, p *mysqlprovider.Provider, want outcome) {
	t.Helper()
	ctx := t.Context()
	for name, change := range map[string]func() error{
		"create":    func() error { return p.Save(ctx, storetest.NewRecord(), 0) },
		"update":    func() error { return p.Save(ctx, storetest.NewRecord(), 7) },
		"unchecked": func() error { return p.Save(ctx, storetest.NewRecord(), -1) },
		"delete":    func() error { return p.Delete(ctx, "none") },
	} {
		isOutcome(t, name, change(), want)
	}
}

func isOutcome(t *testing.T, name string, err error, want outcome) {
	t.Helper()
	got := outcome{errors.Is(err, provider.ErrNotSaved), errors.Is(err, provider.ErrRefused)}
	if err == nil || got != want || errors.Is(err, provider.ErrVersionConflict) {
		t.Errorf("%s: got %+v, want %+v: %v", name, got, want, err)
	}
}

// What was not sent, and what the server refused, has certainly not been saved.
func TestNotSaved(t *testing.T) {
	for name, test := range map[string]struct {
		open func(t *testing.T) *mysqlprovider.Provider
		want outcome
	}{
		"a closed port": {func(t *testing.T) *mysqlprovider.Provider {
			cfg := config(t)
			cfg.Addr = testserver.FreeAddr(t)
			return mysqlprovider.New(open(t, cfg))
		}, notSaved},
		"a closed pool": {func(t *testing.T) *mysqlprovider.Provider {
			p, db, _ := store(t)
			db.Close()
			return p
		}, notSaved},
		"no such database": {func(t *testing.T) *mysqlprovider.Provider {
			cfg := config(t)
			cfg.DBName = newName()
			return mysqlprovider.New(open(t, cfg))
		}, refused},
		"no database": {func(t *testing.T) *mysqlprovider.Provider {
			cfg := config(t)
			cfg.DBName = ""
			return mysqlprovider.New(open(t, cfg))
		}, refused},
		"no such user": {func(t *testing.T) *mysqlprovider.Provider {
			cfg := config(t)
			cfg.User, cfg.Passwd = "nobody_of_this_name", password
			return mysqlprovider.New(open(t, cfg))
		}, refused},
		"no such variable": {func(t *testing.T) *mysqlprovider.Provider {
			cfg := config(t)
			cfg.Params["no_such_variable"] = "1"
			return mysqlprovider.New(open(t, cfg))
		}, refused},
		"a missing table": {func(t *testing.T) *mysqlprovider.Provider {
			return mysqlprovider.New(open(t, config(t)), mysqlprovider.Table(newName()))
		}, refused},
		"a user without privileges": {func(t *testing.T) *mysqlprovider.Provider {
			_, admin, table := store(t)
			return mysqlprovider.New(open(t, user(t, admin, "USAGE ON *.*")), mysqlprovider.Table(table))
		}, refused},
		"a user with one connection, which is taken": {func(t *testing.T) *mysqlprovider.Provider {
			_, admin, table := store(t)
			cfg := user(t, admin, "SELECT, INSERT, UPDATE, DELETE ON *.*")
			run(t, admin, "ALTER USER "+cfg.User+" WITH MAX_USER_CONNECTIONS 1")
			begin(t, open(t, cfg))
			return mysqlprovider.New(open(t, cfg), mysqlprovider.Table(table))
		}, refused},
		"a transaction that is read-only": {func(t *testing.T) *mysqlprovider.Provider {
			cfg := config(t)
			variable := map[bool]string{true: "tx_read_only", false: "transaction_read_only"}[isMariaDB(t)]
			cfg.Params[variable] = "1"
			return mysqlprovider.New(open(t, cfg), mysqlprovider.Table(newTable(t)))
		}, refused},
	} {
		t.Run(name, func(t *testing.T) { ends(t, test.open(t), test.want) })
	}
}

func TestReadOnlyServerRefuses(t *testing.T) {
	server := testserver.MariaDB(t, "--read-only")
	admin := open(t, parse(t, server.URL))
	if err := mysqlprovider.New(admin).CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := mysqlprovider.New(open(t, userOf(t, admin, parse(t, server.URL), "SELECT, INSERT, UPDATE, DELETE ON *.*")))
	ends(t, p, refused)
	says(t, p.Save(t.Context(), storetest.NewRecord(), 0), "connect to the primary")
}

func TestFullServerRefuses(t *testing.T) {
	server := testserver.MariaDB(t, "--max-connections=10") // and one of an administrator's
	admin := open(t, parse(t, server.URL))
	cfg := userOf(t, admin, parse(t, server.URL), "ALL ON *.*")
	db := open(t, cfg)
	db.SetMaxOpenConns(0)
	for {
		if _, err := db.BeginTx(t.Context(), nil); err != nil {
			break
		}
	}
	p := mysqlprovider.New(open(t, cfg))
	ends(t, p, refused)
	says(t, p.Save(t.Context(), storetest.NewRecord(), 0), "max_connections")
}

// A table that is full is one in memory here. That of a full disk ends with the same
// error.
func TestFullTable(t *testing.T) {
	db, table := open(t, config(t)), newName()
	run(t, db, "CREATE TABLE "+table+" (id VARBINARY(255) PRIMARY KEY, version BIGINT NOT NULL, expires_at BIGINT NOT NULL, format VARBINARY(255) NOT NULL, data VARBINARY(4000) NOT NULL) ENGINE=MEMORY MAX_ROWS=1")
	t.Cleanup(func() { run(t, db, "DROP TABLE "+table) })
	p := mysqlprovider.New(db, mysqlprovider.Table(table))
	var err error
	storetest.Eventually(t, "full", func() bool {
		rec := storetest.NewRecord()
		rec.Data = make([]byte, 4000)
		err = p.Save(t.Context(), rec, 0)
		return err != nil
	})
	isOutcome(t, "Save", err, refused)
	if !errors.Is(err, provider.ErrFull) {
		t.Errorf("got error %v, want ErrFull", err)
	}
}

// The time is over before there is a connection.
func TestNotSavedForWantOfConnection(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := mysqlprovider.New(busy(t)).Save(ctx, storetest.NewRecord(), 0)
	isOutcome(t, "Save", err, refused)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v, want DeadlineExceeded", err)
	}
}

// A context whose deadline has passed, and which does not know it yet.
type lateContext struct{ context.Context }

func (lateContext) Deadline() (time.Time, bool) { return time.Now().Add(-time.Millisecond), true }

// The timers of the network may be faster than that of the context.
func TestTimeoutOfNetworkAtDeadline(t *testing.T) {
	timeout := &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}
	p := mysqlprovider.New(faulty(t, faultyDriver{exec: timeout}))
	err := p.Save(lateContext{t.Context()}, storetest.NewRecord(), 7)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v, want DeadlineExceeded", err)
	}
	err = p.Save(t.Context(), storetest.NewRecord(), 7)
	if errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("without a deadline: got error %v", err)
	}
}

// What has been sent is in doubt, until the answer comes.
func TestSentIsInDoubt(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, db *sql.DB, cancel func(), connection int64){
		"the time is over":             func(_ *testing.T, _ *sql.DB, cancel func(), _ int64) { cancel() },
		"the connection is terminated": func(t *testing.T, db *sql.DB, _ func(), id int64) { run(t, db, fmt.Sprint("KILL ", id)) },
		"the statement is cancelled":   func(t *testing.T, db *sql.DB, _ func(), id int64) { run(t, db, fmt.Sprint("KILL QUERY ", id)) },
	} {
		t.Run(name, func(t *testing.T) {
			p, db, table := store(t)
			rec := storetest.NewRecord()
			storetest.Save(t, p, rec, 0, nil)
			lock(t, db, table, rec.ID)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			done := make(chan error, 1)
			go func() { done <- p.Save(ctx, storetest.Next(rec), rec.Version) }()
			end(t, db, cancel, waiting(t, db, table))
			isOutcome(t, "Save", <-done, inDoubt)
		})
	}
}

func TestCertaintyOfErrorNumbers(t *testing.T) {
	state := func(text string) (s [5]byte) { copy(s[:], text); return s }
	for _, c := range []struct {
		number uint16
		state  string
		want   outcome
	}{
		{1062, "23000", refused},
		{1146, "42S02", refused},
		{1142, "42000", refused},
		{1290, "HY000", refused},
		{1836, "HY000", refused},
		{1792, "25006", refused},
		{1114, "HY000", refused},
		{1021, "HY000", refused},
		{1644, "45000", refused},
		{1047, "08S01", refused},
		{1153, "08S01", refused},
		{1364, "HY000", refused},
		{1105, "HY000", inDoubt},
		{1053, "08S01", inDoubt},
		{1317, "70100", inDoubt},
		{1927, "70100", inDoubt},
		{1969, "70100", inDoubt},
		{1158, "08S01", inDoubt},
		{1180, "HY000", inDoubt},
		{1026, "HY000", inDoubt},
		{1030, "HY000", inDoubt},
		{1317, "", inDoubt},
		{9001, "HY000", inDoubt},
		{9001, "42000", inDoubt},
	} {
		p := mysqlprovider.New(faulty(t, faultyDriver{exec: &mysql.MySQLError{Number: c.number, SQLState: state(c.state)}}))
		isOutcome(t, fmt.Sprint(c.number, c.state), p.Save(t.Context(), storetest.NewRecord(), 7), c.want)
	}
	for _, err := range []error{mysql.ErrInvalidConn, io.ErrUnexpectedEOF} {
		p := mysqlprovider.New(faulty(t, faultyDriver{exec: err}))
		isOutcome(t, err.Error(), p.Save(t.Context(), storetest.NewRecord(), 7), inDoubt)
	}
}

// The driver has not sent what it returns ErrBadConn for. A call tries a few connections.
func TestBrokenConnectionsAreNotUsed(t *testing.T) {
	tries := 0
	p := mysqlprovider.New(faulty(t, faultyDriver{exec: driver.ErrBadConn, execs: &tries}))
	isOutcome(t, "Save", p.Save(t.Context(), storetest.NewRecord(), 7), notSaved)
	if tries != 3 {
		t.Errorf("%d tries, want 3", tries)
	}
}

// The write has told that it has changed nothing: what becomes of the read makes no
// difference to that.
func TestFailedReadAfterRefusedWrite(t *testing.T) {
	for _, err := range []error{io.ErrUnexpectedEOF, mysql.ErrInvalidConn, &mysql.MySQLError{Number: 1317}} {
		p := mysqlprovider.New(faulty(t, faultyDriver{query: err}))
		isOutcome(t, fmt.Sprint(err), p.Save(t.Context(), storetest.NewRecord(), 7), notSaved)
	}
}

// A Save that has no effect, and meets nothing that is in its way, must neither claim an
// effect nor try for ever.
func TestHinderedIsRefused(t *testing.T) {
	p := mysqlprovider.New(faulty(t, faultyDriver{}))
	for _, expectVersion := range []int64{0, -1} {
		err := p.Save(t.Context(), storetest.NewRecord(), expectVersion)
		isOutcome(t, fmt.Sprint(expectVersion), err, refused)
		says(t, err, "trigger")
	}
}
