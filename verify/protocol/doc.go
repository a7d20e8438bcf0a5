// Package protocol holds Promela models of the commit protocol of package session, and the
// test that searches all their executions with spin for one that breaks a promise. One
// needs it when the order of storage calls, a comparison or a retry changes: see README.md.
package protocol
