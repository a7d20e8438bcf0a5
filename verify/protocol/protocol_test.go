package protocol_test

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

var long = flag.Bool("long", false, "search within longer bounds, which takes up to 8 GiB and ten minutes")

// model is what is checked of one model.
type model struct {
	name  string
	short []string // the bounds of each search, as options of the preprocessor
	long  []string
	rules []rule
}

// rule is a rule of the protocol. Within the bounds there is an execution without it that
// violates the property.
type rule struct{ name, bounds, property string }

// Bounds in which rules show.
const (
	changes     = "-DFAULTS=1"
	touches     = "-DTOUCHES=1 -DFAULTS=1"
	logouts     = "-DLOGOUTS=1 -DEXPIRY=1 -DHISTORY=2 -DFAULTS=1"
	visits      = "-DLATER=2 -DFAULTS=1"
	two         = "-DREQUESTS=2 -DFAULTS=0"
	twoFaulty   = "-DREQUESTS=2 -DFAULTS=1"
	three       = "-DREQUESTS=3 -DFAULTS=0"
	renewals    = "-DREQUESTS=3 -DFAULTS=0 -DEXPIRIES=0"
	logins      = "-DCHANGES=2 -DSWEEPS=0 -DFAULTS=0"
	faulty      = "-DCHANGES=2 -DSWEEPS=0 -DFAULTS=1"
	sweep       = "-DCHANGES=1 -DSWEEPS=1 -DFAULTS=0"
	faultySweep = "-DCHANGES=1 -DSWEEPS=1 -DFAULTS=1"
	eviction    = "-DCHANGES=2 -DSWEEPS=0 -DFAULTS=0 -DEVICTIONS=1"

	refreshes    = "-DREFRESHES=2 -DFAULTS=0"
	crashes      = "-DCRASHES=1 -DCHANGES=1 -DFAULTS=1"
	otherChanges = "-DCHANGES=1 -DFAULTS=0"
	sets         = "-DSETS=1 -DFAULTS=0"
	ends         = "-DLOGOUTS=1 -DFAULTS=1"
	slow         = "-DSLOW=1 -DSETS=1 -DFAULTS=1"
	inDoubt      = "-DCHANGES=1 -DFAULTS=1"

	copies     = "-DTICKS=2"
	twoChanges = "-DCHANGES=2 -DTICKS=0"
	aClear     = "-DCLEARS=1 -DCHANGES=2 -DTICKS=1"
	aRevoke    = "-DBROWSERS=1 -DREVOKES=1 -DLOSSES=1"

	crash    = "-DCRASHES=1 -DLOSSES=1"
	losses   = "-DTICKS=8 -DLOSSES=1"
	failover = "-DTICKS=8 -DCRASHES=1 -DFAILOVERS=1"
	persists = "-DTICKS=8 -DPERSISTS=1 -DFAULTS=1"
	late     = "-DTICKS=10 -DREQUEST=0 -DFLUSH=0 -DLOSSES=2"
	theft    = "-DTABS=1 -DTHIEVES=1 -DREQUEST=0 -DANSWER=0 -DGRACE=1 -DTHEFT=4 -DTICKS=21"

	instance  = "-DOUTSIDE=0 -DFAULTS=1"
	instances = "-DOUTSIDE=1 -DFAULTS=0"
	expiry    = "-DOUTSIDE=0 -DEXPIRY=1 -DFAULTS=1"

	faultyEviction = "-DCHANGES=1 -DSWEEPS=0 -DFAULTS=1 -DEVICTIONS=1"
)

var models = []model{
	{
		name:  "save",
		short: []string{touches, logouts},
		long: []string{
			"-DCHANGES=2 -DTOUCHES=1 -DLOGOUTS=1 -DEXPIRY=1 -DHISTORY=2 -DFAULTS=1",
			"-DCHANGES=2 -DTOUCHES=2 -DHISTORY=2 -DFAULTS=2",
			"-DCHANGES=3 -DTOUCHES=1 -DHISTORY=2 -DFAULTS=1",
		},
		rules: []rule{
			{"CAS", changes, "NO_CHANGE_IS_LOST"},
			{"REBASE", changes, "NO_CHANGE_IS_LOST"},
			{"CHECK_READS", changes, "NO_CHANGE_IS_LOST"},
			{"CHECK_EVERY_COMMIT", changes, "NO_CHANGE_IS_LOST"},
			{"KEEP_READS", changes, "NO_CHANGE_IS_LOST"},
			{"RANDOM_HALF", changes, "NO_CHANGE_IS_LOST"},
			{"HISTORY", changes, "NONE_IS_MADE_TWICE"},
			{"OUT_OF_REACH", touches, "NONE_IS_MADE_TWICE"},
			{"UNCHANGED_IS_UNKNOWN", changes, "NONE_IS_MADE_TWICE"},
			{"RETRY_SAME_VERSION", changes, "NONE_IS_MADE_TWICE"},
			{"STICKY", changes, "NONE_IS_MADE_TWICE"},
			{"READ_BACK", changes, "THE_ANSWERS_ARE_TRUE"},
			{"UNKNOWN_STAYS", changes, "THE_ANSWERS_ARE_TRUE"},
			{"TOMBSTONE_HISTORY", logouts, "THE_ANSWERS_ARE_TRUE"},
			{"ABSENT_UNKNOWN", logouts, "THE_ANSWERS_ARE_TRUE"},
			{"TOMBSTONE_IS_FINAL", logouts, "NOTHING_IS_RESURRECTED"},
			{"NEVER_RECREATE", logouts, "NOTHING_IS_RESURRECTED"},
		},
	},
	{
		name:  "group",
		short: []string{instance, instances, expiry, "-DINSIDE=1 -DFAULTS=2", "-DINSIDE=1 -DEXPIRY=1 -DFAULTS=2"},
		long:  []string{"-DOUTSIDE=1 -DFAULTS=1", "-DINSIDE=3 -DOUTSIDE=0 -DFAULTS=0"},
		rules: []rule{
			{"ANSWER_LAST", instance, "NO_CHANGE_IS_LOST"},
			{"ON_TOP", instance, "NO_CHANGE_IS_LOST"},
			{"CHECK_FOLLOWERS", instance, "NO_CHANGE_IS_LOST"},
			{"OWN_VERSION", instance, "NO_CHANGE_IS_LOST"},
			{"APPLY_AGAIN", instances, "NO_CHANGE_IS_LOST"},
			{"ONE_OUTCOME", instance, "NONE_IS_MADE_TWICE"},
			{"GONE_UNKNOWN", expiry, "THE_ANSWERS_ARE_TRUE"},
			{"VERDICT_LATER", instance, "CONFLICTS_ARE_TRUE"},
			{"NEVER_RECREATE", expiry, "NOTHING_IS_RESURRECTED"},
		},
	},
	{
		name:  "create",
		short: []string{visits},
		long:  []string{"-DLATER=2 -DFAULTS=2", "-DLATER=3 -DFAULTS=1"},
		rules: []rule{
			{"NEW_ID", visits, "NOTHING_IS_RESURRECTED"},
			{"NEVER_ADOPT", visits, "NOTHING_IS_RESURRECTED"},
			{"COOKIE_AFTER_SAVE", visits, "A_COOKIE_HAS_A_SESSION"},
		},
	},
	{
		name:  "renew",
		short: []string{twoFaulty, renewals},
		long: []string{
			"-DREQUESTS=3 -DFAULTS=1 -DEXPIRIES=1",
			"-DREQUESTS=2 -DFAULTS=2 -DEXPIRIES=2",
		},
		rules: []rule{
			{"INSERT_FIRST", two, "A_SUCCESSOR_IS_STORED"},
			{"RENEW_CAS", two, "NO_CHANGE_IS_LOST"},
			{"RENEW_REBASE", two, "NO_CHANGE_IS_LOST"},
			{"READ_BACK", twoFaulty, "THE_ANSWERS_ARE_TRUE"},
			{"RETIRE_OLD", two, "NOTHING_IS_FORKED"},
			{"COOKIE_LAST", two, "NOTHING_IS_FORKED"},
			{"START_EMPTY", two, "A_LOGOUT_ENDS_THE_SESSION"},
			{"DESTROY_CAS", two, "A_LOGOUT_ENDS_THE_SESSION"},
			{"FOLLOW_SUCCESSOR", two, "A_LOGOUT_ENDS_THE_SESSION"},
			{"FOLLOW_ALL_SUCCESSORS", renewals, "A_LOGOUT_ENDS_THE_SESSION"},
			{"TOMBSTONE_STAYS", two, "A_LOGOUT_ENDS_THE_SESSION"},
			{"CLAIM_KEEPS_SUCCESSOR", renewals, "A_LOGOUT_ENDS_THE_SESSION"},
			{"CARRY_NOTHING_READ", two, "NOTHING_READ_IS_CARRIED_OVER"},
			{"LOADED_LIVE", two, "AN_OLD_COOKIE_ENDS_NOTHING"},
			{"DELETE_NEW", two, "A_FAILURE_LEAVES_NOTHING"},
		},
	},
	{
		name:  "claim",
		short: []string{twoFaulty, three},
		long:  []string{"-DREQUESTS=3 -DFAULTS=1", "-DREQUESTS=2 -DFAULTS=2"},
		rules: []rule{
			{"CLAIM_CAS", two, "ONE_REQUEST_CLAIMS"},
			{"CLAIM_ONCE", two, "ONE_REQUEST_CLAIMS"},
			{"CLAIM_WINDOW", two, "ONE_REQUEST_CLAIMS"},
			{"STRICT_WINDOW", two, "A_LOGIN_IS_NOT_REPLACED"},
			{"TAKEOVER", two, "A_LOGIN_IS_NOT_REPLACED"},
			{"LEAVE_LOGINS", two, "LOGINS_ARE_NOT_ENDED"},
			{"LEAVE_OWNED", three, "LOGINS_ARE_NOT_ENDED"},
			{"DELETE_NEW", two, "A_FAILURE_LEAVES_NOTHING"},
		},
	},
	{
		name:  "owners",
		short: []string{faultySweep, faulty, eviction, faultyEviction},
		long: []string{
			"-DCHANGES=2 -DSWEEPS=1 -DFAULTS=0",
			"-DCHANGES=1 -DSWEEPS=1 -DFAULTS=2",
			"-DCHANGES=2 -DSWEEPS=0 -DFAULTS=2",
			"-DCHANGES=2 -DSWEEPS=0 -DFAULTS=1 -DEVICTIONS=1",
		},
		rules: []rule{
			{"ENTER_FIRST", logins, "EVERY_SESSION_IS_LISTED"},
			{"ENTER_AT_REWRITE", logins, "EVERY_SESSION_IS_LISTED"},
			{"ENTRY_RENEWED", logins, "EVERY_SESSION_IS_LISTED"},
			{"INDEX_CAS", logins, "EVERY_SESSION_IS_LISTED"},
			{"REMOVE_LAST", logins, "EVERY_SESSION_IS_LISTED"},
			{"REMOVE_UP_TO", logins, "EVERY_SESSION_IS_LISTED"},
			{"KEEP_UNKNOWN", faulty, "EVERY_SESSION_IS_LISTED"},
			{"KEEP_UNDELETED", faulty, "EVERY_SESSION_IS_LISTED"},
			{"ORDINAL", sweep, "EVERY_SESSION_IS_LISTED"},
			{"PENDING_TTL", sweep, "EVERY_SESSION_IS_LISTED"},
			{"REMOVE_ENDED", faultySweep, "EVERY_SESSION_IS_LISTED"},
			{"REENTER", eviction, "A_USE_LISTS_THE_SESSION"},
			{"FOLLOW_SUCCESSOR", sweep, "REVOKE_ALL_MISSES_NONE"},
		},
	},
	{
		name:  "lease",
		short: []string{crashes, ends, slow},
		long: []string{
			"-DREFRESHES=3 -DCRASHES=1 -DFAULTS=1 -DHISTORY=2",
			"-DSETS=1 -DLOGOUTS=1 -DFAULTS=1",
			"-DREFRESHES=3 -DSLOW=1 -DSETS=1 -DFAULTS=1",
		},
		rules: []rule{
			{"CAS", refreshes, "ONE_RUNS_AT_A_TIME"},
			{"WAIT", refreshes, "ONE_RUNS_AT_A_TIME"},
			{"LOOK_AGAIN", refreshes, "A_TOKEN_IS_REDEEMED_ONCE"},
			{"KEEP_LEASE", otherChanges, "A_TOKEN_IS_REDEEMED_ONCE"},
			{"FENCE", slow, "ONLY_THE_HOLDER_SAVES"},
			{"SAME_VALUE", sets, "NO_CHANGE_IS_LOST"},
			{"LANDED", inDoubt, "THE_ANSWERS_ARE_TRUE"},
			{"LIVE_ONLY", "-DLOGOUTS=1 -DFAULTS=0", "NOTHING_IS_RESURRECTED"},
			{"LEASE_ENDS", "-DCRASHES=1 -DFAULTS=0", "NOBODY_WAITS_FOREVER"},
		},
	},
	{
		name:  "readcache",
		short: []string{copies, twoChanges, aClear, aRevoke},
		long: []string{
			"-DTICKS=3",
			"-DCHANGES=2 -DTICKS=2",
			"-DCLEARS=1 -DCHANGES=2 -DTICKS=2",
			"-DBROWSERS=1 -DREQUESTS=3 -DREVOKES=1 -DLOSSES=2 -DTICKS=3",
		},
		rules: []rule{
			{"CAS", twoChanges, "NO_CHANGE_IS_LOST"},
			{"MAX_STALE", copies, "A_COPY_IS_YOUNG"},
			{"AGE_FROM_SEND", copies, "A_COPY_IS_YOUNG"},
			{"COOKIE", copies, "READS_DO_NOT_GO_BACK"},
			{"TELL_READS", copies, "READS_DO_NOT_GO_BACK"},
			{"TELL_UNTIL_STALE", copies, "READS_DO_NOT_GO_BACK"},
			{"SAFE_ONLY", copies, "OTHERS_READ_THE_STORE"},
			{"READ_FIRST", aClear, "A_CLEAR_CLEARS"},
			{"REMOVE_OWN", aRevoke, "AN_OWN_END_HOLDS"},
			{"REMOVALS", aRevoke, "AN_OWN_END_HOLDS"},
			{"HEARD_REMOVES", aRevoke, "A_HEARD_END_HOLDS"},
			{"LISTENING", aRevoke, "A_MISSED_END_HOLDS"},
			{"CLEAR_AT_READY", aRevoke, "A_MISSED_END_HOLDS"},
		},
	},
	{
		name:  "rotation",
		short: []string{crash, failover, persists, late, theft},
		long: []string{
			"-DTICKS=10 -DCRASHES=1 -DLOSSES=2",
			"-DTICKS=9 -DCRASHES=1 -DFAILOVERS=1 -DLOSSES=1",
			"-DTICKS=9 -DPERSISTS=1 -DFAULTS=1 -DCRASHES=1",
			"-DTABS=1 -DTHIEVES=1 -DREQUEST=0 -DANSWER=0 -DGRACE=1 -DTHEFT=8 -DTICKS=25",
		},
		rules: []rule{
			{"CAS", persists, "A_NEWER_COOKIE_STAYS"},
			{"SIGN_LAST", persists, "A_NEWER_COOKIE_STAYS"},
			{"SERVE_CONFIRMED", losses, "AN_HONEST_BROWSER_STAYS"},
			{"SERVE_PENDING", losses, "AN_HONEST_BROWSER_STAYS"},
			{"CONFIRM_LATE", crash, "AN_HONEST_BROWSER_STAYS"},
			{"COVER_REQUESTS", crash, "AN_HONEST_BROWSER_STAYS"},
			{"LOAD_TIME", crash, "AN_HONEST_BROWSER_STAYS"},
			{"REPLACE_LATE", late, "AN_HONEST_BROWSER_STAYS"},
			{"ADOPT", failover, "AN_HONEST_BROWSER_STAYS"},
			{"LOWER_IS_THEFT", theft, "A_THEFT_IS_NOTICED"},
			{"REPLACED_IS_THEFT", theft, "A_THEFT_IS_NOTICED"},
			{"ISSUE_AGAIN", theft, "A_THEFT_IS_NOTICED"},
			{"FROM_FIRST", theft, "A_THEFT_IS_NOTICED"},
			{"OWN_TIME", theft, "A_THEFT_IS_NOTICED"},
			{"SEND_SAVED", theft, "A_THEFT_IS_NOTICED"},
			{"TRY_AGAIN", theft, "A_THEFT_IS_NOTICED"},
		},
	},
}

// TestProtocol searches all executions of the models. None violates a property, and each
// statement is executed in some.
func TestProtocol(t *testing.T) {
	needSpin(t)
	for _, m := range models {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			bounds, cflags, args := m.short, []string{"-O0", "-DMEMLIM=2000"}, []string{"-m10000", "-w22"}
			if *long {
				bounds, cflags, args = m.long, []string{"-O2", "-DCOLLAPSE", "-DMEMLIM=7500"}, []string{"-m10000", "-w26"}
			}
			var mu sync.Mutex
			covered := map[string][]coverage{}
			t.Cleanup(func() { checkCoverage(t, covered) })
			for _, b := range bounds {
				t.Run(strings.ReplaceAll(b, " ", "_"), func(t *testing.T) {
					t.Parallel()
					v := newVerifier(t, m.name, b, cflags...)
					r := v.search(t, args...)
					switch {
					case r.errors > 0:
						t.Fatalf("%v\nan execution that violates a property:\n%s\nall its steps:\n%s", r, v.execution(t), v.steps(t))
					case r.problem != "":
						t.Fatalf("the search was not exhaustive: %s\n%s", r.problem, r.out)
					}
					t.Log(r)
					mu.Lock()
					defer mu.Unlock()
					for name, c := range r.procs {
						covered[name] = append(covered[name], c)
					}
				})
			}
		})
	}
}

// checkCoverage fails the test if there are statements of a proctype that no search has
// executed. Only searches of the same statements add up.
func checkCoverage(t *testing.T, covered map[string][]coverage) {
	if t.Failed() {
		return
	}
	for name, all := range covered {
		unreached := map[int][]string{} // by the number of statements
		for _, c := range all {
			left, seen := unreached[c.total]
			if !seen {
				left = c.unreached
			}
			unreached[c.total] = slices.DeleteFunc(slices.Clone(left), func(s string) bool { return !slices.Contains(c.unreached, s) })
		}
		for _, left := range unreached {
			if len(left) > 0 {
				t.Errorf("never executed in %s:\n%s", name, strings.Join(left, "\n"))
			}
		}
	}
}

// TestRules leaves out one rule at a time: an execution then violates the property.
func TestRules(t *testing.T) {
	needSpin(t)
	for _, m := range models {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			for _, rule := range m.rules {
				t.Run(rule.name, func(t *testing.T) {
					t.Parallel()
					v := newVerifier(t, m.name, rule.bounds+" -DNO_"+rule.name+" -DONLY="+rule.property, "-DMEMLIM=2000")
					if r := v.search(t, "-m10000", "-w22"); r.errors == 0 {
						t.Fatalf("no execution violates %s\n%s", rule.property, r.out)
					}
					execution := v.execution(t)
					if !strings.Contains(execution, "violated: "+rule.property+"\n") {
						t.Errorf("the search has ended with another error than %s:\n%s", rule.property, execution)
					}
					t.Logf("\n%s", execution)
				})
			}
		})
	}
}

// TestIncomplete shows that a search that was cut short does not pass for an exhaustive one.
func TestIncomplete(t *testing.T) {
	needSpin(t)
	for _, test := range []struct{ name, memory, depth string }{
		{"depth", "-DMEMLIM=2000", "-m20"},
		{"memory", "-DMEMLIM=50", "-m10000"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v := newVerifier(t, "save", touches, test.memory)
			if r := v.search(t, test.depth, "-w22"); r.problem == "" {
				t.Errorf("no problem in\n%s", r.out)
			}
		})
	}
}

// TestSwitches holds the switches and properties of the models against the table above and
// those of README.md.
func TestSwitches(t *testing.T) {
	readme := read(t, "README.md")
	if files, _ := filepath.Glob("*.pml"); len(files) != len(models) {
		t.Errorf("%d models are checked; want %q", len(models), files)
	}
	shared := switches(read(t, "store.inc"))
	for _, m := range models {
		text := read(t, m.name+".pml")
		own := switches(text)
		unchecked := maps.Clone(own)
		if m.name == "save" {
			maps.Copy(unchecked, shared)
		}
		properties := map[string]bool{}
		for _, s := range regexp.MustCompile(`PROPERTY\((\w+)`).FindAllStringSubmatch(text, -1) {
			properties[s[1]] = true
		}
		for _, r := range m.rules {
			if !own[r.name] && !shared[r.name] {
				t.Errorf("%s: there is no switch NO_%s", m.name, r.name)
			}
			delete(unchecked, r.name)
			delete(properties, r.property)
			if !strings.Contains(readme, "`"+r.name+"`") {
				t.Errorf("README.md does not tell of %s", r.name)
			}
		}
		for name := range unchecked {
			t.Errorf("%s: no test leaves out %s", m.name, name)
		}
		for name := range properties {
			t.Errorf("%s: no rule is needed for %s", m.name, name)
		}
	}
}

// switches returns the rules that text leaves out where it is told so.
func switches(text string) map[string]bool {
	names := map[string]bool{}
	for _, s := range regexp.MustCompile(`(?m)^#ifn?def NO_(\w+)$`).FindAllStringSubmatch(text, -1) {
		names[s[1]] = true
	}
	return names
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
