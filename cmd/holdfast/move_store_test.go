package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/holdfast-go/holdfast/internal/storeurl"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/migrate"
	"github.com/holdfast-go/holdfast/session"
)

// asTool is set in the environment of a test binary that is to be the tool.
const asTool = "HOLDFAST_TEST_AS_TOOL"

// start starts the tool as a process of its own.
func start(t *testing.T, args ...string) (process *exec.Cmd, output *bytes.Buffer) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), asTool+"=1")
	cmd.WaitDelay = time.Minute
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, &out
}

// finish runs the tool as a process of its own, which is to end with the code.
func finish(t *testing.T, code int, args ...string) string {
	t.Helper()
	cmd, out := start(t, args...)
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != code {
		t.Fatalf("holdfast %q: %v, want exit code %d\n%s", args, err, code, out)
	}
	return out.String()
}

func newSpace() string { return "test_" + strings.ToLower(rand.Text()) }

func redisURL(tb testing.TB, space string) string {
	return "redis://" + testserver.SharedRedis(tb) + "/0?dial_timeout=1m&read_timeout=1m&prefix=" + space + ":"
}

func postgresURL(tb testing.TB, space string) string {
	server := testserver.SharedPostgres(tb)
	tb.Cleanup(func() { dropTable(tb, server, space) })
	join := "?"
	if strings.Contains(server, "?") {
		join = "&"
	}
	return server + join + "table=" + space
}

func openURL(t *testing.T, storeURL string) provider.Provider {
	t.Helper()
	s, err := storeurl.Open(t.Context(), storeURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s.Provider
}

var tokens = session.NewKey[[]string]("tokens")

// visitors are devices that use the program all the time. Each remembers what it was
// told that is saved.
type visitors struct {
	devices []*device
	saved   [][]string
	stop    context.CancelFunc
	group   sync.WaitGroup
}

func newVisitors(s *site, n int) *visitors {
	v := &visitors{saved: make([][]string, n)}
	for i := range n {
		v.devices = append(v.devices, s.signIn(fmt.Sprint("user-", i)))
	}
	return v
}

// begin lets all of them add tokens until end.
func (v *visitors) begin(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	v.stop = stop
	for i, d := range v.devices {
		v.group.Go(func() {
			for ctx.Err() == nil && !t.Failed() {
				token := rand.Text()
				code := d.visit(func(s *session.Session) {
					tokens.Update(s, func(all []string) []string { return append(all, token) })
				})
				if code != http.StatusOK {
					t.Errorf("a request was answered with %d", code)
					return
				}
				v.saved[i] = append(v.saved[i], token)
				time.Sleep(time.Duration(i) * time.Millisecond) // the sessions do not become too large
			}
		})
	}
}

func (v *visitors) end() {
	v.stop()
	v.group.Wait()
}

// check reports sessions that have lost something, in the program of s.
func (v *visitors) check(s *site) {
	s.t.Helper()
	for i, d := range v.devices {
		d.site = s
		var got []string
		d.visit(func(s *session.Session) { got, _ = tokens.Get(s) })
		if !slices.Equal(got, v.saved[i]) {
			s.t.Errorf("the session of visitor %d has %d tokens, want %d", i, len(got), len(v.saved[i]))
		}
	}
}

// A move from Redis to PostgreSQL is killed while visitors use the program, and is run
// again. It signs nobody out and loses nothing.
func TestMoveThatIsKilled(t *testing.T) {
	space := newSpace()
	fromURL, toURL := redisURL(t, space), postgresURL(t, space)
	pair := []string{"-from", fromURL, "-to", toURL}
	if text := finish(t, exitFailed, append([]string{"move", "-yes"}, pair...)...); !strings.Contains(text, "if the table "+space+" of PostgreSQL does not exist, give -create") {
		t.Errorf("without a table: %s", text)
	}
	finish(t, exitDone, "create", "-store", toURL)
	from, to := openURL(t, fromURL), openURL(t, toURL)
	recs := fill(t, from, 500)
	p, err := migrate.New(from, to, migrate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	v := newVisitors(newSite(t, p, session.Config{StoreTimeout: time.Minute}), 5)
	v.begin(t)
	says(t, finish(t, exitFailed, append([]string{"move", "-verify"}, pair...)...), "not complete: ")

	kill := stuckAt(t, toURL, space, recs[250].ID, append([]string{"move", "-yes"}, pair...)...)
	kill()
	if status, err := p.Status(t.Context()); err != nil || status.Left == 0 {
		t.Errorf("after the kill: %+v and error %v, want some that are left", status, err)
	}
	says(t, finish(t, exitFailed, append([]string{"move", "-verify"}, pair...)...), "not complete: ")
	says(t, finish(t, exitDone, append([]string{"move", "-yes"}, pair...)...), "not moved 0", "complete: ")
	says(t, finish(t, exitDone, append([]string{"move", "-verify"}, pair...)...), "not moved 0", "complete: ")
	v.end()

	has(t, to, recs...)
	v.check(newSite(t, to, session.Config{StoreTimeout: time.Minute}))
	says(t, finish(t, exitDone, append([]string{"move", "-clean", "-yes"}, pair...)...), "removed ")
	if n := number(t, from); n != 0 {
		t.Errorf("-from has %d records", n)
	}
}

// stuckAt starts the tool, which gets stuck at a record, since PostgreSQL has a row of
// that ID that is not committed. Kill kills the tool there.
func stuckAt(t *testing.T, toURL, table, id string, args ...string) (kill func()) {
	t.Helper()
	ctx := t.Context()
	server := testserver.SharedPostgres(t)
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := conn.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(ctx, "INSERT INTO "+table+" (id, version, format, data) VALUES ($1, 1, '', '')", id); err != nil {
		t.Fatal(err)
	}
	watch, err := pgx.Connect(ctx, server)
	if err != nil {
		t.Fatal(err)
	}
	cmd, out := start(t, args...)
	for stuck := false; !stuck; time.Sleep(10 * time.Millisecond) {
		if ctx.Err() != nil || cmd.ProcessState != nil {
			t.Fatalf("the tool is not stuck\n%s", out)
		}
		const query = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%' || $1 || '%' AND pid <> pg_backend_pid())"
		if err := watch.QueryRow(ctx, query, table).Scan(&stuck); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err == nil {
			t.Errorf("the tool was not killed\n%s", out)
		}
		if err := tx.Rollback(ctx); err != nil {
			t.Error(err)
		}
		_ = conn.Close(ctx)
		_ = watch.Close(ctx)
	}
}

// A session that is too large for DynamoDB stays in Redis, where it can be used, and is
// reported by every command.
func TestMoveOfARecordThatIsTooLarge(t *testing.T) {
	space := newSpace()
	fromURL := redisURL(t, space)
	toURL := "dynamodb://holdfast_test?prefix=" + space + "&endpoint=" + url.QueryEscape(testserver.SharedDynamoDB(t))
	pair := []string{"-from", fromURL, "-to", toURL}
	from := openURL(t, fromURL)
	s := newSite(t, from, session.Config{StoreTimeout: time.Minute, MaxSize: 1 << 20})
	ada, bob := s.signIn("ada"), s.signIn("bob")
	ada.visit(func(s *session.Session) { name.Set(s, strings.Repeat("x", 500<<10)) })

	text := finish(t, exitFailed, append([]string{"move", "-dry-run", "-create"}, pair...)...)
	says(t, text, "to be moved 4", "would be refused 1", "too large: over 399.", "1 record would be refused")
	text = finish(t, exitFailed, append([]string{"move", "-yes"}, pair...)...)
	says(t, text, "moved 3", "not moved 1", "too large 1", "1 too large for a store")
	text = finish(t, exitFailed, append([]string{"move", "-verify"}, pair...)...)
	says(t, text, "not moved 1", "not complete: 1 record of -from is not moved")
	says(t, finish(t, exitFailed, append([]string{"copy"}, pair...)...), "finish the move")

	p, err := migrate.New(from, openURL(t, toURL), migrate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	moved := newSite(t, p, session.Config{StoreTimeout: time.Minute, MaxSize: 1 << 20})
	ada.site, bob.site = moved, moved
	moved.wantAlive(ada)
	moved.wantAlive(bob)
	ada.visit(func(s *session.Session) { name.Delete(s) })
	says(t, finish(t, exitDone, append([]string{"move", "-yes"}, pair...)...), "moved 1", "complete: ")
	moved.wantAlive(ada)
}

// A backup of Redis, restored in PostgreSQL, has the sessions as they were. What was
// ended since is open again until it is revoked.
func TestBackupOfOneStoreInAnother(t *testing.T) {
	space := newSpace()
	fromURL, toURL := redisURL(t, space), postgresURL(t, space)
	backupURL := "backup:" + filepath.Join(t.TempDir(), "x.hfb")
	t.Setenv(sealsEnv, sealKey)
	s := newSite(t, openURL(t, fromURL), session.Config{StoreTimeout: time.Minute})
	ada, bob := s.signIn("ada"), s.signIn("bob")
	finish(t, exitDone, "copy", "-from", fromURL, "-to", backupURL)
	ended := *bob
	bob.visit((*session.Session).Destroy)

	text := finish(t, exitDone, "copy", "-create", "-revive", "-from", backupURL, "-to", toURL)
	says(t, text, "copied, or there already 4")
	finish(t, exitDone, "copy", "-verify", "-from", backupURL, "-to", toURL)
	os.Unsetenv(sealsEnv)
	restored := newSite(t, openURL(t, toURL), session.Config{StoreTimeout: time.Minute})
	ada.site, ended.site = restored, restored
	restored.wantAlive(ada)
	restored.wantAlive(&ended)
	finish(t, exitDone, "revoke", "-store", toURL, "-user", "bob")
	restored.wantEnded(&ended)
	restored.wantAlive(ada)
}
