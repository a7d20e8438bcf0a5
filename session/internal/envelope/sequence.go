package envelope

import "iter"

// sequence returns the items that encoded consists of, one after the other.
func sequence[T any](encoded string, item func(*decoder) T) iter.Seq[T] {
	return func(yield func(T) bool) {
		for d := (decoder{rest: []byte(encoded)}); len(d.rest) > 0; {
			if one := item(&d); d.failed || !yield(one) {
				return
			}
		}
	}
}

// validSequence reports whether encoded consists of items with names in ascending order,
// none of them empty, which are valid.
func validSequence[T any](encoded []byte, item func(*decoder) T, name func(T) string, valid func(T) bool) bool {
	d := decoder{rest: encoded}
	for last := ""; len(d.rest) > 0; {
		one := item(&d)
		if d.failed || name(one) <= last || !valid(one) {
			return false
		}
		last = name(one)
	}
	return true
}
