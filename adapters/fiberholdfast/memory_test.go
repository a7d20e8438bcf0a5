package fiberholdfast_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/gofiber/fiber/v3"

	"github.com/holdfast-go/holdfast/adapters/fiberholdfast"
	"github.com/holdfast-go/holdfast/session"
)

var name = session.NewKey[string]("name")

// A string of fiber's need not be copied to be set in a session: fasthttp uses its memory
// again only after the request, when the value is stored.
func TestValuesNeedNoCopy(t *testing.T) {
	m := newManager(t, session.Config{})
	app := fiber.New()
	app.Use(fiberholdfast.Sessions(m))
	app.Get("/:name", with(func(c fiber.Ctx, s *session.Session) error {
		name.Set(s, c.Params("name"))
		s.SetOwner(c.Params("name"))
		return c.SendString("page")
	}))
	url := listen(t, app)
	for i := range 20 {
		send(t, "GET", fmt.Sprint(url, "/user-", 10+i), "")
	}
	for i := range 20 {
		want := fmt.Sprint("user-", 10+i)
		infos, err := m.Sessions(context.Background(), want)
		if err != nil || len(infos) != 1 {
			t.Fatalf("the sessions of %s: %v, %v", want, infos, err)
		}
		if got, _ := name.Get(infos[0]); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
