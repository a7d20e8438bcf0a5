package envelope

import (
	"cmp"
	"iter"
	"slices"
)

// Label is a name and a value by which sessions are found. The owner of a session is its
// label without a name.
type Label struct{ Name, Value string }

// Labels are the labels of a session except the owner, encoded as in their field. ""
// means none. For each label, in ascending order of names:
//
//	uvarint length and bytes of the name, uvarint length and bytes of the value
//
// No name and no value is empty.
type Labels string

// Labels returns the labels of the session.
func (f Fields) Labels() Labels { return Labels(f.get(fieldLabels)) }

// WithLabels returns f with these labels in place of the present ones.
func (f Fields) WithLabels(l Labels) Fields { return f.with(fieldLabels, string(l)) }

// Find returns the value of the label of that name, or "".
func (l Labels) Find(name string) string {
	for label := range l.All() {
		if label.Name == name {
			return label.Value
		}
	}
	return ""
}

// With returns l with that label in place of the present one of its name. A label without
// a value removes it.
func (l Labels) With(label Label) Labels {
	all := slices.DeleteFunc(slices.Collect(l.All()), func(have Label) bool { return have.Name == label.Name })
	if label.Value != "" {
		all = append(all, label)
	}
	slices.SortFunc(all, func(a, b Label) int { return cmp.Compare(a.Name, b.Name) })
	var encoded []byte
	for _, one := range all {
		encoded = appendBytes(appendBytes(encoded, one.Name), one.Value)
	}
	return Labels(encoded)
}

// Len returns how many labels there are.
func (l Labels) Len() (n int) {
	for range l.All() {
		n++
	}
	return n
}

// All returns the labels in ascending order of names.
func (l Labels) All() iter.Seq[Label] { return sequence(string(l), (*decoder).label) }

func (d *decoder) label() Label {
	name := string(d.bytes())
	return Label{name, string(d.bytes())}
}

// validLabels reports whether encoded is what Labels encode: names in ascending order, none
// of them empty, and no value empty.
func validLabels(encoded []byte) bool {
	return validSequence(encoded, (*decoder).label, func(l Label) string { return l.Name }, func(l Label) bool { return l.Value != "" })
}
