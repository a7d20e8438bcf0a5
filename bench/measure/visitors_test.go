package measure_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/alexedwards/scs/v2/memstore"
	"github.com/gorilla/sessions"

	"github.com/holdfast-go/holdfast/provider/memory"
)

// BenchmarkVisitors measures reads in process by visitors drawn from n, all of whom have a
// session.
func BenchmarkVisitors(b *testing.B) {
	for _, n := range []int{1, 50_000} {
		b.Run(fmt.Sprint("n=", n), func(b *testing.B) {
			for _, a := range []app{
				holdfast(b, memory.New()),
				scsApp("scs", memstore.NewWithCleanupInterval(0)),
				gorilla("gorilla-cookie", sessions.NewCookieStore(signingKey)),
			} {
				b.Run("peer="+a.name, func(b *testing.B) { measureVisitors(b, a, n) })
			}
		})
	}
}

func measureVisitors(b *testing.B, a app, n int) {
	visitors := beginVisitors(b, a, n)
	v := a.visitor(b.Context()).(*netVisitor)
	v.to("/read")
	cookie := []string{""}
	v.request.Header["Cookie"] = cookie
	send := func(i int) {
		cookie[0] = visitors.cookie(i)
		v.send()
	}
	for i := range n { // each has been here before
		send(i)
	}
	b.ReportAllocs()
	for b.Loop() {
		send(rand.IntN(n))
	}
	if got := ask(b, v); got != "1" {
		b.Errorf("read %q", got)
	}
}

// cookieList holds cookies in one string, in which the garbage collector has nothing to look for.
type cookieList struct {
	all  string
	ends []int
}

func (c *cookieList) cookie(i int) string {
	start := 0
	if i > 0 {
		start = c.ends[i-1]
	}
	return c.all[start:c.ends[i]]
}

// beginVisitors begins n sessions.
func beginVisitors(b *testing.B, a app, n int) *cookieList {
	b.Helper()
	v := a.visitor(b.Context())
	v.to("/begin")
	var all strings.Builder
	list := &cookieList{}
	for range n {
		ask(b, v)
		cookie, ok := v.cookie()
		if !ok {
			b.Fatal("no cookie")
		}
		all.WriteString(cookie)
		list.ends = append(list.ends, all.Len())
	}
	list.all = all.String()
	return list
}
