// Package outcome marks errors of a Save or Delete that has certainly changed nothing,
// without changing their text.
package outcome

import "github.com/holdfast-go/holdfast/provider"

// NotSaved returns err as a provider.ErrNotSaved.
func NotSaved(err error) error { return &marked{err, provider.ErrNotSaved} }

// Refused returns err as a provider.ErrRefused.
func Refused(err error) error { return &marked{err, provider.ErrRefused} }

type marked struct {
	error
	as error
}

func (m *marked) Unwrap() []error { return []error{m.error, m.as} }
