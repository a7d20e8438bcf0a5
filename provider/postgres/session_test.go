package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider/postgres"
	"github.com/holdfast-go/holdfast/session"
)

var visits = session.NewKey[int]("visits")

func visit(s *session.Session) { visits.Update(s, func(n int) int { return n + 1 }) }

// manager returns a manager over the provider, and what it logs.
func manager(t *testing.T, p *postgres.Provider, change ...func(*session.Config)) (*session.Manager, *bytes.Buffer) {
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

// With a clock of the database's that is ahead, each session has expired when it is
// stored. The visitor stays anonymous, which is logged.
func TestDatabaseClockAheadIsLogged(t *testing.T) {
	_, pool, table := store(t)
	for ahead, want := range map[time.Duration]bool{2 * time.Hour: true, 0: false} {
		cfg, set := clock(t, pool)
		set(time.Now().Add(ahead))
		m, log := manager(t, postgres.New(open(t, cfg), postgres.Table(table)))
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
			cfg := config(t)
			cfg.MaxConns = 1
			pool := open(t, cfg)
			sessions := pool
			if test.own {
				sessions = open(t, config(t))
			}
			timeout := storetest.Patience
			if test.want != http.StatusOK {
				timeout = 100 * time.Millisecond
			}
			var failure error
			m, _ := manager(t, postgres.New(sessions, postgres.Table(table)), func(cfg *session.Config) {
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
				conn := acquire(t, pool)
				defer conn.Release()
				if test.release {
					conn.Release()
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

func acquire(t *testing.T, pool *pgxpool.Pool) *pgxpool.Conn {
	t.Helper()
	conn, err := pool.Acquire(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return conn
}
