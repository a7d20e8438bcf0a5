package devices

import (
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/docs/code/internal/browser"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// visit returns a laptop and a phone, on which ann is logged in.
func visit(t *testing.T) (laptop, phone *browser.Browser) {
	sessions, err := session.New(memory.New(), session.Config{})
	if err != nil {
		t.Fatal(err)
	}
	laptop = browser.New(t, (&Site{sessions}).Routes())
	phone = laptop.Other()
	laptop.Send("User-Agent", "laptop")
	phone.Send("User-Agent", "phone")
	laptop.Post("/login", "name", "ann").Want(t, 303, "/devices")
	phone.Post("/login", "name", "ann").Want(t, 303, "/devices")
	return laptop, phone
}

// listed returns the public IDs by device.
func listed(b *browser.Browser) map[string]string {
	ids := map[string]string{}
	for line := range strings.Lines(b.Get("/devices").Body) {
		id, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		ids[name] = id
	}
	return ids
}

func TestOneDevice(t *testing.T) {
	laptop, phone := visit(t)
	ids := listed(laptop)
	if len(ids) != 2 || ids["laptop (this device)"] == "" || ids["phone"] == "" {
		t.Fatal(ids)
	}
	stranger := laptop.Other()
	stranger.Post("/login", "name", "eve")
	stranger.Post("/devices/end", "id", ids["phone"]).Want(t, 303, "/devices")
	if a := phone.Get("/devices"); a.Status != 200 {
		t.Error("a stranger has ended the session of ann")
	}
	laptop.Post("/devices/end", "id", ids["phone"]).Want(t, 303, "/devices")
	phone.Get("/devices").Want(t, 401, "please log in")
	laptop.Post("/devices/end", "id", ids["phone"]).Want(t, 303, "/devices")
	if ids := listed(laptop); len(ids) != 1 {
		t.Error(ids)
	}
}

func TestOtherDevices(t *testing.T) {
	laptop, phone := visit(t)
	laptop.Post("/devices/end-others").Want(t, 303, "/devices")
	phone.Get("/devices").Want(t, 401, "please log in")
	if ids := listed(laptop); len(ids) != 1 {
		t.Error(ids)
	}
}

func TestEveryDevice(t *testing.T) {
	laptop, phone := visit(t)
	laptop.Post("/devices/end-all").Want(t, 303, "/")
	phone.Get("/devices").Want(t, 401, "please log in")
	laptop.Get("/devices").Want(t, 401, "please log in")
}

func TestDisabledAccount(t *testing.T) {
	laptop, phone := visit(t)
	laptop.Other().Post("/admin/disable", "user", "42").Want(t, 204, "")
	phone.Get("/devices").Want(t, 401, "please log in")
	laptop.Get("/devices").Want(t, 401, "please log in")
}
