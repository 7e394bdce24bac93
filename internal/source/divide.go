package source

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"leap/internal/row"
	"leap/internal/schema"
)

// Divide returns keys of rows that cut a table into about as many parts of
// about the same number of rows, in order; none where it cannot be cut.
//
// It reads no table and no index from end to end: it looks up the rows next to
// values that it makes up between the first and the last key, and asks the
// optimizer how many rows are in between. The optimizer's estimate of a range
// comes from the pages at its ends, so it may be wrong by a factor; the keys are
// those of real rows, so that gaps in the values do not matter, and any keys at
// all would cut the table into ranges that cover it.
func Divide(ctx context.Context, conn *sql.Conn, m *schema.Mapping, parts int) ([]row.Key, error) {
	d := &division{conn: conn, m: m, key: OrderKey(m)}
	d.seekable = slices.IndexFunc(d.key, func(c schema.ColumnMapping) bool { return ordered("", c) != quote(c.Source) })
	if d.seekable < 0 {
		d.seekable = len(d.key)
	}
	if d.seekable == 0 || parts < 2 {
		return nil, nil // every part would be read through all that is in front of it
	}
	if m.Slice != nil || m.Filter != "" {
		return divideEvenly(ctx, conn, m, parts)
	}
	cuts, err := d.cut(ctx, parts)
	if err != nil {
		return nil, fmt.Errorf("divide %s: %w", m.SourceName, Explain(err))
	}
	return cuts, nil
}

// divideEvenly divides the rows of one tenant or of a filter, which the optimizer cannot count
// for each range, at evenly spaced values of an integer key.
func divideEvenly(ctx context.Context, conn *sql.Conn, m *schema.Mapping, parts int) ([]row.Key, error) {
	if len(OrderKey(m)) != 1 {
		return nil, nil
	}
	span, ok, err := Bounds(ctx, conn, m)
	if err != nil || !ok {
		return nil, err
	}
	return evenly(span, parts), nil
}

func evenly(span row.Span, parts int) []row.Key {
	low := big.NewInt(span.Low)
	width := new(big.Int).Sub(big.NewInt(span.High), low)
	var cuts []row.Key
	for i := 1; i < parts; i++ {
		step := new(big.Int).Mul(width, big.NewInt(int64(i)))
		at := row.Key{step.Add(low, step.Div(step, big.NewInt(int64(parts)))).String()}
		if len(cuts) == 0 || !slices.Equal(cuts[len(cuts)-1], at) {
			cuts = append(cuts, at)
		}
	}
	return cuts
}

// division is one call of Divide.
type division struct {
	conn     *sql.Conn
	m        *schema.Mapping
	key      []schema.ColumnMapping
	seekable int // how many leading columns the index is searched by
}

// piece is a part of the table that may be divided further.
type piece struct {
	rng   row.Range
	rows  int64 // the optimizer's estimate
	whole bool  // it cannot be divided
}

const (
	// piecesPerPart is how much finer the pieces are than the parts that they are
	// put together to: so the parts differ by less than half.
	piecesPerPart = 4
	// roundsPerPart bounds the work: a round is some fifty look-ups.
	roundsPerPart = 4
)

// cut divides the largest piece again and again.
func (d *division) cut(ctx context.Context, parts int) ([]row.Key, error) {
	all, err := d.estimate(ctx, row.Range{})
	if err != nil {
		return nil, err
	}
	pieces := []piece{{rows: all}}
	for range roundsPerPart * parts {
		total := int64(0)
		for _, p := range pieces {
			total += p.rows
		}
		i := widest(pieces)
		if i < 0 || pieces[i].rows <= total/int64(parts*piecesPerPart) {
			break
		}
		finer, err := d.divide(ctx, pieces[i])
		if err != nil {
			return nil, err
		}
		pieces = slices.Replace(pieces, i, i+1, finer...)
	}
	return join(pieces, parts), nil
}

// widest is the index of the largest piece that can be divided; -1 for none.
func widest(pieces []piece) int {
	best := -1
	for i, p := range pieces {
		if !p.whole && (best < 0 || p.rows > pieces[best].rows) {
			best = i
		}
	}
	return best
}

// join puts neighbours together until each part has its share, and returns the
// keys between the parts.
func join(pieces []piece, parts int) []row.Key {
	left := int64(0)
	for _, p := range pieces {
		left += p.rows
	}
	var cuts []row.Key
	have := int64(0)
	for _, p := range pieces[:len(pieces)-1] {
		have += p.rows
		// What is left is shared anew each time: a large piece must not leave the
		// parts behind it without rows.
		share := left / int64(parts-len(cuts))
		if len(cuts) < parts-1 && have >= share && p.rng.UpTo != nil {
			cuts = append(cuts, p.rng.UpTo)
			left -= have
			have = 0
		}
	}
	return cuts
}

// divide cuts one piece at rows next to made-up values.
func (d *division) divide(ctx context.Context, p piece) ([]piece, error) {
	ends, err := d.look(ctx, p.rng, []place{{way: first}, {way: last}})
	if err != nil {
		return nil, err
	}
	if len(ends) == 2 {
		for depth := range mostDepth {
			probes := d.probes(ends[0], ends[1], depth)
			if probes == nil {
				break
			}
			cuts, err := d.look(ctx, p.rng, probes)
			if err != nil {
				return nil, err
			}
			cuts = slices.DeleteFunc(cuts, func(k row.Key) bool { return slices.Equal(k, ends[1]) })
			if len(cuts) > 0 {
				return d.pieces(ctx, p.rng, cuts)
			}
		}
	}
	p.whole = true
	return []piece{p}, nil
}

// mostDepth is how many more characters than the ends have in common are tried:
// a collation may not tell the first ones apart.
const mostDepth = 3

// probes are places between two rows: next to values of the first column in
// which they differ; nil when there is none.
func (d *division) probes(low, high row.Key, depth int) []place {
	for i := range d.seekable {
		if low[i] == high[i] {
			continue
		}
		var out []place
		for _, value := range between(d.key[i], low[i], high[i], depth) {
			lit, err := literal(d.key[i], value)
			if err != nil {
				continue // it is made up, and need not be possible
			}
			var terms []string
			for j := range i {
				same, err := literal(d.key[j], low[j])
				if err != nil {
					return nil
				}
				terms = append(terms, quote(d.key[j].Source)+" = "+same)
			}
			out = append(out, place{where: strings.Join(append(terms, quote(d.key[i].Source)+" < "+lit), " AND "), way: last})
		}
		return out
	}
	return nil
}

// pieces are the parts of a range between keys, with their estimates.
func (d *division) pieces(ctx context.Context, of row.Range, cuts []row.Key) ([]piece, error) {
	var out []piece
	after := of.After
	for _, upTo := range append(cuts, of.UpTo) {
		p := piece{rng: row.Range{After: after, UpTo: upTo}}
		var err error
		if p.rows, err = d.estimate(ctx, p.rng); err != nil {
			return nil, err
		}
		out = append(out, p)
		after = upTo
	}
	return out, nil
}

// place is where to look for a row: the first or the last one that satisfies a
// condition; empty for all rows.
type place struct {
	where string
	way   string // first or last
}

// The ways to go along the index from a place.
const (
	first = "ASC"
	last  = "DESC"
)

// look returns the keys of the rows at those places within a range, in the
// order of the index and without repetitions.
func (d *division) look(ctx context.Context, within row.Range, places []place) ([]row.Key, error) {
	query, err := d.lookQuery(within, places)
	if err != nil {
		return nil, err
	}
	rows, err := d.conn.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err tells of errors
	var out []row.Key
	reader := row.NewKeyReader(d.key, d.key)
	for rows.Next() {
		cells := make(row.Row, len(d.key))
		targets := make([]any, len(d.key))
		for i := range cells {
			targets[i] = &cells[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, err
		}
		if k := reader.Key(cells); len(out) == 0 || !slices.Equal(k, out[len(out)-1]) {
			out = append(out, k)
		}
	}
	return out, rows.Err()
}

// lookQuery has the server sort what it finds: only it knows its collations.
func (d *division) lookQuery(within row.Range, places []place) (string, error) {
	base, err := predicate(d.key, within)
	if err != nil {
		return "", err
	}
	var order, inner, outer []string
	for i, c := range d.key {
		value, sort := "v"+strconv.Itoa(i), "o"+strconv.Itoa(i)
		outer, order = append(outer, value), append(order, sort)
		inner = append(inner, readExpression(c)+" AS "+value, ordered("", c)+" AS "+sort)
	}
	var parts []string
	for _, p := range places {
		where := base
		if p.where != "" {
			where += " AND " + p.where
		}
		parts = append(parts, "(SELECT "+strings.Join(inner, ", ")+" FROM "+quote(d.m.SourceName)+
			" FORCE INDEX ("+quote(d.m.KeyIndex)+") WHERE "+where+" ORDER BY "+d.sorting(p.way)+" LIMIT 1)")
	}
	return "SELECT " + strings.Join(outer, ", ") + " FROM (" + strings.Join(parts, " UNION ALL ") +
		") AS looked ORDER BY " + strings.Join(order, ", "), nil
}

// sorting is the index's order, with a word behind each column.
func (d *division) sorting(way string) string {
	var names []string
	for _, c := range d.key {
		names = append(names, quote(c.Source)+" "+way)
	}
	return strings.Join(names, ", ")
}

// estimate asks the optimizer how many rows a range has.
func (d *division) estimate(ctx context.Context, r row.Range) (int64, error) {
	query, err := d.explainQuery(r)
	if err != nil {
		return 0, err
	}
	rows, err := d.conn.QueryContext(ctx, query)
	if err != nil {
		return 0, err
	}
	defer func() { _ = rows.Close() }() // Err tells of errors
	names, err := rows.Columns()
	if err != nil {
		return 0, err
	}
	most := int64(0)
	for rows.Next() {
		cells := make([]sql.NullString, len(names))
		targets := make([]any, len(names))
		for i := range cells {
			targets[i] = &cells[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return 0, err
		}
		if i := slices.Index(names, "rows"); i >= 0 {
			n, _ := strconv.ParseInt(cells[i].String, 10, 64) // NULL where nothing is read
			most = max(most, n)
		}
	}
	return cmp.Or(most, 1), rows.Err()
}

// explain asks for a plan as a table, which is not what every server does by itself.
const explain = "EXPLAIN FORMAT=TRADITIONAL "

// explainQuery is a union because MySQL 8 does not look into the index to
// estimate a range where a statement is of one table whose index is forced: it
// says 1 for every range.
func (d *division) explainQuery(r row.Range) (string, error) {
	where, err := predicate(d.key, r)
	if err != nil {
		return "", err
	}
	return explain + "SELECT 1 FROM " + quote(d.m.SourceName) + " FORCE INDEX (" + quote(d.m.KeyIndex) + ") WHERE " + where +
		" UNION ALL SELECT 1", nil
}
