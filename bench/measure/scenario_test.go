package measure_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync/atomic"
)

// A scenario is what a visitor's request does. All have an idle timeout.
type scenario struct {
	name  string
	begin string // the route that begins the session; "": the visitor has no cookie
	route string
	check string // the route that tells what route has left behind
}

var scenarios = []scenario{
	{"anonymous", "", "/untouched", ""},
	{"anonymous-read", "", "/read", ""},
	{"untouched", "/begin", "/untouched", ""},
	{"read", "/begin", "/read", ""},
	{"change", "/begin", "/change", "/read"},
	{"change-4KiB", "/begin-large", "/change-large", "/large"},
	{"read-change-4KiB", "/begin-large", "/read-change-large", "/large"},
	{"change-1-of-32", "/begin-many", "/change-many", "/many"},
	{"read-32-change-1", "/begin-many", "/read-change-many", "/many"},
}

const (
	largeSize = 4 << 10
	manyCount = 32
	manySize  = 128
)

// values is a session as every library has it: a counter, and texts under names.
type values interface {
	count() int
	setCount(int)
	text(name int) string
	setText(name int, text string)
}

// names are the keys of the texts.
var names = func() (names [manyCount]string) {
	for i := range names {
		names[i] = fmt.Sprintf("value-%02d", i)
	}
	return names
}()

// A pair of texts takes turns, so that every change is one.
type pair [2]string

var (
	large = newPair(largeSize)
	many  = func() (many [manyCount]pair) {
		for i := range many {
			many[i] = newPair(manySize)
		}
		return many
	}()
	turn atomic.Uint32
)

func (p pair) next() string { return p[turn.Add(1)%2] }

func newPair(size int) pair { return pair{text(size), text(size)} }

// text returns text that does not compress, the same in every run.
func text(size int) string {
	var b strings.Builder
	for range size {
		b.WriteByte('a' + byte(random.IntN(26)))
	}
	return b.String()
}

var random = rand.New(rand.NewPCG(1, 2))

// answer is the handler of every library. S is a type parameter so that it costs
// no allocation to make one.
func answer[S values](route string, s S) string {
	switch route {
	case "/begin":
		s.setText(0, many[0][0])
		s.setCount(1)
	case "/begin-large":
		s.setText(0, large[0])
	case "/begin-many":
		for i, p := range many {
			s.setText(i, p[0])
		}
	case "/read":
		return strconv.Itoa(s.count())
	case "/change":
		n := s.count() + 1
		s.setCount(n)
		return strconv.Itoa(n)
	case "/large":
		return s.text(0)[:manySize]
	case "/change-large":
		text := large.next()
		s.setText(0, text)
		return text[:manySize]
	case "/read-change-large":
		if s.text(0) == "" {
			return "lost"
		}
		text := large.next()
		s.setText(0, text)
		return text[:manySize]
	case "/many":
		return s.text(1)
	case "/change-many":
		if len(s.text(0)) != manySize {
			return "lost"
		}
		text := many[1].next()
		s.setText(1, text)
		return text
	case "/read-change-many":
		for i := range many {
			if len(s.text(i)) != manySize {
				return "lost"
			}
		}
		text := many[1].next()
		s.setText(1, text)
		return text
	}
	return "ok"
}

// nothing is the session of the floor.
type nothing struct{}

func (nothing) count() int          { return 0 }
func (nothing) setCount(int)        {}
func (nothing) text(int) string     { return large[0][:manySize] }
func (nothing) setText(int, string) {}
