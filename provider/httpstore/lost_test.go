package httpstore_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider/httpstore"
	"github.com/holdfast-go/holdfast/provider/memory"
)

// However the connection is lost, Listen ends.
func TestListenEndsWithItsConnection(t *testing.T) {
	server := testserver.Nginx(t, func() string {
		behind := httptest.NewServer(handler(t, memory.New()))
		t.Cleanup(behind.Close)
		return behind.Listener.Addr().String()
	}())
	for _, tc := range []struct {
		name    string
		silence time.Duration
		lose    func()
	}{
		{"the server is replaced", storetest.Patience, server.Restart},
		{"the server is frozen", time.Second, func() { server.Freeze(); t.Cleanup(server.Thaw) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := client(t, server.URL, httpstore.Options{Token: token})
			p.SetSilence(tc.silence)
			l := storetest.StartListen(t, p)
			l.AwaitBegin()
			tc.lose()
			if err := l.End(); err == nil {
				t.Error("got no error")
			}
		})
	}
}

// A server that accepts a connection and says nothing.
func TestListenToAFrozenServer(t *testing.T) {
	server := testserver.HTTPStore(t)
	p := client(t, server.URL+"/store", httpstore.Options{Token: testserver.HTTPStoreToken})
	p.SetSilence(200 * time.Millisecond)
	server.Freeze()
	if err := storetest.StartListen(t, p).End(); err == nil {
		t.Error("got no error")
	}
}

// Comments keep a stream in which no message arrives.
func TestListenStays(t *testing.T) {
	t.Parallel()
	h := handler(t, memory.New())
	httpstore.SetHeartbeat(h, time.Millisecond)
	p := serve(t, h)
	p.SetSilence(3 * time.Second)
	l := storetest.Listen(t, p)
	<-time.After(4 * time.Second)
	storetest.Broadcast(t, p, "message")
	l.Want("message")
}
