// Package e2e has no code: its tests drive examples/login in a headless Chromium
// and look at it as a visitor does: tabs, double clicks, the back button, cookies.
// Those named TestAdmin look at the pages of package admin, also with axe-core. Others put
// nginx before the example as a shared cache, and need no browser. TestCharts looks at the
// charts in docs. The go command does not see that these have changed:
//
//	go test -count 1 -run Chart
//
// It is a module of its own so that chromedp is not in the go.mod of Holdfast's
// users.
//
// Screenshots and the server's log are left in the folder screenshots. The one in
// the README is taken again by
//
//	go test -run TestScreenshots -update
//
// and those of docs/admin.md by
//
//	go test -run TestAdminPictures -update
package e2e
