package sqlite

import (
	"cmp"
	"fmt"
	"reflect"
)

// https://www.sqlite.org/rescode.html
const (
	codeError      = 1
	codePerm       = 3
	codeBusy       = 5
	codeLocked     = 6
	codeReadOnly   = 8
	codeInterrupt  = 9
	codeIOErr      = 10
	codeCorrupt    = 11
	codeFull       = 13
	codeCantOpen   = 14
	codeProtocol   = 15
	codeSchema     = 17
	codeTooBig     = 18
	codeConstraint = 19
	codeMismatch   = 20
	codeAuth       = 23
	codeNotADB     = 26
)

var codeTexts = map[int]string{
	codeError:      "error of the statement",
	codePerm:       "access denied",
	codeBusy:       "the database is locked by another connection",
	codeLocked:     "the table is locked by another connection",
	codeReadOnly:   "the database is read-only",
	codeInterrupt:  "interrupted",
	codeIOErr:      "input or output error",
	codeCorrupt:    "the database is corrupt",
	codeFull:       "the database or the disk is full",
	codeCantOpen:   "the file cannot be opened",
	codeProtocol:   "locked by another connection that does not finish its commit; continue or kill a process that is stopped",
	codeSchema:     "the schema has changed",
	codeTooBig:     "a value is too big",
	codeConstraint: "a constraint or a trigger of the table has refused the change",
	codeMismatch:   "a value has the wrong type",
	codeAuth:       "not authorized",
	codeNotADB:     "the file is not a database",
}

// A resultCode is an error of SQLite by its number. It stands in for the driver's error,
// whose text may quote what a trigger says.
type resultCode int

// Code returns the extended result code.
func (c resultCode) Code() int { return int(c) }

func (c resultCode) primary() int { return int(c) & 0xff }

func (c resultCode) Error() string {
	return fmt.Sprintf("%s (SQLite result code %d)", cmp.Or(codeTexts[c.primary()], "failure"), int(c))
}

// codeOf returns the result code of a driver's error; 0: it has none. There is no common
// interface. A method Code that returns an int is that of modernc.org/sqlite, a method
// ExtendedCode that of ncruces/go-sqlite3, which also has errors that are numbers with a
// method Code, and fields of these names those of mattn/go-sqlite3.
func codeOf(err error) resultCode {
	switch e := err.(type) {
	case nil:
		return 0
	case interface{ Code() int }:
		return resultCode(e.Code())
	case interface{ Unwrap() []error }:
		for _, err := range e.Unwrap() {
			if c := codeOf(err); c != 0 {
				return c
			}
		}
		return 0
	}
	if c := reflectedCode(reflect.ValueOf(err)); c != 0 {
		return c
	}
	if e, ok := err.(interface{ Unwrap() error }); ok {
		return codeOf(e.Unwrap())
	}
	return 0
}

func reflectedCode(err reflect.Value) resultCode {
	if m := err.MethodByName("ExtendedCode"); m.IsValid() && m.Type().NumIn() == 0 && m.Type().NumOut() == 1 {
		return integer(m.Call(nil)[0])
	}
	if err.MethodByName("Code").IsValid() && integer(err) != 0 {
		return integer(err)
	}
	err = reflect.Indirect(err)
	if err.Kind() != reflect.Struct {
		return 0
	}
	return cmp.Or(integer(err.FieldByName("ExtendedCode")), integer(err.FieldByName("Code")))
}

func integer(v reflect.Value) resultCode {
	switch {
	case !v.IsValid():
		return 0
	case v.CanInt():
		return resultCode(v.Int())
	case v.CanUint():
		return resultCode(v.Uint())
	default:
		return 0
	}
}

// isLocked reports whether a call had no effect because another connection has a lock.
func isLocked(err error) bool {
	switch codeOf(err).primary() {
	case codeBusy, codeLocked, codeProtocol:
		return true
	default:
		return false
	}
}
