package main

import (
	"sync"
	"unicode/utf8"

	"golang.org/x/crypto/bcrypt"
)

const (
	minPassword = 8  // characters
	maxPassword = 72 // bytes, bcrypt's limit
	maxName     = 40 // bytes
)

// cost is bcrypt's work factor; each step up doubles the time.
var cost = bcrypt.DefaultCost

// A complaint is an error to show to the visitor.
type complaint string

func (c complaint) Error() string { return string(c) }

const (
	errName     = complaint("Choose a name of 1 to 40 letters.")
	errTaken    = complaint("That name is taken.")
	errPassword = complaint("Choose a password of 8 to 72 letters.")
	errSignIn   = complaint("The name and the password do not match.")
)

// users are the accounts, in memory: they end with the program. An app of your
// own has them in its database.
type users struct {
	mu     sync.Mutex
	hashes map[string][]byte
	decoy  []byte // what a password is compared with if there is no such user
}

func newUsers() *users {
	decoy, err := bcrypt.GenerateFromPassword([]byte("nobody's password"), cost)
	if err != nil {
		panic(err)
	}
	return &users{hashes: map[string][]byte{}, decoy: decoy}
}

func (u *users) add(name, password string) error {
	if name == "" || len(name) > maxName || !utf8.ValidString(name) {
		return errName
	}
	hash, err := hashPassword(password)
	if err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, taken := u.hashes[name]; taken {
		return errTaken
	}
	u.hashes[name] = hash
	return nil
}

// check takes as long for a name that does not exist as for one that does, so
// that the time tells nobody who has an account.
func (u *users) check(name, password string) error {
	u.mu.Lock()
	hash, ok := u.hashes[name]
	u.mu.Unlock()
	if !ok {
		hash = u.decoy
	}
	if err := bcrypt.CompareHashAndPassword(hash, []byte(password)); err != nil || !ok {
		return errSignIn
	}
	return nil
}

func (u *users) setPassword(name, password string) error {
	hash, err := hashPassword(password)
	if err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.hashes[name] = hash
	return nil
}

func (u *users) exists(name string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	_, ok := u.hashes[name]
	return ok
}

func hashPassword(password string) ([]byte, error) {
	if utf8.RuneCountInString(password) < minPassword || len(password) > maxPassword {
		return nil, errPassword
	}
	return bcrypt.GenerateFromPassword([]byte(password), cost)
}
