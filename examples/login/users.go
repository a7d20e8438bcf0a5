package main

import (
	"bytes"
	"crypto/rand"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/bcrypt"
)

const (
	maxName     = 40 // characters
	minPassword = 8  // characters
	maxPassword = 72 // bytes: bcrypt looks at no more
)

// hashCost is bcrypt's work factor; each step up doubles the time.
var hashCost = bcrypt.DefaultCost

// A complaint is an error to show to the visitor.
type complaint string

func (c complaint) Error() string { return string(c) }

const (
	errName     = complaint("Choose a name of 1 to 40 letters.")
	errTaken    = complaint("That name is taken.")
	errPassword = complaint("Choose a password of 8 characters or more, at most 72 bytes.")
	errSignIn   = complaint("The name and the password do not match.")
)

// users are the accounts, in memory: they end with the program. An app of your
// own has them in its database.
type users struct {
	mu     sync.Mutex
	byName map[string]*user
	byID   map[string]*user
	decoy  []byte // what a password is compared with if there is no such user
}

type user struct {
	account
	name string
	hash []byte
}

// account is what a session keeps of a user: whose it is, and the password that it
// was signed in with, without which it is nobody's. The ID is no name, which another
// may have once the first is gone.
type account struct {
	ID         string
	Generation int // of the password
}

func newUsers() *users {
	decoy, err := bcrypt.GenerateFromPassword([]byte("nobody's password"), hashCost)
	if err != nil {
		panic(err)
	}
	return &users{byName: map[string]*user{}, byID: map[string]*user{}, decoy: decoy}
}

func (u *users) add(name, password string) (account, error) {
	if !validName(name) {
		return account{}, errName
	}
	hash, err := hashPassword(password)
	if err != nil {
		return account{}, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.byName[name] != nil {
		return account{}, errTaken
	}
	added := &user{account{ID: rand.Text()}, name, hash}
	u.byName[name], u.byID[added.ID] = added, added
	return added.account, nil
}

// check takes as long for a name that does not exist as for one that does, so
// that the time tells nobody who has an account.
func (u *users) check(name, password string) (account, error) {
	acc, _, err := u.compare(name, password)
	return acc, err
}

func (u *users) compare(name, password string) (acc account, hash []byte, err error) {
	u.mu.Lock()
	found := u.byName[name]
	hash = u.decoy
	if found != nil {
		acc, hash = found.account, found.hash
	}
	u.mu.Unlock()
	err = bcrypt.CompareHashAndPassword(hash, []byte(password))
	if err != nil || found == nil || len(password) > maxPassword {
		return account{}, nil, errSignIn
	}
	return acc, hash, nil
}

// change is a compare-and-swap, too: of two changes of one password at the same
// time, the second does not match any more.
func (u *users) change(name, old, password string) (account, error) {
	_, compared, err := u.compare(name, old)
	if err != nil {
		return account{}, err
	}
	hash, err := hashPassword(password)
	if err != nil {
		return account{}, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	found := u.byName[name]
	if !bytes.Equal(found.hash, compared) {
		return account{}, errSignIn
	}
	found.hash = hash
	found.Generation++
	return found.account, nil
}

// name returns whose account it is, or "".
func (u *users) name(acc account) string {
	u.mu.Lock()
	defer u.mu.Unlock()
	if found := u.byID[acc.ID]; found != nil && found.account == acc {
		return found.name
	}
	return ""
}

func validName(name string) bool {
	invisible := func(r rune) bool { return !unicode.IsGraphic(r) || r == utf8.RuneError }
	return name != "" && utf8.RuneCountInString(name) <= maxName && !strings.ContainsFunc(name, invisible)
}

func hashPassword(password string) ([]byte, error) {
	if utf8.RuneCountInString(password) < minPassword || len(password) > maxPassword {
		return nil, errPassword
	}
	return bcrypt.GenerateFromPassword([]byte(password), hashCost)
}
