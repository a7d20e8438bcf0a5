package browsers

import (
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"
)

// visitor sends requests with a jar.
type visitor struct {
	name   string
	server *server
	jar    *jar
	seen   *sights
	loss   float64 // the part of the answers that are lost
	fast   bool    // no request takes longer than a second

	mu        sync.Mutex
	rng       *rand.Rand // of the networks
	signedOut []string   // requests that were answered as to a stranger
	served    int        // the others
}

// network returns the network of a tab.
func (v *visitor) network() network {
	v.mu.Lock()
	defer v.mu.Unlock()
	return network{rand.New(rand.NewPCG(v.rng.Uint64(), v.rng.Uint64())), v.loss, v.fast}
}

// send sends a request, and takes the cookies of the answer unless it is lost. It reports
// whether the answer has arrived.
func (v *visitor) send(n network, k kind) bool { return v.sendJob(n, job{k, n.work()}) }

func (v *visitor) sendJob(n network, j job) bool {
	sent, run := v.jar.read()
	time.Sleep(n.request())
	began := time.Now()
	answer := v.server.serve(n.IntN(len(v.server.instances)), j, sent)
	body, _ := io.ReadAll(answer.Body)
	v.judge(j.kind, began, answer.StatusCode, string(body))

	time.Sleep(n.answer())
	set := answer.Cookies()
	if n.often(n.loss) {
		if len(set) > 0 {
			v.seen.add("an answer with a cookie is lost")
		}
		return false
	}
	if !v.jar.take(run, set) {
		v.seen.add("an answer comes after a crash")
		return false
	}
	return answer.StatusCode < 400
}

// judge notes whether the visitor was signed in.
func (v *visitor) judge(k kind, began time.Time, status int, body string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case status >= 500:
		v.seen.add("an answer of 503")
	case status < 400 && body == user:
		v.served++
	default:
		v.signedOut = append(v.signedOut, fmt.Sprintf("%s: request of kind %d, loaded at %s: %d %q", v.name, k, began.Format(time.DateTime+".000"), status, body))
	}
}

// outcome returns how many requests were served, and those that were answered as to a stranger.
func (v *visitor) outcome() (served int, signedOut []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.served, v.signedOut
}

// kind draws what a request does.
func (n network) kind() kind {
	switch x := n.IntN(20); {
	case x < 13:
		return read
	case x < 18:
		return change
	case x < 19:
		return saveEarly
	}
	return persist
}
