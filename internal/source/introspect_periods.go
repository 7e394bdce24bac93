package source

import (
	"context"
	"strings"

	"leap/internal/schema"
)

// readPeriods finds keys WITHOUT OVERLAPS (MariaDB 10.5.3), of which the catalog
// shows nothing but the end and the start of the period as their last columns.
func (in *introspection) readPeriods(ctx context.Context) error {
	if in.info.Product != MariaDB || !in.info.version.atLeast(10, 5, 3) {
		return nil
	}
	for _, t := range in.out.Tables {
		var keys []*schema.Index
		if t.PrimaryKey != nil && endsInMoments(t, t.PrimaryKey) {
			keys = append(keys, t.PrimaryKey)
		}
		for i := range t.Indexes {
			if ix := &t.Indexes[i]; ix.Unique && endsInMoments(t, ix) {
				keys = append(keys, ix)
			}
		}
		if len(keys) == 0 {
			continue
		}
		definition, err := in.definition(ctx, t)
		if err != nil && !refusesQuestion(err) {
			return err
		}
		for _, ix := range keys {
			ix.WithoutOverlaps = overlapsRefused(definition, ix.Name)
		}
	}
	return nil
}

// endsInMoments says whether the last two columns of the key may be a period.
func endsInMoments(t *schema.Table, ix *schema.Index) bool {
	const least = 3
	if len(ix.Parts) < least {
		return false
	}
	for _, p := range ix.Parts[len(ix.Parts)-2:] {
		c := t.Column(p.Column)
		if c == nil {
			return false
		}
		switch c.Type.Base {
		case "date", "datetime", "timestamp":
		default:
			return false
		}
	}
	return true
}

// overlapsRefused looks into the line of a key in what SHOW CREATE TABLE prints.
func overlapsRefused(definition, name string) bool {
	begin := "\n  UNIQUE KEY " + quote(name) + " ("
	if name == "PRIMARY" {
		begin = "\n  PRIMARY KEY ("
	}
	_, line, _ := strings.Cut(definition, begin)
	line, _, _ = strings.Cut(line, "\n")
	return strings.Contains(line, "` WITHOUT OVERLAPS)")
}
