package target

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"leap/internal/fault"
	"leap/internal/row"
	"leap/internal/schema"
)

const (
	// upsertParameters is how many values one statement carries at most. The
	// protocol ends at 65,535; planning grows with the number and 10,000 are
	// past the point where the round trip counts.
	upsertParameters = 10_000
	// upsertBytes is how many bytes of values one statement carries, about.
	upsertBytes = 1 << 20
	// messageBytes is how large a statement with its values may be on
	// CockroachDB, which cuts the connection beyond 16 MiB.
	messageBytes = 15 << 20
)

// NewUpsertEncoder returns the Encoder whose lines UpsertChunk takes. Values
// travel as parameters in text form, which every server reads alike; except
// for arrays, of which some CockroachDBs read the label "NULL" as NULL: sets
// travel as their labels joined by commas, which no label may hold.
func NewUpsertEncoder(m *schema.Mapping) *Encoder {
	joined := *m
	joined.Columns = slices.Clone(m.Columns)
	for i := range joined.Columns {
		joined.Columns[i].AsText = true
	}
	return NewEncoder(&joined, Capabilities{CopyHexBytes: true, CopyUnescapes: true})
}

// UpsertChunk is WriteChunk for tables that hold rows already: a row whose key
// is there is replaced, another one added. The table needs a primary key or
// unique index on the mapping's key.
func (d *DB) UpsertChunk(ctx context.Context, m *schema.Mapping, data []byte, record func(*Tx) error) error {
	return d.writeChunk(ctx, record, func(conn *pgxpool.Conn) error { return d.put(ctx, conn, m, data) })
}

// TryUpsert is Try for UpsertChunk.
func (d *DB) TryUpsert(ctx context.Context, m *schema.Mapping, data []byte) error {
	return d.try(ctx, func(conn *pgxpool.Conn) error { return d.put(ctx, conn, m, data) })
}

// put sends the rows in statements of bounded size.
func (d *DB) put(ctx context.Context, conn *pgxpool.Conn, m *schema.Mapping, data []byte) error {
	p := newPutter(m)
	for len(data) > 0 {
		rows, size := 0, 0
		p.values = p.values[:0]
		for len(data) > 0 && rows < p.maxRows && size < upsertBytes {
			end := bytes.IndexByte(data, '\n')
			if end < 0 {
				return fmt.Errorf("put rows into %s: a line without end", m.Name)
			}
			if d.caps.Cockroach && end > messageBytes {
				return tooLong(m, data[:end])
			}
			if rows > 0 && size+end > messageBytes {
				break
			}
			if err := p.take(data[:end]); err != nil {
				return fmt.Errorf("put rows into %s: %w", m.Name, err)
			}
			data = data[end+1:]
			rows++
			size += end
		}
		if err := p.send(ctx, conn.Conn().PgConn(), rows); err != nil {
			return fmt.Errorf("put rows into %s: %w", m.Name, Explain(err))
		}
	}
	return nil
}

// putter makes statements of lines.
type putter struct {
	columns, maxRows int
	head, tail       string
	arrays           []bool // by column: a set that becomes an array
	counts           bool   // the server counts every row
	values           [][]byte
}

func newPutter(m *schema.Mapping) *putter {
	var names, keys, sets []string
	var arrays []bool
	key := m.KeyColumns()
	for _, c := range m.Copied() {
		names = append(names, Quote(c.Name))
		arrays = append(arrays, c.Kind == schema.Set && !c.AsText)
		if !slices.ContainsFunc(key, func(k schema.ColumnMapping) bool { return k.Name == c.Name }) {
			sets = append(sets, Quote(c.Name)+" = excluded."+Quote(c.Name))
		}
	}
	for _, k := range key {
		keys = append(keys, Quote(k.Name))
	}
	p := &putter{
		columns: len(names), maxRows: max(1, upsertParameters/max(1, len(names))),
		head:   "INSERT INTO " + qualified(m) + " (" + strings.Join(names, ", ") + ") VALUES ",
		tail:   " ON CONFLICT (" + strings.Join(keys, ", ") + ") DO NOTHING",
		counts: len(sets) > 0,
		arrays: arrays,
	}
	if p.counts {
		p.tail = " ON CONFLICT (" + strings.Join(keys, ", ") + ") DO UPDATE SET " + strings.Join(sets, ", ")
	}
	return p
}

// take splits a line of COPY text into values.
func (p *putter) take(line []byte) error {
	n := 0
	for field := range bytes.SplitSeq(line, []byte{'\t'}) {
		p.values = append(p.values, unescape(field))
		n++
	}
	if n != p.columns {
		return fmt.Errorf("a line has %d values, the table takes %d", n, p.columns)
	}
	return nil
}

// unescape returns a field's value; nil for NULL. It knows the escapes that
// this package's Encoder writes.
func unescape(field []byte) []byte {
	if len(field) == 2 && field[0] == '\\' && field[1] == 'N' {
		return nil
	}
	if bytes.IndexByte(field, '\\') < 0 {
		return slices.Clip(field)
	}
	out := make([]byte, 0, len(field))
	for i := 0; i < len(field); i++ {
		b := field[i]
		if b == '\\' && i+1 < len(field) {
			i++
			switch field[i] {
			case 't':
				b = '\t'
			case 'n':
				b = '\n'
			case 'r':
				b = '\r'
			default:
				b = field[i]
			}
		}
		out = append(out, b)
	}
	return out
}

func (p *putter) send(ctx context.Context, conn *pgconn.PgConn, rows int) error {
	var sql strings.Builder
	sql.WriteString(p.head)
	for i := range rows {
		if i > 0 {
			sql.WriteByte(',')
		}
		for c := range p.columns {
			sql.WriteByte("(,"[min(c, 1)])
			parameter := "$" + strconv.Itoa(i*p.columns+c+1)
			if p.arrays[c] {
				parameter = "string_to_array(" + parameter + "::TEXT, ',')"
			}
			sql.WriteString(parameter)
		}
		sql.WriteByte(')')
	}
	sql.WriteString(p.tail)
	result := conn.ExecParams(ctx, sql.String(), p.values, nil, nil, nil).Read()
	if result.Err != nil {
		return result.Err
	}
	if n := result.CommandTag.RowsAffected(); p.counts && n != int64(rows) {
		return fmt.Errorf("the server counted %d rows of %d", n, rows)
	}
	return nil
}

// tooLong refuses a row that does not fit into a message of the protocol.
func tooLong(m *schema.Mapping, line []byte) error {
	fields := bytes.Split(line, []byte{'\t'})
	var key row.Key
	for i, c := range m.Copied() {
		if slices.ContainsFunc(m.KeyColumns(), func(k schema.ColumnMapping) bool { return k.Name == c.Name }) && i < len(fields) {
			key = append(key, string(unescape(fields[i])))
		}
	}
	return fault.New(fault.Refused, "this row arrives only with --ingest=copy, into an empty table",
		"the row of %s with key %s takes %d bytes, and CockroachDB takes no statement of more than %d", m.Name, key, len(line), messageBytes)
}
