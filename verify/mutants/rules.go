package main

// The packages that have rules.
const (
	engine    = "session" // and what is below it
	envelopes = "session/internal/envelope"
	proofs    = "session/internal/dbsc"
	keyrings  = "session/internal/keyring"
	queues    = "session/internal/queue"
	epochs    = "session/internal/epoch"
	memory    = "provider/memory"
	sealing   = "provider/sealed"
	migrating = "provider/migrate"
	providers = "provider"
	paging    = "provider/internal/paging"

	adminPages = "admin"
)

// enginePackages are the packages that a rule of the engine may be in. Which one it is may
// change; the tests that notice are those of package session.
var enginePackages = []string{
	engine,
	"session/internal/txn",
	"session/internal/rotation",
	"session/internal/binding",
	"session/internal/owners",
	"session/internal/records",
	"session/internal/readcache",
	"session/internal/token",
}

var sections = []section{
	{"Versions", versions},
	{"When: commit points", commitPoints},
	{"When: failed handlers and failed commits", failures},
	{"When: after the headers, time, the request's copy", afterwards},
	{"What was read", whatWasRead},
	{"Commit of a change", commits},
	{"Isolation levels", levels},
	{"Conflict, queue and unknown outcome", outcomes},
	{"Group commit", groups},
	{"Session.Update", updates},
	{"Create", creates},
	{"Replay", replays},
	{"Leases", leases},
	{"Freshness and limits of one session", freshness},
	{"Observer of begins and ends", life},
	{"Observer of faults and routes", faults},
	{"Clear-Site-Data", clearing},
	{"Renew", renewals},
	{"Sessions bound to a device", bindings},
	{"Rotation", rotations},
	{"After the end: claims and premises", aftermath},
	{"Destroy", destroys},
	{"Sessions and keys", keys},
	{"Costs and time", times},
	{"Payload", payloads},
	{"Cookie", cookies},
	{"Signing keys", signingKeys},
	{"Owners, Sessions and revocation", owners},
	{"Labels", labels},
	{"RevokeEverything", everything},
	{"Outside of a request", outsides},
	{"Watched sessions", watches},
	{"Copies for requests that only read", copies},
	{"Memory provider", stores},
	{"Sealing provider", seals},
	{"Migration from one store to another", migrations},
	{"Limits of NIST SP 800-63B-4 (docs/security.md)", presets},
	{"Cookies (docs/security.md)", cookieRules},
	{"Bombs (docs/security.md)", bombs},
	{"Secrets (docs/security.md)", secrets},
	{"Logs and errors (docs/security.md)", leaks},
	{"Listing (provider.Lister)", listing},
	{"Other stacks and proxies", stacks},
	{"The operator's page (package admin)", operators},
}
