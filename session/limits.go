package session

import (
	"fmt"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/records"
)

// SetLimits gives the session time limits of its own, for users or devices on which a
// session must end sooner, such as those of administrators or a kiosk. Idle is the time
// without use that ends it, and lifetime the time since it began or was last renewed. A
// limit counts if it is shorter than the one of the Config, also for a session that
// Persist keeps; a longer one has no effect. Zero leaves a limit as it is, and a later
// call replaces an earlier one: to remove a limit, set it to that of the Config or more.
//
// The limits are stored with the session, and every instance obeys them. Renew keeps them,
// and restarts the times that they count from. After Destroy a new session has none. Call
// it as often as you like: only a call that changes a limit saves the session. Such a call
// counts as use of the session, also in a request of Manager.Passive. A session whose new
// lifetime has already passed ends with the commit. A session without values is not stored
// just for SetLimits.
//
// With an idle timeout of its own, a session in use is saved once a tenth of that has
// passed, if that is less than Config.TouchInterval. The isolation levels do not apply: of
// two requests that set a limit, the last wins. SetLimits panics if a limit is negative;
// Destroy ends a session at once.
func (s *Session) SetLimits(idle, lifetime time.Duration) {
	if idle < 0 || lifetime < 0 {
		panic(fmt.Sprintf("session: SetLimits(%v, %v) has a negative limit; use Destroy to end the session now", idle, lifetime))
	}
	s.transaction().SetLimits(records.Limits{Idle: idle, Lifetime: lifetime})
}
