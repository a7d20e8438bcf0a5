package measure_test

import "testing"

// TestScenarios holds the benchmarks to what they claim to measure.
func TestScenarios(t *testing.T) {
	for _, store := range stores {
		t.Run(store.name, func(t *testing.T) {
			for _, a := range store.apps(t) {
				for _, sc := range scenarios {
					if !sc.fits(a) || !a.sessions() {
						continue
					}
					t.Run(a.name+"/"+sc.name, func(t *testing.T) {
						v := sc.visit(t, t.Context(), a)
						for range 3 {
							ask(t, v)
							if sc.check != "" {
								sc.confirm(t, v)
								v.to(sc.route)
							}
						}
					})
				}
			}
		})
	}
}

// TestLostChangesAreFound gives confirm an app that forgets.
func TestLostChangesAreFound(t *testing.T) {
	sc := scenario{route: "/change", check: "/read"}
	v := sc.visit(t, t.Context(), floor(t, nil))
	ask(t, v)
	seen := &failures{TB: t}
	sc.confirm(seen, v)
	if seen.count == 0 {
		t.Error("nothing was found")
	}
}

type failures struct {
	testing.TB
	count int
}

func (f *failures) Errorf(string, ...any) { f.count++ }
