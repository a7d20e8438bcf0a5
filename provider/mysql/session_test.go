package mysql_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	mysqlprovider "github.com/holdfast-go/holdfast/provider/mysql"
	"github.com/holdfast-go/holdfast/session"
)

var visits = session.NewKey[int]("visits")

func visit(s *session.Session) { visits.Update(s, func(n int) int { return n + 1 }) }

// manager returns a manager over the provider, and what it logs.
func manager(t *testing.T, p *mysqlprovider.Provider, change ...func(*session.Config)) (*session.Manager, *bytes.Buffer) {
	t.Helper()
	log := new(bytes.Buffer)
	cfg := session.Config{
		SigningKeys:  [][]byte{bytes.Repeat([]byte("k"), 32)},
		StoreTimeout: storetest.Patience,
		Cookie:       session.Cookie{Insecure: true},
		Logger:       slog.New(slog.NewTextHandler(log, nil)),
	}
	for _, f := range change {
		f(&cfg)
	}
	m, err := session.New(p, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m, log
}

// ask sends a POST with the cookie, if it is not "", and returns the answer and the
// cookie to go on with.
func ask(h http.Handler, cookie string) (*httptest.ResponseRecorder, string) {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if set := w.Header().Get("Set-Cookie"); set != "" {
		cookie, _, _ = strings.Cut(set, ";")
	}
	return w, cookie
}

// A save that waits for a lock when the time of its request is over may land later. The
// visitor is told that the outcome is unknown. The change is then found in the session,
// once.
func TestAbandonedSaveOfSessionIsOfUnknownOutcome(t *testing.T) {
	p, db, table := store(t)
	m, _ := manager(t, p)
	patient := m.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) { visit(s) })
	first, cookie := ask(patient, "")
	if first.Code != http.StatusOK {
		t.Fatalf("got %d", first.Code)
	}

	var failure error
	hurried, _ := manager(t, p, func(cfg *session.Config) {
		cfg.StoreTimeout = 500 * time.Millisecond
		cfg.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, err error) {
			failure = err
			w.WriteHeader(session.StatusCode(err))
		}
	})
	var tx *sql.Tx
	got, _ := ask(hurried.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
		visit(s)
		tx = begin(t, db)
		run(t, tx, "SELECT MAX(id) INTO @x FROM "+table+" FOR UPDATE")
	}), cookie)
	if !errors.Is(failure, session.ErrOutcomeUnknown) || got.Code == http.StatusOK {
		t.Errorf("got %d and error %v, want ErrOutcomeUnknown", got.Code, failure)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	storetest.Eventually(t, "landed", func() bool {
		n := 0
		ask(m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { n, _ = visits.Get(s) }), cookie)
		return n == 2
	})
	noneWaits(t, db) // the repetitions of the save have met the record that it has stored
	n := 0
	ask(m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { n, _ = visits.Get(s) }), cookie)
	if n != 2 {
		t.Errorf("%d visits, want 2", n)
	}
}

// The connection breaks while a save waits for a lock. Within the time of the request the
// session is read back, and the save repeated: the change is made once.
func TestBrokenSaveOfSessionIsReadBack(t *testing.T) {
	p, db, table := store(t)
	m, _ := manager(t, p)
	_, cookie := ask(m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { visit(s) }), "")
	locked := make(chan struct{})
	answered := make(chan int, 1)
	go func() {
		got, _ := ask(m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
			visit(s)
			locked <- struct{}{} // once the session was read
			<-locked
		}), cookie)
		answered <- got.Code
	}()
	<-locked
	tx := begin(t, db)
	run(t, tx, "SELECT MAX(id) INTO @x FROM "+table+" FOR UPDATE")
	locked <- struct{}{}
	first := waiting(t, db, table)
	run(t, db, fmt.Sprint("KILL ", first))
	storetest.Eventually(t, "repeated", func() bool { return waiting(t, db, table) != first })
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	code, n := <-answered, 0
	ask(m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { n, _ = visits.Get(s) }), cookie)
	if code != http.StatusOK || n != 2 {
		t.Errorf("got %d and %d visits, want 200 and 2", code, n)
	}
}

// With a clock of the database's that is ahead, each session has expired when it is
// stored. The visitor stays anonymous, which is logged.
func TestDatabaseClockAheadIsLogged(t *testing.T) {
	at := clock(t)
	for ahead, want := range map[time.Duration]bool{2 * time.Hour: true, 0: false} {
		p := mysqlprovider.New(at(time.Now().Add(ahead)))
		if err := p.CreateTable(t.Context()); err != nil {
			t.Fatal(err)
		}
		m, log := manager(t, p)
		h := m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { visit(s) })
		login, cookie := ask(h, "")
		if login.Code != http.StatusOK || cookie == "" {
			t.Fatalf("got %d and cookie %q", login.Code, cookie)
		}
		ask(h, cookie)
		if got := strings.Contains(log.String(), "if the clock of the store is ahead"); got != want {
			t.Errorf("%v ahead: logged is %v, want %v: %s", ahead, got, want, log)
		}
	}
}

// The trouble with a pool that handlers share with their sessions, and its remedies, as
// the package's documentation has them.
func TestPoolSharedWithTheHandler(t *testing.T) {
	table := newTable(t)
	for name, test := range map[string]struct {
		own     bool // the sessions have a pool of their own
		save    bool // before the handler takes its connection
		release bool // before it writes the response
		want    int
	}{
		"a handler that holds the last connection while it writes": {want: http.StatusServiceUnavailable},
		"Save before":                 {save: true, want: http.StatusOK},
		"release before":              {release: true, want: http.StatusOK},
		"a pool of the sessions' own": {own: true, want: http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			db := open(t, config(t))
			db.SetMaxOpenConns(1)
			sessions := db
			if test.own {
				sessions = open(t, config(t))
			}
			timeout := storetest.Patience
			if test.want != http.StatusOK {
				timeout = 100 * time.Millisecond
			}
			var failure error
			m, _ := manager(t, mysqlprovider.New(sessions, mysqlprovider.Table(table)), func(cfg *session.Config) {
				cfg.StoreTimeout = timeout
				cfg.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, err error) {
					failure = err
					w.WriteHeader(session.StatusCode(err))
				}
			})
			got, _ := ask(m.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
				visit(s)
				if test.save {
					if err := s.Save(r.Context()); err != nil {
						t.Error(err)
					}
				}
				conn, err := db.Conn(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				if test.release {
					conn.Close()
				}
				io.WriteString(w, "page")
			}), "")
			if got.Code != test.want {
				t.Errorf("got %d and error %v, want %d", got.Code, failure, test.want)
			}
			if test.want != http.StatusOK && (!errors.Is(failure, session.ErrUnavailable) || errors.Is(failure, session.ErrOutcomeUnknown)) {
				t.Errorf("got error %v, want ErrUnavailable, and no unknown outcome", failure)
			}
		})
	}
}
