package convert

import (
	"math"
	"strconv"

	"leap/internal/schema"
)

// sequence makes the sequence that takes over from AUTO_INCREMENT. It returns
// the DEFAULT expression and the statement that ties the sequence to its
// column; both empty when no sequence can do it.
func (b *builder) sequence(t *table, m *schema.ColumnMapping) (string, Statement) {
	if m.Kind != schema.Int && m.Kind != schema.Decimal {
		b.warn("auto-increment-dropped", t.object(m.Source),
			"AUTO_INCREMENT on "+m.From.Raw+" has no equal on the target",
			"change the column to BIGINT on the source before the move")
		return "", Statement{}
	}
	if t.src.AutoIncrement > math.MaxInt64 {
		b.warn("auto-increment-dropped", t.object(m.Source),
			"the next value "+strconv.FormatUint(t.src.AutoIncrement, 10)+" is beyond the target's sequences, which end at 9223372036854775807",
			"hand out keys in the application (UUID), or start again from a low value")
		return "", Statement{}
	}
	name := b.names.claim(t.name + "_" + m.Name + "_seq")
	t.plan.Sequences = append(t.plan.Sequences, name)
	ref := b.qualify(name)
	b.before(Statement{
		Name: "sequence " + name, Kind: KindSequence, Table: t.name,
		SQL: "CREATE SEQUENCE IF NOT EXISTS " + ref,
	})
	b.gather(schema.Finding{
		Rule: "auto-increment", Severity: schema.Info, Object: "database " + b.db.Name,
		Problem: "AUTO_INCREMENT becomes a sequence; keys that count up make one CockroachDB range take all inserts: %s",
		Advice:  "for busy tables use a hash-sharded primary key, or UUID keys with gen_random_uuid()",
	}, t.object(m.Source))
	expression := "nextval(" + literal(ref) + ")"
	if m.Kind == schema.Decimal {
		expression += "::" + m.Type // CockroachDB wants the default in the column's type
	}
	return expression, Statement{
		Name: "sequence owner " + name, Kind: KindSequence, Table: t.name,
		SQL: "ALTER SEQUENCE " + ref + " OWNED BY " + t.ref + "." + quote(m.Name),
	}
}

// setSequences moves every sequence past the largest value in use and past the
// last one that the source handed out. The target computes it when it runs.
func (b *builder) setSequences(t *table) {
	next := 0
	for i := range t.src.Columns {
		m := &t.plan.Mapping.Columns[i]
		if !t.src.Columns[i].AutoIncrement || next >= len(t.plan.Sequences) {
			continue
		}
		name := t.plan.Sequences[next]
		next++
		t.plan.Promise.Sequences = append(t.plan.Promise.Sequences, schema.PromisedSequence{
			Name: name, Column: m.Name, Next: t.src.AutoIncrement,
		})
		last := "0"
		if t.src.AutoIncrement > 0 {
			last = strconv.FormatUint(t.src.AutoIncrement-1, 10)
		}
		b.after(Statement{
			Name: "setval " + name, Kind: KindSetval, Table: t.name,
			// A sequence starts at 1: where nothing was handed out yet, 1 is
			// the next value and not the last one.
			SQL: "SELECT setval(" + literal(b.qualify(name)) +
				", GREATEST(m, " + last + ", 1), GREATEST(m, " + last + ") >= 1) FROM " +
				"(SELECT LEAST(COALESCE(MAX(" + quote(m.Name) + "), 0), 9223372036854775807)::INT8 AS m FROM " +
				t.ref + ") AS used",
		})
	}
}
