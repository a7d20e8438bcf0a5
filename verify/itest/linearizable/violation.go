package linearizable

import (
	"fmt"
	"io"
	"strings"

	"github.com/anishathalye/porcupine"
)

// Violation is a history that no order of its calls explains.
type Violation struct{ history []porcupine.Operation }

// Error returns the history, a line for each call with the times of its beginning
// and end.
func (v *Violation) Error() string {
	var b strings.Builder
	b.WriteString("no order of these calls explains their results:\n")
	for _, op := range v.history {
		end := fmt.Sprint(op.Return)
		if op.Output.(result).outcome == unknown {
			end = "?"
		}
		fmt.Fprintf(&b, "%5d to %5s  client %2d  %s\n", op.Call, end, op.ClientId, describe(op.Input.(call), op.Output.(result)))
	}
	return b.String()
}

// Draw writes the history as a page for a browser.
func (v *Violation) Draw(w io.Writer) error {
	_, info := porcupine.CheckOperationsVerbose(model, v.history, patience)
	return porcupine.Visualize(model, info, w)
}

// describe returns a call and its result in a line.
func describe(c call, r result) string {
	var b strings.Builder
	b.WriteString(string(c.verb))
	if c.verb == save {
		fmt.Fprintf(&b, " %s over %s", name(c.version), expectation(c.expect))
		if c.expired {
			b.WriteString(", expired")
		}
	}
	fmt.Fprintf(&b, ": %s", r.outcome)
	if r.tells {
		fmt.Fprintf(&b, ", found %s", name(r.found))
	}
	return b.String()
}

func expectation(version int64) string {
	if version < 0 {
		return "anything"
	}
	return name(version)
}

func name(version int64) string {
	if version == 0 {
		return "nothing"
	}
	return fmt.Sprint(version)
}
