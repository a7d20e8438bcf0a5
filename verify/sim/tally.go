package sim

// Sights are what programs are drawn to meet with, some here, some there.
var Sights = []string{
	"idle", "committed", "conflict", "gone", "failed", "unknown", "not loaded",
	"replayed", "copied", "a change over a copy", "new", "revoked", "cookie set", "cookie cleared", "cookie sent again",
	"saved by another request", "rotated",
	"labelled", "label removed", "sessions of a label revoked", "sessions of a label listed", "everything revoked",
}

// Tally counts the sights of a history.
func (h *History) Tally(seen map[string]int) {
	for _, v := range h.visits {
		v.tally(seen)
	}
}

func (v *visit) tally(seen map[string]int) {
	for _, g := range v.segs {
		seen[g.verdict.String()]++
	}
	_, revokesSome := v.administers(revokeBy)
	_, revokesAll := v.administers(revokeEverything)
	for what, is := range map[string]bool{
		"saved by another request":      v.joined.saved,
		"in doubt with another request": v.joined.unknown,
		"not loaded":                    !v.loaded,
		"replayed":                      v.runs > 1,
		"copied":                        v.copied,
		"a change over a copy":          v.copied && v.changes() && v.err == nil,
		"new":                           v.isNew,
		"revoked":                       v.has(revoke) && !v.isNew,
		"cookie set":                    v.out == v.own(),
		"cookie cleared":                v.out == cleared,
		"cookie sent again":             v.out >= 0 && v.out == v.sent,
		"labelled":                      v.writesLabel(set),
		"label removed":                 v.writesLabel(del),
		"sessions of a label revoked":   revokesSome && v.succeeds(),
		"sessions of a label listed":    v.lists != 0,
		"everything revoked":            revokesAll && v.succeeds(),
		"rotated":                       v.out >= 0 && v.out == v.sent && !v.has(persist),
	} {
		if is {
			seen[what]++
		}
	}
}
