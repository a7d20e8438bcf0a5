package interop_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	coder "github.com/coder/websocket"
	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	gorilla "github.com/gorilla/websocket"
	"github.com/holdfast-go/holdfast/session"
	"github.com/labstack/echo/v5"
)

func peek(w http.ResponseWriter, _ *http.Request, s *session.Session) {
	n, _ := count.Get(s)
	fmt.Fprint(w, n)
}

// sockets are the websocket libraries: each upgrades, and answers every message
// with what reply makes of it.
var sockets = []struct {
	name        string
	sendsCookie bool // that was pending
	upgrade     func(http.ResponseWriter, *http.Request, func(string) string) error
}{
	{"gorilla", false, func(w http.ResponseWriter, r *http.Request, reply func(string) string) error {
		conn, err := new(gorilla.Upgrader).Upgrade(w, r, nil)
		if err != nil {
			return err
		}
		defer conn.Close()
		for {
			kind, msg, err := conn.ReadMessage()
			if err != nil {
				return nil
			}
			if err := conn.WriteMessage(kind, []byte(reply(string(msg)))); err != nil {
				return err
			}
		}
	}},
	{"coder", true, func(w http.ResponseWriter, r *http.Request, reply func(string) string) error {
		conn, err := coder.Accept(w, r, nil)
		if err != nil {
			return err
		}
		defer conn.CloseNow()
		for {
			kind, msg, err := conn.Read(context.Background())
			if err != nil {
				return nil
			}
			if err := conn.Write(context.Background(), kind, []byte(reply(string(msg)))); err != nil {
				return err
			}
		}
	}},
}

// grounds are where a websocket's handler can stand.
var grounds = map[string]func(manager, http.Handler) http.Handler{
	"Handler": func(m manager, h http.Handler) http.Handler { return m.Handler(h) },
	"HandlerFunc": func(m manager, h http.Handler) http.Handler {
		return m.HandlerFunc(func(w http.ResponseWriter, r *http.Request, _ *session.Session) { h.ServeHTTP(w, r) })
	},
	"Replay": func(m manager, h http.Handler) http.Handler { return m.Handler(m.Replay(h)) },
	"chi": func(m manager, h http.Handler) http.Handler {
		r := chi.NewRouter()
		r.Use(m.Handler)
		r.Handle("/ws", h)
		return r
	},
	"gin": func(m manager, h http.Handler) http.Handler {
		gin.SetMode(gin.ReleaseMode)
		e := gin.New()
		e.GET("/ws", gin.WrapH(h))
		return m.Handler(e)
	},
	"echo": func(m manager, h http.Handler) http.Handler {
		e := echo.New()
		e.GET("/ws", echo.WrapHandler(h))
		return m.Handler(e)
	},
}

// A websocket counts its messages with Session.Update, which works as long as
// the socket does.
func TestWebsocketUpdatesItsSession(t *testing.T) {
	for _, socket := range sockets {
		for name, ground := range grounds {
			t.Run(socket.name+"/"+name, func(t *testing.T) {
				m := newManager(t)
				mux := http.NewServeMux()
				mux.Handle(rivalry, m.HandlerFunc(rival))
				mux.Handle("/peek", m.HandlerFunc(peek))
				mux.Handle("/ws", ground(m, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					s, err := session.Load(r.Context())
					if err != nil {
						t.Error(err)
						return
					}
					count.Update(s, func(n int) int { return n + 10 })
					err = socket.upgrade(w, r, func(string) (reply string) {
						err := s.Update(context.Background(), func(s *session.Session) error {
							reply = fmt.Sprint(count.Update(s, func(n int) int { return n + 1 }))
							return nil
						})
						if err != nil {
							t.Errorf("Update: %v", err)
						}
						return reply
					})
					if err != nil {
						t.Error(err)
					}
				})))
				b := serve(t, mux)
				b.expect("GET", rivalry, 200, "")
				conn, res := b.dial("/ws")
				if len(res.Cookies()) != 0 {
					t.Errorf("cookies %v for a session that has one", res.Cookies())
				}
				say(t, conn, "111")
				b.expect("GET", "/peek", 200, "111")
				b.expect("GET", rivalry, 200, "")
				say(t, conn, "212")
				conn.Close()
				b.expect("GET", "/peek", 200, "212")
			})
		}
	}
}

// coder/websocket sends the header map, gorilla/websocket a header of its own:
// there the cookie of a new session is lost, which is logged. Both upgrades work.
func TestWebsocketWithACookiePending(t *testing.T) {
	for _, socket := range sockets {
		for name, ground := range grounds {
			t.Run(socket.name+"/"+name, func(t *testing.T) {
				m := newManager(t)
				mux := http.NewServeMux()
				mux.Handle("/ws", ground(m, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					s, err := session.Load(r.Context())
					if err != nil {
						t.Error(err)
						return
					}
					count.Set(s, 1)
					if err := socket.upgrade(w, r, strings.ToUpper); err != nil {
						t.Error(err)
					}
				})))
				conn, res := serve(t, mux).dial("/ws")
				say(t, conn, "HELLO")
				if sent := len(res.Cookies()) == 1; sent != socket.sendsCookie {
					t.Errorf("cookies %v; sent: %t, want %t", res.Cookies(), sent, socket.sendsCookie)
				}
				if !socket.sendsCookie && m.log.String() == "" {
					t.Error("the lost cookie is not logged")
				}
			})
		}
	}
}

// dial opens a websocket with the browser's cookies.
func (b *browser) dial(path string) (*gorilla.Conn, *http.Response) {
	b.t.Helper()
	dialer := gorilla.Dialer{Jar: b.client.Jar, HandshakeTimeout: b.client.Timeout}
	conn, res, err := dialer.Dial("ws"+strings.TrimPrefix(b.url, "http")+path, nil)
	if err != nil {
		b.t.Fatalf("%v, %v", err, res)
	}
	b.t.Cleanup(func() { conn.Close() })
	return conn, res
}

// say sends a message and checks the reply.
func say(t *testing.T, conn *gorilla.Conn, want string) {
	t.Helper()
	if err := conn.WriteMessage(gorilla.TextMessage, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, got, err := conn.ReadMessage(); string(got) != want {
		t.Fatalf("reply %q, %v; want %q", got, err, want)
	}
}
