package txn

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// The limits of the labels of a session. They bound what a session takes beside MaxSize.
const (
	MaxLabels     = 8
	MaxLabelName  = 64  // bytes
	MaxLabelValue = 512 // bytes
)

// SetLabel sets the label of that name; the value "" removes it.
func (t *Txn) SetLabel(name, value string) {
	t.mutate("SetLabel", func(st *state) {
		if err := checkLabel(name, value); err != nil {
			st.encoding = cmp.Or(st.encoding, err)
			return
		}
		st.reads.promote()
		st.labels = append(withoutLabel(st.labels, name), &envelope.Label{Name: name, Value: value})
	})
}

// checkLabel returns why a session cannot have that label.
func checkLabel(name, value string) error {
	switch {
	case name == "":
		return fmt.Errorf("%w: a label needs a name", ErrEncode)
	case strings.Contains(name, "\x00"):
		return fmt.Errorf("%w: the name of label %q contains a NUL", ErrEncode, name)
	case len(name) > MaxLabelName:
		return fmt.Errorf("%w: the name of a label has %d bytes, over the %d that are allowed", records.ErrTooLarge, len(name), MaxLabelName)
	case len(value) > MaxLabelValue:
		return fmt.Errorf("%w: the value of label %q has %d bytes, over the %d that are allowed; a hash of it is shorter", records.ErrTooLarge, name, len(value), MaxLabelValue)
	}
	return nil
}

// withoutLabel returns a copy of pending without the label of that name. Snapshots and
// savepoints share the slice.
func withoutLabel(pending []*envelope.Label, name string) []*envelope.Label {
	return slices.DeleteFunc(slices.Clone(pending), func(l *envelope.Label) bool { return l.Name == name })
}

// Labels returns the labels of the session except the owner, sorted by name.
func (t *Txn) Labels() []envelope.Label {
	t.mu.Lock()
	defer t.mu.Unlock()
	st := &t.state
	stored := st.view.base.Fields.Labels()
	st.reads.nonEmpty = st.reads.nonEmpty || stored != ""
	return slices.Collect(st.withLabels(stored).All())
}

// withLabels returns stored with the pending labels.
func (r *requested) withLabels(stored envelope.Labels) envelope.Labels {
	for _, l := range r.labels {
		stored = stored.With(*l)
	}
	return stored
}

// changesLabels reports whether the pending labels change those of base.
func (r *requested) changesLabels(base *records.Content) bool {
	return slices.ContainsFunc(r.labels, func(l *envelope.Label) bool {
		return base.Fields.Labels().Find(l.Name) != l.Value
	})
}

// settleLabels removes the pending labels that done contains, which were committed.
func (r *requested) settleLabels(done []*envelope.Label) {
	if len(done) == 0 || len(r.labels) == 0 {
		return
	}
	r.labels = slices.DeleteFunc(slices.Clone(r.labels), func(l *envelope.Label) bool { return slices.Contains(done, l) })
}

// labelsFit returns ErrTooLarge if d gives next more labels than a session may have.
func (d *snapshot) labelsFit(next *records.Content) error {
	if len(d.labels) == 0 {
		return nil
	}
	if n := next.Fields.Labels().Len(); n > MaxLabels {
		return fmt.Errorf("%w: the session would have %d labels, over the %d that are allowed", records.ErrTooLarge, n, MaxLabels)
	}
	return nil
}
