// Package metrics is the code of docs/operating.md: metrics and spans of sessions.
package metrics

import (
	"github.com/holdfast-go/holdfast/adapters/otelholdfast"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// newSessions returns a Manager that reports to the program's global providers of metrics
// and traces.
func newSessions(store provider.Provider) (*session.Manager, error) {
	observer, err := otelholdfast.Observer()
	if err != nil {
		return nil, err
	}
	return session.New(store, session.Config{Observer: observer})
}
