package session_test

import "testing"

// TestSameRulesForEachCarrier runs tests of what does not depend on how the visitor's token
// travels with a token in a header, and by Open and Commit.
func TestSameRulesForEachCarrier(t *testing.T) {
	rules := map[string]func(*testing.T){
		"Renew":                TestRuleRenew,
		"Theft":                TestRuleTheft,
		"HonestBrowser":        TestRuleHonestBrowserIsNotSignedOut,
		"RenewThatLoses":       TestRuleRenewThatLosesAtEveryLevel,
		"Tombstone":            TestRuleTombstone,
		"StartOver":            TestRuleStartOver,
		"ReplayRuns":           TestRuleReplayRuns,
		"ReplayWhat":           TestRuleReplayWhat,
		"NotReplayed":          TestRuleNotReplayed,
		"Unreadable":           TestRuleUnreadable,
		"RevokedVisitor":       TestRuleRevokedVisitor,
		"Destroy":              TestRuleDestroy,
		"DestroyUnknown":       TestRuleDestroyUnknown,
		"DestroyUnknownCookie": TestRuleDestroyUnknownCookie,
		"SetAfterDestroy":      TestRuleSetAfterDestroy,
		"EndedSession":         TestRuleNothingOfAnEndedSession,
		"Isolation":            TestRuleIsolation,
		"Namespaces":           TestAdvisoryNamespacesCollide,
		"Fixation":             TestCVE_2011_4718_Fixation,
		"Resurrection":         TestCVE_2025_32441_Resurrection,
		"FailedHandler":        TestRuleFailedHandler,
	}
	by := func(name string, c carriage, more map[string]func(*testing.T)) {
		for _, rules := range []map[string]func(*testing.T){rules, more} {
			for rule, test := range rules {
				t.Run(name+"/"+rule, func(t *testing.T) {
					defer func(before carriage) { carrier = before }(carrier)
					carrier = c
					test(t)
				})
			}
		}
	}
	ofAnswers := map[string]func(*testing.T){"Claim": TestRuleClaim} // whose text gives advice
	ofMaxAge := map[string]func(*testing.T){"Persist": TestRulePersist}
	by("header", carriage{inHeader: "X-Session-Token"}, ofAnswers)
	by("Authorization", carriage{inHeader: "Authorization"}, ofAnswers)
	by("Open", carriage{open: true}, ofMaxAge)
}
