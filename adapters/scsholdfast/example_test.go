package scsholdfast_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	scs "github.com/holdfast-go/holdfast/adapters/scsholdfast"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// The code of an app of scs; only its imports and the Store are others.
func Example() {
	sessions := scs.New()
	sessions.Store = memory.New()
	sessions.Lifetime = 12 * time.Hour
	sessions.Cookie.Secure = true

	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		if err := sessions.RenewToken(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		sessions.Put(r.Context(), "user", "Ann")
	})
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "Hello,", sessions.GetString(r.Context(), "user"))
	})
	app := sessions.LoadAndSave(mux)

	w := httptest.NewRecorder()
	app.ServeHTTP(w, httptest.NewRequest("POST", "/login", nil))
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(w.Result().Cookies()[0])
	w = httptest.NewRecorder()
	app.ServeHTTP(w, r)
	fmt.Print(w.Body)
	// Output: Hello, Ann
}

// The types of the shop are those that the old program has registered with gob.Register.
func ExampleImport() {
	var oldStore scs.ImportStore // for example goredisstore.New(client)

	sessions := scs.New()
	sessions.Store = memory.New()
	sessions.Import = &scs.Import{Store: oldStore}
}

// A handler that reads a value and puts it back runs again after a conflict.
func ExampleSessionManager_Replay() {
	sessions := scs.New()
	mux := http.NewServeMux()
	mux.Handle("POST /cart", sessions.Replay(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		items := sessions.GetInt(r.Context(), "items")
		sessions.Put(r.Context(), "items", items+1)
		fmt.Fprintln(w, items+1, "items")
	})))
	app := sessions.LoadAndSave(mux)

	w := httptest.NewRecorder()
	app.ServeHTTP(w, httptest.NewRequest("POST", "/cart", nil))
	fmt.Print(w.Body)
	// Output: 1 items
}

// A counter that no parallel request can lose.
func ExampleSessionManager_Session() {
	visits := session.NewKey[int]("visits")

	sessions := scs.New()
	ctx, err := sessions.Load(context.Background(), "")
	if err != nil {
		fmt.Println(err)
		return
	}
	sessions.Put(ctx, "visits", 1)
	visits.Update(sessions.Session(ctx), func(n int) int { return n + 1 })
	fmt.Println(sessions.GetInt(ctx, "visits"))
	// Output: 2
}

// Sign a user out everywhere.
func ExampleSessionManager_Iterate() {
	sessions := scs.New()
	signOut := func(ctx context.Context, user string) error {
		return sessions.Iterate(ctx, func(ctx context.Context) error {
			if sessions.GetString(ctx, "user") == user {
				return sessions.Destroy(ctx)
			}
			return nil
		})
	}

	ctx, err := sessions.Load(context.Background(), "")
	if err != nil {
		fmt.Println(err)
		return
	}
	sessions.Put(ctx, "user", "Ann")
	token, _, err := sessions.Commit(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := signOut(context.Background(), "Ann"); err != nil {
		fmt.Println(err)
		return
	}
	ctx, err = sessions.Load(context.Background(), token)
	fmt.Println(sessions.Keys(ctx), err)
	// Output: [] <nil>
}

// Two tabs that show the same flash message do not conflict.
func ExampleSessionManager_lastWriteWins() {
	sessions := scs.New()
	sessions.LastWriteWins = func(key string) bool { return key == "flash" }
}
