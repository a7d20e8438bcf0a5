package sqlite_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"syscall"
	"testing"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/sqlite"
)

// failing is a driver whose statements fail with an error.
type failing struct{ err error }

func (f failing) Connect(context.Context) (driver.Conn, error) { return f, nil }
func (f failing) Driver() driver.Driver                        { return nil }
func (f failing) Prepare(string) (driver.Stmt, error)          { return f, nil }
func (f failing) Begin() (driver.Tx, error)                    { return nil, f.err }
func (f failing) Close() error                                 { return nil }
func (f failing) NumInput() int                                { return -1 }
func (f failing) Exec([]driver.Value) (driver.Result, error)   { return nil, f.err }
func (f failing) Query([]driver.Value) (driver.Rows, error)    { return nil, f.err }

// The errors of drivers, in their shapes.
type (
	withCode     struct{ code int }    // modernc.org/sqlite
	withExtended struct{ code uint16 } // github.com/ncruces/go-sqlite3
	primary      uint8                 // the same
	extended     uint16                // the same
	withFields   struct {              // github.com/mattn/go-sqlite3
		Code         fieldCode
		ExtendedCode fieldCode
		err          string
	}
	fieldCode int
)

func (e *withCode) Error() string              { return "secret" }
func (e *withCode) Code() int                  { return e.code }
func (e *withExtended) Error() string          { return "secret" }
func (e *withExtended) Code() primary          { return primary(e.code) }
func (e *withExtended) ExtendedCode() extended { return extended(e.code) }
func (e primary) Error() string                { return "secret" }
func (e primary) ExtendedCode() extended       { return extended(e) }
func (e extended) Error() string               { return "secret" }
func (e extended) Code() primary               { return primary(e) }
func (e withFields) Error() string             { return e.err }

// There is no common interface of the drivers' errors.
func TestCodesOfDrivers(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		full bool // or else the outcome is open
	}{
		"method Code":                    {&withCode{13}, true},
		"method Code, open":              {&withCode{10}, false},
		"method ExtendedCode":            {&withExtended{13}, true},
		"method ExtendedCode, open":      {&withExtended{10 | 4<<8}, false},
		"number with ExtendedCode":       {primary(13), true},
		"number with ExtendedCode, open": {primary(11), false},
		"number with Code":               {extended(13), true},
		"number with Code, open":         {extended(10 | 3<<8), false},
		"fields":                         {withFields{Code: 13, ExtendedCode: 13}, true},
		"field":                          {withFields{Code: 13}, true},
		"fields, open":                   {withFields{Code: 10, ExtendedCode: 10 | 3<<8}, false},
		"wrapped":                        {fmt.Errorf("driver: %w", &withCode{13}), true},
		"joined":                         {errors.Join(nil, primary(13)), true},
		"of the system":                  {syscall.Errno(13), false},
		"no code":                        {errors.New("13"), false},
	} {
		t.Run(name, func(t *testing.T) {
			db := sql.OpenDB(failing{test.err})
			defer db.Close()
			err := sqlite.New(db).Save(t.Context(), &provider.Record{ID: "x", Version: 1}, -1)
			if full := errors.Is(err, provider.ErrFull); full != test.full || errors.Is(err, provider.ErrRefused) != test.full {
				t.Errorf("got error %v, want ErrFull and ErrRefused: %t", err, test.full)
			}
		})
	}
}

// Nothing is sent of what is too large; here, there is nobody to send it to.
func TestTooLarge(t *testing.T) {
	rec := &provider.Record{ID: "x", Version: 1, Data: make([]byte, 16<<20+1)}
	for _, expectVersion := range []int64{0, 1, -1} {
		if err := sqlite.New(nil).Save(t.Context(), rec, expectVersion); !errors.Is(err, provider.ErrTooLarge) {
			t.Errorf("got error %v, want ErrTooLarge", err)
		}
	}
}
