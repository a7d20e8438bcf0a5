// Package shop is what the apps beside it have in common: a small shop with a basket, in
// which one has to sign in. It knows sessions, and no framework.
package shop

import (
	"context"
	"slices"

	"golang.org/x/crypto/bcrypt"

	"github.com/holdfast-go/holdfast/session"
)

var (
	user   = session.NewKey[string]("user")
	basket = session.NewKey[map[string]int]("basket")
)

// Items are what the shop sells.
var Items = []string{"tea", "coffee"}

// passwords are the hashes of the users' passwords. A real app has them in its database,
// and limits how fast passwords can be guessed: see examples/login.
var passwords = map[string][]byte{"ada": hash("engine"), "grace": hash("compiler")}

var nobody = hash("nobody's password")

// hash is cheap, so that the example starts at once. A real app takes bcrypt.DefaultCost or
// more.
func hash(password string) []byte {
	h, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		panic(err)
	}
	return h
}

// SignIn signs a user in and reports whether name and password match. The session gets a
// new ID, so that whoever knew the old cookie is not signed in.
func SignIn(s *session.Session, name, password string) bool {
	h, known := passwords[name]
	if !known {
		h = nobody // takes as long as a wrong password
	}
	if bcrypt.CompareHashAndPassword(h, []byte(password)) != nil || !known {
		Flash(s, "The name and the password do not match.")
		return false
	}
	s.Renew()
	s.SetOwner(name)
	user.Set(s, name)
	Flash(s, "You are signed in.")
	return true
}

// SignOut ends the session. The message begins a new one.
func SignOut(s *session.Session) {
	s.Destroy()
	Flash(s, "You are signed out.")
}

// SignedIn reports whether the visitor is signed in. If not, the next page says so.
func SignedIn(s *session.Session) bool {
	if _, ok := user.Get(s); !ok {
		Flash(s, "Please sign in first.")
		return false
	}
	return true
}

// Put puts one item into the basket. It reports false if the shop does not sell it.
func Put(s *session.Session, item string) bool {
	if !slices.Contains(Items, item) {
		return false
	}
	basket.Update(s, func(b map[string]int) map[string]int { // parallel requests are added up
		if b == nil {
			b = map[string]int{}
		}
		b[item]++
		return b
	})
	Flash(s, "In your basket: "+item)
	return true
}

// Open returns what the visitor's page shows.
func Open(ctx context.Context, s *session.Session) (Page, error) {
	page := Page{Items: Items}
	page.User, _ = user.Get(s)
	page.Basket, _ = basket.Get(s)
	var err error
	page.Messages, err = takeFlashes(ctx, s) // last: it commits
	return page, err
}
