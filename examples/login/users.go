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

	maxAddresses = 8 // stored for each user
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

// users are the accounts, in memory: they end with the program. A real app has them in
// its database.
type users struct {
	mu     sync.Mutex
	byName map[string]*user
	byID   map[string]*user
	first  string // the ID of the first account, whose user may administer the shop
	decoy  []byte // the hash to compare a password with if there is no such user
}

type user struct {
	account
	name string
	hash []byte

	addresses []string // from which the user has signed in, the latest last
}

// account is the part of a user that a session stores: the ID, and the generation of the
// password that it was signed in with. If either does not match, nobody is signed in. The
// ID is not the name, because a name may be reused by another user.
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
	if u.first == "" {
		u.first = added.ID
	}
	return added.account, nil
}

// check takes the same time for a name that does not exist as for one that does, so that
// the time does not reveal who has an account.
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

// find returns the user of that name, or nil. The caller must hold u.mu.
func (u *users) find(name string) *user {
	clean, err := cleanName(name)
	if err != nil {
		return nil
	}
	return u.byName[clean]
}

// change is a compare-and-swap, too: of two concurrent changes of one password, the
// second no longer matches.
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

// seen records that the account's user has signed in from address.
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

// name returns the name of the account's user, or "".
func (u *users) name(acc account) string {
	u.mu.Lock()
	defer u.mu.Unlock()
	if found := u.byID[acc.ID]; found != nil && found.account == acc {
		return found.name
	}
	return ""
}

// isFirst reports whether the account was the first one.
func (u *users) isFirst(id string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return id != "" && u.first == id
}

// cleanName returns the name as it is stored and compared, or errName. Names that look
// alike let one user pass for another: Unicode has letters of other alphabets, combining
// marks, wide and invisible characters, and spellings that differ only in case. So the
// name for signing in is ASCII, in lower case; a separate display name may be any text.
// For names in every script, use the profiles of PRECIS (RFC 8265,
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
