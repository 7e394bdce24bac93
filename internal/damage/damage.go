// Package damage bends rows in the ways in which copies have gone wrong: one
// unit in the last place, one bit, the case of a letter, two values swapped,
// a row twice. It says what a comparison has to report for each, so that a
// verifier can be put to the test on any table. It is pure: it reads no
// database, writes to none, and knows neither the verifier nor what it calls
// equal, so that a blind spot of the verifier cannot hide here too.
package damage

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"

	"leap/internal/row"
	"leap/internal/schema"
)

// Table is the sample to bend: rows of one table as the copier would write
// them, in the source's order.
type Table struct {
	Mapping *schema.Mapping
	// Rows hold the cells of Mapping.Copied(), in the form that schema.Kind documents.
	Rows []row.Row
}

// Options say how much is planted.
type Options struct {
	Seed uint64
	// GroupRows is the number of neighbouring rows that take one damage. When
	// the verifier's ranges are as large, every range holds at most one, and
	// none is found only because of another. Default 4.
	GroupRows int
	// Most bounds the number of damages; 0 means one for every group.
	Most int
}

// Planted is one damage and what a comparison must say about it.
type Planted struct {
	Kind Kind
	// Columns are the bent columns' names on the target; empty for whole rows.
	Columns []string
	// Want lists the findings. Nothing is wanted of a change that is documented
	// as none, such as JSON 1 written as 1.0: it must raise no alarm.
	Want []Finding
}

// Finding is what a comparison must report for a table with a key.
type Finding struct {
	Kind FindingKind
	// Key is Canonical's form of the row's key.
	Key string
	// Columns must all be named for a changed row; others only when the target
	// computes them or they are in Maybe.
	Columns []string
	// Maybe are columns that may differ too: documents of which nobody but the
	// verifier knows whether they mean the same.
	Maybe []string
}

// FindingKind says how a row differs, seen from the target.
type FindingKind string

// The kinds of findings.
const (
	Missing FindingKind = "missing"
	Extra   FindingKind = "extra"
	Changed FindingKind = "changed"
)

// Absent is a kind of damage that this table could not take.
type Absent struct {
	Kind Kind
	Why  string
}

// Bent is a table after the damage.
type Bent struct {
	// Rows are what the target is to hold.
	Rows    []row.Row
	Planted []Planted
	// Missing and Extra are how many rows a comparison of a table without a key
	// must miss and find besides; there rows have no name of their own.
	Missing, Extra int64
	// Absent are the kinds that were planted nowhere in the table.
	Absent []Absent
}

// defaultGroupRows is the least that all kinds fit into.
const defaultGroupRows = 4

// Bend plants one damage in each group of rows, the kinds and columns in turn,
// so that each gets its share. The same seed bends the same rows alike.
func Bend(t Table, o Options) Bent {
	if o.GroupRows <= 0 {
		o.GroupRows = defaultGroupRows
	}
	b := newBender(t, o)
	recipes := b.recipes()
	for start := 0; start < len(t.Rows); start += o.GroupRows {
		group := t.Rows[start:min(start+o.GroupRows, len(t.Rows))]
		if o.Most == 0 || len(b.out.Planted) < o.Most {
			group = b.plant(group, recipes)
		}
		b.out.Rows = append(b.out.Rows, group...)
	}
	if len(t.Mapping.Key) == 0 {
		b.out.Missing, b.out.Extra = surplus(t.Rows, b.out.Rows), surplus(b.out.Rows, t.Rows)
	}
	b.out.Absent = absent(recipes)
	return b.out
}

// recipe is one way to bend: a kind of damage, usually of one column.
type recipe struct {
	kind    Kind
	planted int
	// why says what was missing when it was planted nowhere.
	why string
	// bend returns the group after the damage; false when no row can take it.
	bend func(group []row.Row) ([]row.Row, Planted, bool)
}

// bender is the state of one Bend.
type bender struct {
	mapping *schema.Mapping
	columns []schema.ColumnMapping
	key     []int // positions of the key in columns
	inKey   map[int]bool
	random  *rand.Rand
	used    map[string]bool // canonical keys that a row has
	out     Bent
}

func newBender(t Table, o Options) *bender {
	b := &bender{
		mapping: t.Mapping, columns: t.Mapping.Copied(), inKey: map[int]bool{}, used: map[string]bool{},
		random: rand.New(rand.NewPCG(o.Seed, 1)), //nolint:gosec // a seed makes a run repeatable
	}
	for _, k := range t.Mapping.KeyColumns() {
		i := slices.IndexFunc(b.columns, func(c schema.ColumnMapping) bool { return c.Name == k.Name })
		b.key = append(b.key, i)
		b.inKey[i] = true
	}
	for _, r := range t.Rows {
		b.used[b.keyOf(r)] = true
	}
	return b
}

// keyOf is the canonical key of a row; "" without one.
func (b *bender) keyOf(r row.Row) string {
	cells := make(row.Row, len(b.key))
	columns := make([]schema.ColumnMapping, len(b.key))
	for i, p := range b.key {
		cells[i], columns[i] = r[p], b.columns[p]
	}
	return canonical(columns, cells)
}

// plant takes the recipe that was used least and that the group can take.
func (b *bender) plant(group []row.Row, recipes []*recipe) []row.Row {
	order := slices.Clone(recipes)
	// Equal counts in random order: else short tables would only ever see the first kinds.
	b.random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	slices.SortStableFunc(order, func(x, y *recipe) int { return cmp.Compare(x.planted, y.planted) })
	for _, r := range order {
		after, planted, ok := r.bend(group)
		if !ok {
			continue
		}
		r.planted++
		planted.Kind = r.kind
		b.out.Planted = append(b.out.Planted, planted)
		return after
	}
	return group
}

// absent lists the kinds of which no recipe was planted, with the reasons.
func absent(recipes []*recipe) []Absent {
	planted, reasons := map[Kind]bool{}, map[Kind]string{}
	for _, r := range recipes {
		planted[r.kind] = planted[r.kind] || r.planted > 0
		reasons[r.kind] = r.why
	}
	var out []Absent
	for _, kind := range slices.Sorted(maps.Keys(planted)) {
		if !planted[kind] {
			out = append(out, Absent{Kind: kind, Why: reasons[kind]})
		}
	}
	for _, kind := range Kinds() {
		if _, ok := planted[kind]; !ok {
			out = append(out, Absent{Kind: kind, Why: needs[kind]})
		}
	}
	return out
}

// surplus counts the rows that a has more often than b.
func surplus(a, b []row.Row) int64 {
	counts := map[string]int64{}
	for _, r := range b {
		counts[string(frame(r))]++
	}
	more := int64(0)
	for _, r := range a {
		if name := string(frame(r)); counts[name] > 0 {
			counts[name]--
		} else {
			more++
		}
	}
	return more
}
