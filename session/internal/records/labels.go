package records

import "github.com/holdfast-go/holdfast/session/internal/envelope"

// Label is what sessions are listed by. The owner is the label without a name.
type Label = envelope.Label

// OwnerLabel returns the label of the sessions of that owner.
func OwnerLabel(owner string) Label { return Label{Value: owner} }

// Has reports whether c has that label.
func (c *Content) Has(l Label) bool {
	if l.Name == "" {
		return c.Owner == l.Value
	}
	return c.Fields != "" && c.Fields.Labels().Find(l.Name) == l.Value
}

// Labels returns the labels of c, the owner last.
func (c *Content) Labels() []Label { return c.LabelsNotOf(nil) }

// LabelsNotOf returns the labels of c that other does not have, the owner last. Other is
// nil for a record that does not exist.
func (c *Content) LabelsNotOf(other *Content) (labels []Label) {
	if other == nil || other.Fields != c.Fields {
		for l := range c.Fields.Labels().All() {
			if other == nil || !other.Has(l) {
				labels = append(labels, l)
			}
		}
	}
	if c.Owner != "" && (other == nil || other.Owner != c.Owner) {
		labels = append(labels, OwnerLabel(c.Owner))
	}
	return labels
}

// Listed reports whether c has an owner or another label.
func (c *Content) Listed() bool { return c.Owner != "" || c.Fields != "" && c.Fields.Labels() != "" }
