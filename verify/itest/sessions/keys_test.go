package sessions_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/holdfast-go/holdfast/verify/itest/stores"
)

// Instances without signing keys share a ring in the store, whichever begins it:
// each takes the cookies of the others, from the first on.
func TestInstancesShareTheirSigningKeys(t *testing.T) {
	stores.EachProvider(t, func(t *testing.T, s stores.Store) {
		a := newApp(t, s, 2, spec{Ring: true})
		cookies := make([]string, 10)
		var wg sync.WaitGroup
		for i := range cookies {
			wg.Go(func() { cookies[i] = a.begin() })
		}
		wg.Wait()
		for i, cookie := range cookies {
			for instance := range a.urls {
				got := a.ask(instance, "POST", "/Handler?do=tells", cookie)
				if st, _ := told(got.text); got.status != http.StatusOK || st.name != "begun" {
					t.Errorf("cookie %d at instance %d opens %+v", i, instance, got)
				}
			}
		}
	})
}
