// Command movedapp is the shop of command scsapp after its move to Holdfast. TestMovedApp
// counts the lines that differ.
package main

import (
	"encoding/gob"
	"flag"
	"fmt"
	"log"
	"net/http"
	"time"

	scs "github.com/holdfast-go/holdfast/adapters/scsholdfast"
	redisprovider "github.com/holdfast-go/holdfast/provider/redis"
	"github.com/redis/go-redis/v9"
)

type user struct {
	Name  string
	Since time.Time
}

var sessions *scs.SessionManager

func main() {
	addr := flag.String("addr", "localhost:8080", "address to serve")
	url := flag.String("redis", "redis://localhost:6379/0", "URL of the Redis server")
	flag.Parse()
	options, err := redis.ParseURL(*url)
	if err != nil {
		log.Fatal(err)
	}
	client := redis.NewClient(options)
	gob.Register(user{})
	gob.Register(map[string]int{})

	sessions = scs.New()
	sessions.Store = redisprovider.New(client)
	sessions.Lifetime = 12 * time.Hour
	sessions.IdleTimeout = 30 * time.Minute
	sessions.Cookie.Persist = false

	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", home)
	mux.HandleFunc("POST /login", login)
	mux.HandleFunc("POST /cart", addToCart)
	mux.HandleFunc("POST /logout", logout)
	log.Fatal(http.ListenAndServe(*addr, sessions.LoadAndSave(mux)))
}

func home(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if message := sessions.PopString(ctx, "flash"); message != "" {
		fmt.Fprintln(w, message)
	}
	if u, ok := sessions.Get(ctx, "user").(user); ok {
		fmt.Fprintln(w, "user", u.Name)
	}
	cart, _ := sessions.Get(ctx, "cart").(map[string]int)
	fmt.Fprintln(w, "cart", cart, "total", sessions.GetInt(ctx, "total"))
}

func login(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if err := sessions.RenewToken(ctx); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	name := r.FormValue("name")
	sessions.RememberMe(ctx, r.FormValue("remember") == "on")
	sessions.Put(ctx, "user", user{name, time.Now()})
	sessions.Put(ctx, "flash", "Welcome, "+name)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func addToCart(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	cart, ok := sessions.Get(ctx, "cart").(map[string]int)
	if !ok {
		cart = map[string]int{}
	}
	cart[r.FormValue("item")]++
	sessions.Put(ctx, "cart", cart)
	sessions.Put(ctx, "total", sessions.GetInt(ctx, "total")+1)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func logout(w http.ResponseWriter, r *http.Request) {
	if err := sessions.Destroy(r.Context()); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	sessions.Put(r.Context(), "flash", "Goodbye")
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
