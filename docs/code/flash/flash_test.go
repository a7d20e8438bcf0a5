package flash

import (
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/docs/code/internal/browser"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

func visit(t *testing.T) *browser.Browser {
	sessions, err := session.New(memory.New(), session.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return browser.New(t, Routes(sessions))
}

func TestMessageIsShownOnTheNextPage(t *testing.T) {
	b := visit(t)
	b.Post("/save").Want(t, 303, "/page")
	b.Do("HEAD", "/page", nil).Want(t, 200, "") // shows nothing, and uses up nothing
	b.Get("/page").Want(t, 200, "page saved")
	b.Get("/page").Want(t, 200, "page")
}

// parallel sends n requests at once and returns the bodies.
func parallel(t *testing.T, b *browser.Browser, n int, path string) string {
	answers := make(chan browser.Answer, n)
	for range n {
		go func() { answers <- b.Get(path) }()
	}
	var bodies strings.Builder
	for range n {
		a := <-answers
		if a.Status != 200 {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		bodies.WriteString(a.Body + "\n")
	}
	return bodies.String()
}

func TestParallelPagesAnswer200(t *testing.T) {
	b := visit(t)
	b.Post("/save")
	parallel(t, b, 20, "/page")
	b.Get("/page").Want(t, 200, "page")
}

func TestEachOfTheListIsShownOnce(t *testing.T) {
	b := visit(t)
	b.Post("/import")
	b.Post("/import")
	bodies := parallel(t, b, 20, "/list")
	for _, message := range []string{"12 rows imported", "1 row skipped"} {
		if n := strings.Count(bodies, message); n != 2 {
			t.Errorf("%q is shown %d times", message, n)
		}
	}
}
