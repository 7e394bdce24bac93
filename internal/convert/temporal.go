package convert

import (
	"fmt"

	"leap/internal/schema"
)

func dateType(_ *builder, _ *table, c *schema.Column, m *schema.ColumnMapping) {
	switch c.Type.Base {
	case "date":
		m.Kind, m.Type = schema.Date, "DATE"
	case "datetime":
		m.Kind, m.Type = schema.DateTime, fmt.Sprintf("TIMESTAMP(%d)", c.Type.Precision)
	default:
		m.Kind, m.Type = schema.Timestamp, fmt.Sprintf("TIMESTAMPTZ(%d)", c.Type.Precision)
	}
}

// timeType chooses between a time of day and a length of time: MySQL's TIME is
// both and runs from -838:59:59 to 838:59:59.
func timeType(b *builder, t *table, c *schema.Column, m *schema.ColumnMapping) {
	facts, looked := b.facts.of(t.src.Name, c.Name)
	interval := b.p.Time == "interval" || b.p.Time == "auto" && facts.OutsideDay
	if interval {
		// Without a precision: INTERVAL(0) would round what is written later,
		// and the source's digits fit anyway.
		m.Kind, m.Type = schema.Interval, "INTERVAL"
		b.info("time-interval", t.object(c.Name),
			"TIME becomes INTERVAL, which holds negative values and values of 24 hours and more",
			"read it as a length of time in the application")
		return
	}
	m.Kind, m.Type = schema.Time, fmt.Sprintf("TIME(%d)", c.Type.Precision)
	switch {
	case facts.OutsideDay:
		b.block("time-outside-day", t.object(c.Name),
			"TIME holds values outside one day, and policy time=time leaves no room for them",
			"choose --policy time=auto or time=interval")
	case !looked:
		b.info("time-unknown", t.object(c.Name),
			"TIME becomes TIME; a negative value or one of 24 hours and more is refused when it comes",
			"let assess scan the data first, or choose time=interval")
	}
}
