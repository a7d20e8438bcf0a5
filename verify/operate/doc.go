// Package operate tests what operators get: the dashboard and the alerts of
// adapters/otelholdfast/dashboard, and docs/operating.md. An app on PostgreSQL is scraped by
// a Prometheus. For each alert there is a scene that makes it fire, and every query of the
// dashboard has to return data.
//
// The visitors are this package's own. Those of verify/itest/soak are part of its test, check
// the answers, and must not meet the faults of these scenes, such as records that are
// damaged.
package operate
