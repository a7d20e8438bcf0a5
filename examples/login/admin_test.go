package main

import (
	"net/http"
	"strings"
	"testing"
)

// The first account administers the shop, and nobody else.
func TestAdmin(t *testing.T) {
	v := newVisitor(t)
	isRefused := func(who string) {
		t.Helper()
		if status, page := v.get("/admin/"); status != http.StatusForbidden || !strings.Contains(page, "No access") {
			t.Errorf("%s: %d\n%s", who, status, page)
		}
		if _, home := v.get("/"); strings.Contains(home, `href="/admin/"`) {
			t.Errorf("%s is offered the admin page", who)
		}
	}
	isRefused("a visitor")
	v.signUp("ada", "correct horse")
	status, page := v.get("/admin/")
	if status != http.StatusOK || !strings.Contains(page, "Overview") || !strings.Contains(page, `id="operator">ada<`) {
		t.Errorf("the first user: %d\n%s", status, page)
	}
	if _, home := v.get("/"); !strings.Contains(home, `href="/admin/"`) {
		t.Error("the first user is not offered the admin page")
	}
	v.clearCookies()
	v.signUp("bob", "correct horse")
	isRefused("the second user")
}
