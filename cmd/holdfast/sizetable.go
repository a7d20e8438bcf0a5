package main

import (
	"fmt"
	"strings"

	"github.com/holdfast-go/holdfast/internal/capacity"
)

// sizeTable is the output of size for several stores.
type sizeTable []*capacity.Estimate

func (t sizeTable) String() string {
	var b strings.Builder
	if len(t) == 0 {
		return ""
	}
	r := t[0].Rates
	fmt.Fprintf(&b, "%s\nThe store gets %s reads and %s saves a second.\n\n", loadText(t[0]), roughly(r.Fetches), roughly(r.Saves))

	const form = "%-13s %8s %8s %11s  %-33s %11s  %s\n"
	fmt.Fprintf(&b, form, "store", "memory", "disk", "$ a month", "first limit of one store", "at sessions", "stores needed")
	for _, e := range t {
		memory, disk, dollars := "-", "-", "-"
		if e.Memory > 0 {
			memory = roughBytes(e.Memory)
		}
		if e.Disk > 0 {
			disk = roughBytes(e.Disk)
		}
		if e.Money != nil {
			dollars = roughly(e.Money.Total)
		}
		needed := roughly(e.StoresNeeded())
		if e.Masters > 0 {
			needed += fmt.Sprintf(", of %s masters", roughly(e.Masters))
		}
		most := e.AtLimit()
		fmt.Fprintf(&b, form, e.Store, memory, disk, dollars, most.Limits[0].Name, roughly(float64(most.Load.Sessions)), needed)
	}
	return b.String()
}
