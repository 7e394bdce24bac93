package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// comparison tells how the tables were compared, and for which that took more
// than one look.
func (p *printer) comparison(t Tenant) {
	var lines []string
	for _, r := range t.Tables {
		lines = append(lines, looks(r)...)
	}
	if tiers := tiersOf(t); tiers != "" {
		lines = append([]string{tiers}, lines...)
	}
	if len(lines) == 0 {
		return
	}
	p.line("")
	for _, l := range lines {
		p.line("%s", l)
	}
}

// tiersOf counts the tables of each tier, and names them where that is short.
func tiersOf(t Tenant) string {
	const few = 3
	tables := map[string][]string{}
	for _, r := range t.Tables {
		if r.Tier != "" {
			tables[r.Tier] = append(tables[r.Tier], r.Name)
		}
	}
	var parts []string
	for _, tier := range slices.Sorted(maps.Keys(tables)) {
		part := fmt.Sprintf("%s in the tier %s", number(int64(len(tables[tier])), "table"), tier)
		if len(tables) > 1 && len(tables[tier]) <= few {
			part += " (" + strings.Join(tables[tier], ", ") + ")"
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		return ""
	}
	return "compared: " + strings.Join(parts, ", ")
}

// looks tells what a table needed besides one look.
func looks(r Table) []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, r.Name+": "+fmt.Sprintf(format, args...)) }
	if r.ResumedRows > 0 {
		say("compared by an earlier run: %s", number(r.ResumedRows, "row"))
	}
	if r.Reread > 0 {
		say("the servers' digests of %s differed and all their rows are equal", number(r.Reread, "part"))
	}
	if r.Settled > 0 {
		say("differed at first and equal later: %s", number(r.Settled, "row"))
	}
	if r.Moving > 0 {
		say("still changing at the last look: %s", number(r.Moving, "row"))
	}
	if len(r.Repairs) > 0 {
		var put, deleted int64
		for _, repair := range r.Repairs {
			put, deleted = put+repair.Put, deleted+repair.Deleted
		}
		say("%s: %s written, %s removed; compared again afterwards",
			number(int64(len(r.Repairs)), "repair"), number(put, "row"), thousands(deleted))
	}
	if r.RepairError != "" {
		say("not repaired: %s", r.RepairError)
	}
	return out
}

// number is a count with its noun.
func number(n int64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return thousands(n) + " " + noun
}
