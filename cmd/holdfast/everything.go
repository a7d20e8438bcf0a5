package main

import (
	"context"
	"fmt"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// revokeEverything ends every session of the namespace. It takes as long as instances of
// the program may take to notice.
func (j *job) revokeEverything(ctx context.Context, m *session.Manager) error {
	question := fmt.Sprintf("End every session%s? Each instance of the program must have Config.RevokeEverythingWithin, of at most %v.", j.inNamespace(), j.within)
	if err := j.confirmed(ctx, question, "this ends every session and", "nothing was ended"); err != nil {
		return err
	}
	began := time.Now()
	fmt.Fprintf(j.stderr, "holdfast: the sessions end now, and on each instance of the program within %v; waiting for that\n", j.within)
	if err := m.RevokeEverything(ctx); err != nil {
		return fmt.Errorf("sessions may go on; repeat this: %w", err)
	}
	_, err := fmt.Fprintf(j.stdout, "ended every session%s that began before %s\n", j.inNamespace(), when(began.UTC()))
	return err
}

func (j *job) inNamespace() string {
	if j.namespace == "" {
		return ""
	}
	return " of the namespace " + printable(j.namespace)
}
