package timeouts

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// visit logs a user in. It returns a function that sends a request of that user, and returns
// the status and the seconds that are left.
func visit(t *testing.T, name string) func(method string) (status, seconds int) {
	sessions, err := session.New(memory.New(), session.Config{SigningKeys: [][]byte{make([]byte, 32)}})
	if err != nil {
		t.Fatal(err)
	}
	site := (&Site{sessions}).Routes()
	login := httptest.NewRecorder()
	form := httptest.NewRequest("POST", "https://example.com/login", strings.NewReader("name="+name))
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	site.ServeHTTP(login, form)
	cookie := login.Result().Cookies()[0]
	return func(method string) (status, seconds int) {
		r := httptest.NewRequest(method, "https://example.com/session", nil)
		r.AddCookie(&http.Cookie{Name: cookie.Name, Value: cookie.Value})
		w := httptest.NewRecorder()
		site.ServeHTTP(w, r)
		var answer struct{ Seconds int }
		if w.Code == http.StatusOK {
			if err := json.NewDecoder(w.Body).Decode(&answer); err != nil {
				t.Error(err)
			}
		}
		return w.Code, answer.Seconds
	}
}

func TestAskingDoesNotExtend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, limit := range map[string]int{"root": 600, "ann": 3600} {
			send := visit(t, name)
			for past := 0; past < limit; past += limit / 10 {
				if status, seconds := send("GET"); status != 200 || seconds != limit-past {
					t.Errorf("%s after %d s: status %d, %d left", name, past, status, seconds)
				}
				time.Sleep(time.Duration(limit/10) * time.Second)
			}
			if status, seconds := send("GET"); status != 200 || seconds != 0 {
				t.Errorf("%s after the end: status %d, %d left", name, status, seconds)
			}
			if status, _ := send("POST"); status != http.StatusConflict {
				t.Errorf("%s after the end: it stays, with status %d", name, status)
			}
		}
	})
}

func TestStayingExtendsUpToTheLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		send := visit(t, "root")
		for range 4*60/8 - 1 {
			time.Sleep(8 * time.Minute)
			if status, seconds := send("POST"); status != 200 || seconds > 600 || seconds < 480 {
				t.Fatalf("status %d, %d left", status, seconds)
			}
		}
		time.Sleep(7 * time.Minute)
		if status, seconds := send("POST"); status != 200 || seconds != 60 {
			t.Errorf("at the end of the lifetime: status %d, %d left", status, seconds)
		}
	})
}
