package faults_test

import (
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/testserver"
)

func TestMain(m *testing.M) { testserver.Main(m) }

const (
	// callTimeout is what a call of a provider is given, storeTimeout what a
	// request's load or commit is.
	callTimeout  = 300 * time.Millisecond
	storeTimeout = 500 * time.Millisecond

	// callGrace is how much later than its deadline a call may return. It is far
	// more than is needed, but less than the 3 s and more of the drivers' own
	// timeouts: a context that is not heeded shows.
	callGrace = 2 * time.Second

	// answerBound is how long a request may take: in theory storeTimeout to load,
	// and three times that to commit.
	answerBound = 5 * time.Second

	// patience is a bound against hanging, no expectation.
	patience = 2 * time.Minute
)
