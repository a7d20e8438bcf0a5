package main

import (
	"bytes"
	"crypto/rand"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/crypto/bcrypt"
)

const (
	maxName     = 40 // bytes
	minPassword = 8  // characters
	maxPassword = 72 // bytes: bcrypt looks at no more

	maxAddresses = 8 // that are remembered of a user
)

// hashCost is bcrypt's work factor; each step up doubles the time.
var hashCost = bcrypt.DefaultCost

// A complaint is an error to show to the visitor.
type complaint string

func (c complaint) Error() string { return string(c) }

const (
	errName     = complaint("Choose a name of at most 40 letters from a to z and digits, with dots, dashes and underscores in between.")
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

	addresses []string // that it was signed in from, the last one last
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
	name, err := cleanName(name)
	if err != nil {
		return account{}, err
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
	added := &user{account: account{ID: rand.Text()}, name: name, hash: hash}
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
	found := u.find(name)
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

// find returns the user of that name, or nil, to a caller that holds u.mu.
func (u *users) find(name string) *user {
	clean, err := cleanName(name)
	if err != nil {
		return nil
	}
	return u.byName[clean]
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
	found := u.find(name)
	if !bytes.Equal(found.hash, compared) {
		return account{}, errSignIn
	}
	found.hash = hash
	found.Generation++
	return found.account, nil
}

// knows reports whether the user of that name has signed in from address.
func (u *users) knows(name, address string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	found := u.find(name)
	return found != nil && slices.Contains(found.addresses, address)
}

// seen remembers that the account's user has signed in from address.
func (u *users) seen(acc account, address string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	found := u.byID[acc.ID]
	if found == nil {
		return
	}
	found.addresses = slices.DeleteFunc(found.addresses, func(a string) bool { return a == address })
	found.addresses = append(found.addresses, address)
	if over := len(found.addresses) - maxAddresses; over > 0 {
		found.addresses = slices.Delete(found.addresses, 0, over)
	}
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

// cleanName returns the name as it is stored and compared, or errName. Names that look
// alike let one user pass for another: in Unicode there are letters of other alphabets,
// combining marks, wide and invisible ones, and spellings that differ only in case. So a
// name to sign in with is ASCII, in lower case; what others are shown can be another
// name, and any. Who needs names in every script needs the profiles of PRECIS (RFC 8265,
// golang.org/x/text/secure/precis) and the rules for confusable letters of UTS 39.
func cleanName(name string) (string, error) {
	clean := []byte(strings.TrimSpace(name))
	if len(clean) == 0 || len(clean) > maxName {
		return "", errName
	}
	for i, c := range clean {
		inside := i > 0 && i < len(clean)-1 && isAlphanumeric(clean[i-1])
		switch {
		case 'A' <= c && c <= 'Z':
			clean[i] = c + 'a' - 'A'
		case isAlphanumeric(c), inside && strings.IndexByte("._-", c) >= 0:
		default:
			return "", errName
		}
	}
	return string(clean), nil
}

func isAlphanumeric(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' }

func hashPassword(password string) ([]byte, error) {
	if utf8.RuneCountInString(password) < minPassword || len(password) > maxPassword {
		return nil, errPassword
	}
	return bcrypt.GenerateFromPassword([]byte(password), hashCost)
}
