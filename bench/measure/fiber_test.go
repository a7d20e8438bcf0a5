package measure_test

import (
	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/session"
)

type fiberSession struct{ *session.Middleware }

func (s fiberSession) count() int              { n, _ := s.Get("count").(int); return n }
func (s fiberSession) setCount(n int)          { s.Set("count", n) }
func (s fiberSession) text(i int) string       { t, _ := s.Get(names[i]).(string); return t }
func (s fiberSession) setText(i int, t string) { s.Set(names[i], t) }

// fiberApp is called as fasthttp's server does. A nil storage is fiber's memory.
func fiberApp(name string, storage fiber.Storage) app {
	f := fiber.New()
	f.Use(session.New(session.Config{Storage: storage, IdleTimeout: idleTimeout}))
	f.Get("/*", func(c fiber.Ctx) error {
		if c.Path() == "/untouched" {
			return c.SendString("ok")
		}
		return c.SendString(answer(c.Path(), fiberSession{session.FromContext(c)}))
	})
	return app{name: name, fast: f.Handler()}
}

func bareFiber() app {
	f := fiber.New()
	f.Get("/*", func(c fiber.Ctx) error { return c.SendString(answer(c.Path(), nothing{})) })
	return app{name: "bare-fiber", fast: f.Handler()}
}
