package gorilla_test

import (
	"bufio"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestMovingAnAppChangesThreeLines(t *testing.T) {
	old, moved := strings.Split(read(t, "app/before/main.go"), "\n"), strings.Split(read(t, "app/after/main.go"), "\n")
	removed, added := difference(old, moved)
	if len(removed) > 3 || len(added) > 3 || len(added) == 0 {
		t.Errorf("%d lines are removed and %d added:\n-%s\n+%s", len(removed), len(added), strings.Join(removed, "\n-"), strings.Join(added, "\n+"))
	}
}

// difference returns the lines that are not in a longest common subsequence.
func difference(a, b []string) (removed, added []string) {
	lengths := make([][]int, len(a)+1)
	for i := range lengths {
		lengths[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if lengths[i][j] = max(lengths[i+1][j], lengths[i][j+1]); a[i] == b[j] {
				lengths[i][j] = lengths[i+1][j+1] + 1
			}
		}
	}
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		switch {
		case a[i] == b[j]:
			i, j = i+1, j+1
		case lengths[i+1][j] >= lengths[i][j+1]:
			removed = append(removed, a[i])
			i++
		default:
			added = append(added, b[j])
			j++
		}
	}
	return append(removed, a[i:]...), append(added, b[j:]...)
}

func TestDifference(t *testing.T) {
	removed, added := difference([]string{"a", "b", "c", "d"}, []string{"a", "x", "c", "y", "d", "z"})
	if !slices.Equal(removed, []string{"b"}) || !slices.Equal(added, []string{"x", "y", "z"}) {
		t.Errorf("removed %v, added %v", removed, added)
	}
}

// customer is a browser at the shop.
type customer struct {
	t    *testing.T
	http *http.Client
	url  string
}

// shop starts the app in a process of its own: gob names the types of both after package
// main.
func shop(t *testing.T, folder string) *customer {
	t.Helper()
	program := filepath.Join(t.TempDir(), "shop")
	goTool(t, folder, "build", "-o", program, ".")
	cmd := exec.Command(program)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &customer{t, &http.Client{Jar: jar}, strings.TrimSpace(address)}
}

// post sends a form and returns the page that it leads to.
func (c *customer) post(path string, pairs ...string) string {
	c.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return c.page(c.http.PostForm(c.url+path, form))
}

func (c *customer) home() string {
	c.t.Helper()
	return c.page(c.http.Get(c.url + "/"))
}

func (c *customer) page(res *http.Response, err error) string {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		c.t.Fatalf("%s %s, %v", res.Status, body, err)
	}
	return string(body)
}

func (c *customer) want(page, want string) {
	c.t.Helper()
	if page != want {
		c.t.Errorf("got  %s\nwant %s", page, want)
	}
}

func TestAppWorksBeforeAndAfter(t *testing.T) {
	for _, folder := range []string{"app/before", "app/after"} {
		t.Run(folder, func(t *testing.T) {
			c := shop(t, folder)
			c.want(c.home(), `user="" basket=[] color="" flashes=[]`)
			c.want(c.post("/color", "color", "red"), `user="" basket=[] color="red" flashes=[]`)
			c.want(c.post("/add", "name", "book", "count", "2"), `user="" basket=[{book 2}] color="red" flashes=[added]`)
			c.want(c.post("/login", "user", "ann"), `user="ann" basket=[{book 2}] color="red" flashes=[welcome]`)
			c.want(c.post("/add", "count", "many"), `user="ann" basket=[{book 2}] color="red" flashes=[how many?]`)
			c.want(c.post("/logout"), `user="" basket=[] color="red" flashes=[]`)
		})
	}
}

func TestAppKeepsItsVisitorsSignedIn(t *testing.T) {
	c := shop(t, "app/before")
	c.post("/color", "color", "red")
	c.post("/login", "user", "ann", "remember", "yes")
	c.post("/add", "name", "book", "count", "2")

	moved := shop(t, "app/after")
	at, err := url.Parse(c.url)
	if err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(moved.url)
	if err != nil {
		t.Fatal(err)
	}
	moved.http.Jar.SetCookies(to, c.http.Jar.Cookies(at))
	moved.want(moved.home(), `user="ann" basket=[{book 2}] color="red" flashes=[]`)
	moved.want(moved.post("/add", "name", "pen", "count", "1"), `user="ann" basket=[{book 2} {pen 1}] color="red" flashes=[added]`)
	moved.want(moved.post("/logout"), `user="" basket=[] color="red" flashes=[]`)
	moved.http.Jar.SetCookies(to, c.http.Jar.Cookies(at))
	// The session of the color was imported a moment ago and is alive.
	moved.want(moved.home(), `user="" basket=[] color="red" flashes=[]`)
}

// The gorilla app loses one of two parallel changes without an error.
func TestParallelRequestsOfTheApp(t *testing.T) {
	c := shop(t, "app/after")
	c.post("/login", "user", "ann", "remember", "yes")
	const requests = 20
	results := make(chan int, requests)
	for range requests {
		go func() {
			res, err := c.http.PostForm(c.url+"/add", url.Values{"name": {"book"}, "count": {"1"}})
			if err != nil {
				t.Error(err)
				results <- 0
				return
			}
			res.Body.Close()
			results <- res.StatusCode
		}()
	}
	added := 0
	for range requests {
		switch status := <-results; status {
		case http.StatusOK:
			added++
		case http.StatusInternalServerError: // told, by the app's own error page
		default:
			t.Errorf("status %d", status)
		}
	}
	if got := strings.Count(c.home(), "{book 1}"); got != added {
		t.Errorf("%d books, and %d requests were acknowledged", got, added)
	}
}
