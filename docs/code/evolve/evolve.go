// Package evolve is the code of docs/types.md: values whose type has changed since they
// were stored.
package evolve

import "github.com/holdfast-go/holdfast/session"

// In version 1, the basket was a list of items.
var basketV1 = session.NewKey[[]string]("basket")

// Basket of version 2 counts the items.
type Basket map[string]int

// In version 2, the key of the same name reads both. The next change stores a Basket.
var basket = session.Upgrade(session.NewKey[Basket]("basket"), func(items []string) Basket {
	counts := Basket{}
	for _, item := range items {
		counts[item]++
	}
	return counts
})

// Profile had a field Name once. The tag keeps the stored values.
type Profile struct {
	FullName string `json:"Name"`
	Language string // new: "" in values that were stored before
}

var profile = session.NewKey[Profile]("profile")

// Address replaces a text. A change of a struct beyond that needs another key as well.
type Address struct{ Street, City string }

var (
	addressText = session.NewKey[string]("address")
	address     = session.NewKey[Address]("address 2")
)

// addressOf returns the address, from the old key if need be.
func addressOf(s *session.Session) (Address, bool) {
	if a, ok := address.Get(s); ok {
		return a, true
	}
	text, ok := addressText.Get(s)
	return Address{Street: text}, ok
}
