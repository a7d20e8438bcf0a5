package e2e_test

import (
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
)

// events are what the browser tells of a tab.
type events struct {
	mu        sync.Mutex
	requests  []request
	onWire    map[network.RequestID]bool
	complaint []string
}

type request struct {
	id   network.RequestID
	line string // "POST /signin"
	page bool   // not a part of one, or a fetch
}

// hear is called by chromedp, in the order of the events.
func (e *events) hear(event any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch event := event.(type) {
	case *network.EventRequestWillBeSent:
		line := event.Request.Method
		if u, err := url.Parse(event.Request.URL); err == nil {
			line += " " + u.Path
		}
		e.requests = append(e.requests, request{event.RequestID, line, event.Type == network.ResourceTypeDocument})
	case *network.EventRequestWillBeSentExtraInfo:
		if e.onWire == nil {
			e.onWire = map[network.RequestID]bool{}
		}
		e.onWire[event.RequestID] = true
	case *log.EventEntryAdded:
		e.hearLog(event.Entry)
	case *runtime.EventExceptionThrown:
		e.complain("exception", event.ExceptionDetails.Text, event.ExceptionDetails.Exception.Description)
	case *runtime.EventConsoleAPICalled:
		words := []string{"console." + event.Type.String()}
		for _, arg := range event.Args {
			words = append(words, string(arg.Value))
		}
		e.complain(words...)
	}
}

func (e *events) hearLog(entry *log.Entry) {
	if entry.Level != log.EntryLevelError && entry.Level != log.EntryLevelWarning {
		return
	}
	// What the browser asks for by itself on a page that names no icon, as a plain
	// 403 does. All of the shop's do.
	if strings.HasSuffix(entry.URL, "/favicon.ico") {
		return
	}
	// A page that is refused: the test looks at its status.
	for _, r := range e.requests {
		if r.id == entry.NetworkRequestID && r.page {
			return
		}
	}
	e.complain(entry.Source.String(), entry.Text, entry.URL)
}

func (e *events) complain(words ...string) {
	e.complaint = append(e.complaint, strings.Join(words, " "))
}

// complaints returns and forgets what went wrong on the pages: exceptions, what was
// refused by the Content-Security-Policy, what could not be loaded.
func (e *events) complaints() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := e.complaint
	e.complaint = nil
	return all
}

// asked counts the requests of that line, sent or not.
func (e *events) asked(line string) int {
	return e.count(line, func(request) bool { return true })
}

// onTheWire counts those that were sent.
func (e *events) onTheWire(line string) int {
	return e.count(line, func(r request) bool { return e.onWire[r.id] })
}

func (e *events) count(line string, cond func(request) bool) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for _, r := range e.requests {
		if r.line == line && cond(r) {
			n++
		}
	}
	return n
}

func TestTheBrowsersComplaintsAreHeard(t *testing.T) {
	p := visit(t)
	for complaint, js := range map[string]string{
		"Content Security Policy": `document.body.insertAdjacentHTML("beforeend", "<b style='color: red'>red</b>")`,
		"Error: thrown":           `setTimeout(() => { throw new Error("thrown") })`,
		"console.error":           `console.error("said")`,
		"status of 404":           `document.body.append(Object.assign(new Image(), { src: "/static/none.png" }))`,
	} {
		t.Run(complaint, func(t *testing.T) {
			p := p.in(t)
			p.open("/")
			eval[any](p, "{"+js+"; undefined}")
			var heard string
			p.eventually(complaint, func() bool {
				heard += fmt.Sprint(p.complaints())
				return strings.Contains(heard, complaint)
			})
		})
	}
}
