package main

import (
	"io"

	"github.com/holdfast-go/holdfast/bench/internal/machine"
)

// writeMachine writes what the results depend on.
func writeMachine(w io.Writer) error {
	return machine.Write(w, []string{"redis", "postgres", "mariadb", "etcd"}, libraries)
}

// libraries are the modules of the libraries whose versions the page shows.
var libraries = map[string]string{
	"scs":              "github.com/alexedwards/scs/v2",
	"goredisstore":     "github.com/alexedwards/scs/goredisstore",
	"pgxstore":         "github.com/alexedwards/scs/pgxstore",
	"gorilla-sessions": "github.com/gorilla/sessions",
	"redistore":        "github.com/boj/redistore",
	"gin":              "github.com/gin-gonic/gin",
	"gin-sessions":     "github.com/gin-contrib/sessions",
	"fiber":            "github.com/gofiber/fiber/v3",
	"fiber-redis":      "github.com/gofiber/storage/redis/v3",
	"fasthttp":         "github.com/valyala/fasthttp",
	"go-redis":         "github.com/redis/go-redis/v9",
	"pgx":              "github.com/jackc/pgx/v5",
	"go-sqlite3":       "github.com/ncruces/go-sqlite3",
	"mysql":            "github.com/go-sql-driver/mysql",
	"etcd-client":      "go.etcd.io/etcd/client/v3",
	"nats.go":          "github.com/nats-io/nats.go",
	"nats-server":      "github.com/nats-io/nats-server/v2",
	"securecookie":     "github.com/gorilla/securecookie",
}
