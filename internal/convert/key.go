package convert

import (
	"fmt"

	"leap/internal/schema"
)

// primaryIndex is how MySQL calls the index of the primary key.
const primaryIndex = "PRIMARY"

// chooseKey finds the columns that identify a row: the primary key, else the
// best unique index whose columns are whole and NOT NULL.
func (b *builder) chooseKey(t *table) {
	m := &t.plan.Mapping
	if pk := t.src.PrimaryKey; pk != nil {
		m.KeyIndex = primaryIndex
		for _, p := range pk.Parts {
			m.Key = append(m.Key, t.position(p.Column))
			t.plan.PrimaryKey = append(t.plan.PrimaryKey, t.column(p.Column).Name)
			if p.Prefix > 0 {
				b.warn("prefix-key", t.object(p.Column),
					fmt.Sprintf("the primary key uses the first %d characters; on the target it uses the whole column, so two rows may begin alike", p.Prefix),
					"add a unique index on left(column, n) where the target allows it")
			}
		}
		t.addKey(pk)
		b.warnCollation(t, pk)
		b.warnOverlaps(t, pk)
		return
	}
	var best *schema.Index
	for i := range t.src.Indexes {
		ix := &t.src.Indexes[i]
		if t.identifies(ix) && (best == nil || better(ix, best)) {
			best = ix
		}
	}
	if best == nil {
		b.warn("no-primary-key", t.src.Name,
			"the table has no primary key and no unique key over NOT NULL columns; rows can only be compared as a whole multiset",
			"add a primary key on the source before the move (CockroachDB adds a hidden rowid otherwise)")
		return
	}
	m.KeyIndex = best.Name
	for _, p := range best.Parts {
		m.Key = append(m.Key, t.position(p.Column))
	}
	b.info("unique-key-used", t.src.Name,
		"the table has no primary key; the unique key "+best.Name+" identifies its rows",
		"make it the primary key on the source before the move")
}

// better prefers an index that lists its rows in order, and then the shorter one.
func better(a, b *schema.Index) bool {
	if hashA, hashB := a.Type == "HASH", b.Type == "HASH"; hashA != hashB {
		return hashB
	}
	return len(a.Parts) < len(b.Parts)
}

// position returns the index of a source column in Mapping.Columns.
func (t *table) position(column string) int {
	for i := range t.plan.Mapping.Columns {
		if t.column(column) == &t.plan.Mapping.Columns[i] {
			return i
		}
	}
	return -1
}

// identifies says whether every row has its own, complete value in the index,
// in columns that compare exactly on both sides, and whether rows can be read by it.
func (t *table) identifies(ix *schema.Index) bool {
	if !ix.Unique || ix.Ignored || !moves(ix.Type) || len(ix.Parts) == 0 {
		return false
	}
	for _, p := range ix.Parts {
		m := t.column(p.Column)
		if m == nil || p.Prefix > 0 || !m.NotNull {
			return false
		}
		switch m.Kind {
		case schema.Float32, schema.Float64, schema.JSON:
			return false
		case schema.Int, schema.Bool, schema.Decimal, schema.Bits, schema.Text, schema.Bytes, schema.Date,
			schema.DateTime, schema.Timestamp, schema.Time, schema.Interval, schema.Enum, schema.Set,
			schema.UUID, schema.INet:
		}
	}
	return true
}

// addKey remembers the columns of an index that the target keeps unique as they stand.
func (t *table) addKey(ix *schema.Index) {
	var columns []string
	for _, p := range ix.Parts {
		m := t.column(p.Column)
		if m == nil || p.Prefix > 0 {
			return
		}
		columns = append(columns, m.Name)
	}
	t.keys = append(t.keys, columns)
}

// warnCollation reports a unique key that the target checks less strictly.
func (b *builder) warnCollation(t *table, ix *schema.Index) {
	for _, p := range ix.Parts {
		m := t.column(p.Column)
		if m == nil || m.Kind != schema.Text {
			continue
		}
		b.warnUnique(t.object(p.Column), ix, collationOf(m.From.Collation))
	}
}

// warnUnique reports a part of a unique key whose collation ignores case.
func (b *builder) warnUnique(object string, ix *schema.Index, coll collation) {
	if !coll.exact() && !coll.caseSensitive {
		b.warn("unique-collation", object,
			fmt.Sprintf("the unique key %s ignores case or accents on the source (%s) and not on the target, where 'A' and 'a' may both be stored", ix.Name, coll.name),
			"add a unique index on lower(column) where the target allows it, or normalise in the application")
	}
}

// warnOverlaps reports a key that only keeps equal periods apart on the target.
func (b *builder) warnOverlaps(t *table, ix *schema.Index) {
	if ix.WithoutOverlaps {
		b.warn("overlaps-unchecked", t.object(ix.Name),
			"the key is WITHOUT OVERLAPS on the source; the target refuses two rows with the same period, and not two whose periods overlap",
			"check it in the application, in the transaction that writes the row")
	}
}
