package main

import (
	"fmt"
	"strings"

	"github.com/holdfast-go/holdfast/internal/capacity"
)

// sizeReport is the output of size for one store.
type sizeReport struct{ *capacity.Estimate }

func (r sizeReport) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n\n", r.Store, loadText(r.Estimate))
	row := func(name, value, note string) {
		b.WriteString(strings.TrimRight(fmt.Sprintf("%-22s %13s  %s", name, value, note), " ") + "\n")
	}
	row("records", roughly(r.Records.Total()), "")
	row("  sessions", roughly(r.Records.Sessions), "")
	row("  owner indexes", roughly(r.Records.Indexes), fmt.Sprintf("%d sessions of each owner", capacity.Devices))
	row("  tombstones", roughly(r.Records.Tombstones), "of sign-ins, for 5 minutes")
	row("  expired", roughly(r.Records.Expired), "at most, until they are removed")
	row("room of a session", roughBytes(r.BytesOfSession), "all records, also expired ones, divided by the sessions")
	r.roomTo(row)
	if r.Purge > 0 {
		row("a purge takes", roughDuration(r.Purge), "in the background: let PurgeEvery's interval be longer")
	}
	row("reads a second", roughly(r.Rates.Fetches), "")
	row("saves a second", roughly(r.Rates.Saves), fmt.Sprintf("%s of them only extend a session, at most", roughly(r.Rates.Touches)))
	if r.Connections > 0 {
		row("connections in use", roughly(r.Connections), "a mean: give the pools twice that, or more")
		row("network", roughBytes(r.Network)+"/s", "between the program and the store")
	}
	if r.Units != nil {
		row("read units a second", roughly(r.Units.Reads), "")
		row("write units a second", roughly(r.Units.Writes), "")
	}
	r.moneyTo(&b)
	r.limitsTo(&b)
	b.WriteString("\n" + estimates)
	return b.String()
}

// estimates says what the figures are worth.
const estimates = "The room of a record is measured for SQLite, Redis, PostgreSQL and MariaDB, within 15 %. All else is an estimate: see docs/scale.md.\n"

// loadText says what was asked, in two lines.
func loadText(e *capacity.Estimate) string {
	l := e.Load
	return fmt.Sprintf("%s sessions of %s, %s requests a second, of which %s change the session\n"+
		"A session is used for %s and expires %s later. So %s begin and %s sign in each second.",
		roughly(float64(l.Sessions)), roughBytes(float64(l.Bytes)), roughly(l.Requests), roughShare(l.Changes),
		shortly(l.Used), shortly(l.Idle), roughly(e.Rates.Begun), roughly(e.Rates.SignIns))
}

// roomTo writes the rows of memory and disk.
func (r sizeReport) roomTo(row func(name, value, note string)) {
	note := ""
	if r.Copies > 1 {
		note = fmt.Sprintf("of one copy; there are %d", r.Copies)
	}
	if r.Memory > 0 {
		row("memory", roughBytes(r.Memory), note)
	}
	if r.Disk > 0 {
		row("disk", roughBytes(r.Disk), note)
	}
	if r.Masters > 0 {
		row("masters", roughly(r.Masters), "by half of a server's 64 GiB and by its only thread, 3 at least")
	}
	if r.Cores > 0 {
		row("busy cores", roughly(r.Cores), note)
	}
}

func (r sizeReport) moneyTo(b *strings.Builder) {
	if r.Money == nil {
		return
	}
	fmt.Fprintf(b, "\nUS dollars a month (%s; check them)\n", r.Money.Prices)
	for _, c := range r.Money.Costs {
		fmt.Fprintf(b, "  %-32s %13s %14s\n", c.Name, roughly(c.Amount), roughly(c.Dollars))
	}
	fmt.Fprintf(b, "  %-32s %13s %14s\n", "in all", "", roughly(r.Money.Total))
}

func (r sizeReport) limitsTo(b *strings.Builder) {
	b.WriteString("\nlimits, the first one first\n")
	for _, l := range r.Limits {
		fmt.Fprintf(b, "  %-40s %11s of %-11s %7s\n      %s\n", l.Name, amountOf(l.Unit, l.Needed), amountOf(l.Unit, l.Most), roughShare(l.Share), l.Source)
	}
	most := r.AtLimit()
	fmt.Fprintf(b, "\nFirst limit: %s, at %s sessions, if requests grow with them.\nThen %s.\n", most.Limits[0].Name, roughly(float64(most.Load.Sessions)), r.Beyond)
}

func amountOf(unit capacity.Unit, x float64) string {
	switch unit {
	case capacity.Bytes:
		return roughBytes(x)
	default:
		return roughly(x)
	}
}
