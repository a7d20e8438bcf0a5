package gorillaholdfast

import (
	"reflect"
	"slices"
)

// defaultFlashKey is the key that gorilla's AddFlash and Flashes use unless told
// otherwise.
const defaultFlashKey = "_flash"

// messages returns the list of flash messages in an encoded value, nil if it is none.
func messages(data encoded) []any {
	value, err := decode(data)
	if err != nil {
		return nil
	}
	list, _ := value.([]any)
	return list
}

// mergeFlashes returns the list to store in place of theirs. This request has found
// began, and has left mine: it has added messages, or has taken all and perhaps added
// some. What it took is removed from theirs, and what it added is appended.
func mergeFlashes(began, mine, theirs []any) []any {
	if len(mine) >= len(began) && slices.EqualFunc(mine[:len(began)], began, sameMessage) {
		return append(slices.Clone(theirs), mine[len(began):]...)
	}
	rest := slices.Clone(theirs)
	for _, taken := range began {
		at := slices.IndexFunc(rest, func(m any) bool { return sameMessage(m, taken) })
		if at >= 0 {
			rest = slices.Delete(rest, at, at+1)
		}
	}
	return append(rest, mine...)
}

func sameMessage(a, b any) bool { return reflect.DeepEqual(a, b) }

// encodeFlashes returns the encoding of a list, of which each message comes from one that
// was encoded.
func encodeFlashes(list []any) (encoded, error) {
	if len(list) == 0 {
		return none, nil // it cannot be deleted where it may be merged
	}
	return encode(list)
}
