package redis_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/redis"
	"github.com/holdfast-go/holdfast/session"
)

// behind is the provider of an app whose clock is behind the server's.
type behind struct {
	*redis.Provider
	by time.Duration
}

func (b behind) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	rec = rec.Clone()
	rec.ExpiresAt = rec.ExpiresAt.Add(-b.by)
	return b.Provider.Save(ctx, rec, expectVersion)
}

// With a clock of the server's that is ahead, each session has expired when it is
// stored. The visitor stays anonymous, which is logged.
func TestServerClockAheadIsLogged(t *testing.T) {
	visits := session.NewKey[int]("visits")
	for ahead, want := range map[time.Duration]bool{2 * time.Hour: true, 0: false} {
		var log bytes.Buffer
		p := open(t, "redis://"+testserver.SharedRedis(t))
		m, err := session.New(behind{p, ahead}, session.Config{
			SigningKeys:  [][]byte{bytes.Repeat([]byte("k"), 32)},
			StoreTimeout: patience,
			Cookie:       session.Cookie{Insecure: true},
			Logger:       slog.New(slog.NewTextHandler(&log, nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		h := m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { visits.Set(s, 1) })
		login := httptest.NewRecorder()
		h.ServeHTTP(login, httptest.NewRequest(http.MethodPost, "/", nil))
		cookies := login.Result().Cookies()
		if login.Code != http.StatusOK || len(cookies) != 1 {
			t.Fatalf("got %d and cookies %v", login.Code, cookies)
		}
		next := httptest.NewRequest(http.MethodPost, "/", nil)
		next.AddCookie(cookies[0])
		h.ServeHTTP(httptest.NewRecorder(), next)
		if got := strings.Contains(log.String(), "if the clock of the store is ahead"); got != want {
			t.Errorf("%v ahead: logged is %v, want %v: %s", ahead, got, want, &log)
		}
	}
}
