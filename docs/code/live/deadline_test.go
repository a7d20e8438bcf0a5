package live

import (
	"bufio"
	"context"
	"io"
	"net/http/cookiejar"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session/sessiontest"
)

// Streams and uploads go on for longer than the server's timeouts, which are for pages.
func TestTimeoutsOfTheServer(t *testing.T) {
	site := &Site{
		Sessions:  sessiontest.NewManager(t),
		News:      func(context.Context, string) <-chan string { return nil },
		Heartbeat: 10 * time.Millisecond,
	}
	server := httptest.NewUnstartedServer(site.Routes())
	server.Config.ReadTimeout, server.Config.WriteTimeout = 50*time.Millisecond, 50*time.Millisecond
	server.Start()
	defer server.Close()
	client := server.Client()
	client.Jar, _ = cookiejar.New(nil)
	res, err := client.Post(server.URL+"/login", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()

	if res, err = client.Get(server.URL + "/events"); err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, file := io.Pipe()
	uploaded := make(chan int, 1)
	go func() {
		res, err := client.Post(server.URL+"/upload", "", body)
		if err != nil {
			t.Error(err)
			uploaded <- 0
			return
		}
		res.Body.Close()
		uploaded <- res.StatusCode
	}()
	lines, beats := bufio.NewScanner(res.Body), 0
	for beats < 20 && lines.Scan() { // 20 heartbeats take longer than the timeouts
		if lines.Text() == ": still here" {
			beats++
			if _, err := file.Write([]byte("more")); err != nil {
				t.Error(err)
				break
			}
		}
	}
	file.Close()
	if status := <-uploaded; beats < 20 || status != 200 {
		t.Errorf("%d events; status of the upload %d", beats, status)
	}
}
