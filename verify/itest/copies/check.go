package copies

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// verb is what a request does.
type verb string

const (
	begin   verb = "begin"   // the session
	add     verb = "add"     // by Key.Update
	replace verb = "replace" // by Get and Set
	revoke  verb = "revoke"
	read    verb = "read"
)

// outcome is what became of it.
type outcome string

const (
	done     outcome = "done"
	conflict outcome = "refused"
	unknown  outcome = "unknown"
)

// visit is a request of a browser, and the answer to it.
type visit struct {
	browser, instance int
	verb              verb
	unsafe            bool // a POST
	change            int  // its number, from 1 on
	begun, ended      time.Duration

	outcome  outcome
	status   int
	publicID string
	gone     bool  // the session is not there
	saw      []int // of a read: the changes, in their order
	age      time.Duration
	fault    error
}

// changes reports whether v is to change the session.
func (v *visit) changes() bool { return v.verb == add || v.verb == replace }

func (v *visit) String() string {
	method := "GET"
	if v.unsafe {
		method = "POST"
	}
	text := fmt.Sprintf("[%v..%v] browser %d at instance %d: %s %s", v.begun, v.ended, v.browser, v.instance, method, v.verb)
	switch {
	case v.changes():
		text += fmt.Sprintf(" %d", v.change)
	case v.verb == read && !v.gone:
		text += fmt.Sprintf(": %v", v.saw)
	}
	if v.gone {
		text += ": no session"
	}
	text += fmt.Sprintf(", %s", v.outcome)
	if v.age > 0 {
		text += fmt.Sprintf(", a copy of up to %v", v.age)
	}
	if v.fault != nil {
		text += fmt.Sprintf(" (%v)", v.fault)
	}
	return text
}

func (h *sessionHistory) String() string {
	var b strings.Builder
	for _, v := range h.visits {
		fmt.Fprintf(&b, "  %v\n", v)
	}
	return b.String()
}

// check returns the first rule that a visit breaks.
func (h *sessionHistory) check() error {
	order, err := h.order()
	if err != nil {
		return err
	}
	last := map[int]*visit{} // of each browser
	for _, v := range h.visits {
		if v.fault != nil {
			return fmt.Errorf("a fault: %v", v)
		}
		if v.verb != read || v.outcome != done {
			continue
		}
		if err := h.checkRead(v); err != nil {
			return err
		}
		if before := last[v.browser]; before != nil && !v.gone && len(v.saw) < len(before.saw) {
			return fmt.Errorf("the reads of a browser go back:\n  %v\n  %v", before, v)
		}
		if !v.gone {
			last[v.browser] = v
		}
	}
	return h.checkChanges(order)
}

// order returns the changes in the order in which they were made.
func (h *sessionHistory) order() (longest []int, err error) {
	for _, v := range h.visits {
		if len(v.saw) > len(longest) {
			longest = v.saw
		}
	}
	for _, v := range h.visits {
		if !slices.Equal(v.saw, longest[:len(v.saw)]) {
			return nil, fmt.Errorf("a read has seen changes that are in no order with those of another, %v:\n  %v", longest, v)
		}
	}
	return longest, nil
}

// checkRead wants a read to have seen what was answered before it, or before its copy.
func (h *sessionHistory) checkRead(v *visit) error {
	switch {
	case v.unsafe && v.age > 0:
		return fmt.Errorf("a request that is not safe was served from a copy:\n  %v", v)
	case v.age > h.load.MaxStale:
		return fmt.Errorf("a copy is older than %v:\n  %v", h.load.MaxStale, v)
	}
	since := v.begun - v.age // it may lack what was answered later
	for _, c := range h.visits {
		if err := compare(v, c, since); err != nil {
			return err
		}
	}
	return nil
}

// compare wants v to have seen c, if it was answered before since.
func compare(v, c *visit, since time.Duration) error {
	answered := c.outcome == done && !c.gone && c.ended < since
	switch {
	case c.verb == revoke && v.gone:
	case c.verb == revoke && (answered || c.outcome == done && c.ended < v.begun && c.instance == v.instance):
		return fmt.Errorf("a session is there after its revocation:\n  %v\n  %v", c, v)
	case !c.changes() || v.gone:
	case answered && !slices.Contains(v.saw, c.change):
		return fmt.Errorf("a read lacks a change that was answered before it, and before its copy:\n  %v\n  %v", c, v)
	case c.outcome == done && !c.gone && c.browser == v.browser && c.ended < v.begun && !slices.Contains(v.saw, c.change):
		return fmt.Errorf("a browser does not see its own change:\n  %v\n  %v", c, v)
	case c.begun > v.ended && slices.Contains(v.saw, c.change):
		return fmt.Errorf("a read has seen a change that began after it:\n  %v\n  %v", c, v)
	}
	return nil
}

// checkChanges wants each change that was answered to have been made once, each that was
// refused never, and the session to be there until somebody revokes it.
func (h *sessionHistory) checkChanges(order []int) error {
	revoked := slices.ContainsFunc(h.visits[:len(h.visits)-1], func(v *visit) bool { return v.verb == revoke })
	for _, c := range h.visits {
		if c.gone && !h.revokedBy(c.ended) {
			return fmt.Errorf("a session is not there though nobody has revoked it:\n  %v", c)
		}
		if !c.changes() {
			continue
		}
		times := 0
		for _, n := range order {
			if n == c.change {
				times++
			}
		}
		switch {
		case times > 1:
			return fmt.Errorf("a change was made %d times, %v:\n  %v", times, order, c)
		case times > 0 && (c.outcome == conflict || c.gone):
			return fmt.Errorf("a change that was refused was made, %v:\n  %v", order, c)
		case times == 0 && c.outcome == done && !c.gone && !revoked:
			return fmt.Errorf("a change was lost, %v:\n  %v", order, c)
		}
	}
	return nil
}

// revokedBy reports whether a revocation had begun by that time.
func (h *sessionHistory) revokedBy(at time.Duration) bool {
	return slices.ContainsFunc(h.visits, func(v *visit) bool { return v.verb == revoke && v.begun < at })
}

func (h *sessionHistory) stats() Stats {
	s := Stats{Requests: len(h.visits)}
	for _, v := range h.visits {
		if v.outcome == conflict {
			s.Refused++
		}
		if v.age == 0 {
			continue
		}
		s.Copies++
		s.Oldest = max(s.Oldest, v.age)
		if h.lacks(v, func(c *visit) bool { return c.changes() && !slices.Contains(v.saw, c.change) }) {
			s.Behind++
		}
		if h.lacks(v, func(c *visit) bool { return c.verb == revoke }) {
			s.Outlived++
		}
	}
	return s
}

// lacks reports whether a read from a copy lacks something that was answered before it
// began.
func (h *sessionHistory) lacks(v *visit, missing func(*visit) bool) bool {
	return v.verb == read && !v.gone && slices.ContainsFunc(h.visits, func(c *visit) bool {
		return c.outcome == done && !c.gone && c.ended < v.begun && missing(c)
	})
}
