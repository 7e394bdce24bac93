package target

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"leap/internal/fault"
	"leap/internal/row"
	"leap/internal/schema"
)

const (
	// upsertRows is how many rows one statement carries at most: far past the
	// point where the round trip counts.
	upsertRows = 2_000
	// upsertBytes is how many bytes of values one statement carries, about.
	upsertBytes = 1 << 20
	// messageBytes is how large a statement with its values may be on
	// CockroachDB, which cuts the connection beyond 16 MiB.
	messageBytes = 15 << 20
)

// NewUpsertEncoder returns the Encoder whose lines UpsertChunk takes. Values
// travel in text form, which every server reads alike; except for arrays, of
// which some CockroachDBs read the label "NULL" as NULL: sets travel as their
// labels joined by commas, which no label may hold.
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
		p.reset()
		for len(data) > 0 && rows < upsertRows && size < upsertBytes {
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

// putter makes statements of lines: an array of text for each column, which the
// server takes apart and casts. The statement is the same for any number of
// rows, so it is planned once.
type putter struct {
	sql    string
	counts bool     // the server counts every row
	arrays [][]byte // by column: the elements in the binary form of arrays
	holes  []bool   // by column: whether one of them is NULL
}

func newPutter(m *schema.Mapping) *putter {
	var names, keys, sets, unnest, values, cells []string
	key := m.KeyColumns()
	for i, c := range m.Copied() {
		names = append(names, Quote(c.Name))
		cell := "c" + strconv.Itoa(i)
		cells = append(cells, cell)
		unnest = append(unnest, fmt.Sprintf("unnest($%d::TEXT[])", i+1))
		values = append(values, castOf(c, cell))
		if !slices.ContainsFunc(key, func(k schema.ColumnMapping) bool { return k.Name == c.Name }) {
			sets = append(sets, Quote(c.Name)+" = excluded."+Quote(c.Name))
		}
	}
	for _, k := range key {
		keys = append(keys, Quote(k.Name))
	}
	then := "DO NOTHING"
	if len(sets) > 0 {
		then = "DO UPDATE SET " + strings.Join(sets, ", ")
	}
	return &putter{
		sql: "INSERT INTO " + qualified(m) + " (" + strings.Join(names, ", ") + ") SELECT " + strings.Join(values, ", ") +
			" FROM ROWS FROM (" + strings.Join(unnest, ", ") + ") AS put (" + strings.Join(cells, ", ") +
			") ON CONFLICT (" + strings.Join(keys, ", ") + ") " + then,
		counts: len(sets) > 0,
		arrays: make([][]byte, len(names)),
		holes:  make([]bool, len(names)),
	}
}

// castOf is the expression that makes a column's value of a cell's text. The
// type is cast to without its length: a cast would cut to it what the
// assignment to the column refuses.
func castOf(c schema.ColumnMapping, cell string) string {
	switch {
	case c.Kind == schema.Set && !c.AsText:
		return "string_to_array(" + cell + ", ',')"
	case c.Kind == schema.Text, c.Kind == schema.Set:
		return cell
	case c.Kind == schema.Bits:
		return cell + "::VARBIT"
	case c.Kind == schema.Enum: // a name, in which anything may stand
		return cell + "::" + c.Type
	}
	bare, _, _ := strings.Cut(c.Type, "(")
	return cell + "::" + bare
}

// take adds a line of COPY text to the arrays.
func (p *putter) take(line []byte) error {
	n := 0
	for field := range bytes.SplitSeq(line, []byte{'\t'}) {
		if n < len(p.arrays) {
			value := unescape(field)
			p.holes[n] = p.holes[n] || value == nil
			p.arrays[n] = appendElement(p.arrays[n], value)
		}
		n++
	}
	if n != len(p.arrays) {
		return fmt.Errorf("a line has %d values, the table takes %d", n, len(p.arrays))
	}
	return nil
}

// The binary form of an array: dimensions, whether a NULL is in it, the
// elements' type, and the length and first index of the only dimension; then each
// element's length, -1 for NULL, and its bytes. (array_send of PostgreSQL.)
const (
	arrayHead  = 5 * 4
	binaryForm = 1
)

func appendElement(array, value []byte) []byte {
	if len(array) == 0 {
		array = append(array, make([]byte, arrayHead)...)
	}
	length := uint32(math.MaxUint32)
	if value != nil {
		length = uint32(len(value)) //nolint:gosec // a line is far below 4 GiB
	}
	return append(binary.BigEndian.AppendUint32(array, length), value...)
}

// finish writes the heads of the arrays.
func (p *putter) finish(rows int) {
	for i, array := range p.arrays {
		holes := uint32(0)
		if p.holes[i] {
			holes = 1
		}
		for at, word := range []uint32{1, holes, pgtype.TextOID, uint32(rows), 1} { //nolint:gosec // bounded by upsertRows
			binary.BigEndian.PutUint32(array[4*at:], word)
		}
	}
}

func (p *putter) reset() {
	for i := range p.arrays {
		p.arrays[i] = p.arrays[i][:0]
	}
	clear(p.holes)
}

func (p *putter) send(ctx context.Context, conn *pgconn.PgConn, rows int) error {
	p.finish(rows)
	oids := slices.Repeat([]uint32{pgtype.TextArrayOID}, len(p.arrays))
	result := conn.ExecParams(ctx, p.sql, p.arrays, oids, []int16{binaryForm}, nil).Read()
	if result.Err != nil {
		return result.Err
	}
	if n := result.CommandTag.RowsAffected(); p.counts && n != int64(rows) {
		return fmt.Errorf("the server counted %d rows of %d", n, rows)
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
