package target

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"leap/internal/retry"
	"leap/internal/row"
	"leap/internal/schema"
)

// RepairTx is a transaction that corrects rows. It writes them by statements
// with parameters, from the text that the verifier reads: nothing of it passes
// through the Encoder, whose mistake may be what is being corrected.
type RepairTx struct {
	Tx
	db    *DB
	conn  *pgx.Conn
	batch *pgconn.Batch
	count int
	bytes int
}

// Repair runs fn in a serializable transaction and repeats it when the server
// asks for that; fn must be idempotent.
func (d *DB) Repair(ctx context.Context, fn func(*RepairTx) error) error {
	const patience = 30 * time.Second
	return retry.Do(ctx, retry.Policy{For: patience}, func() error {
		conn, err := d.pool.Acquire(ctx)
		if err != nil {
			return fmt.Errorf("connect to the target: %w", Explain(err))
		}
		defer conn.Release()
		tx, err := conn.BeginTx(ctx, d.idle.waiting(pgx.Serializable))
		if err != nil {
			return fmt.Errorf("begin: %w", Explain(err))
		}
		defer rollback(ctx, tx)
		r := &RepairTx{Tx: Tx{tx}, db: d, conn: conn.Conn(), batch: &pgconn.Batch{}}
		if err = fn(r); err != nil {
			return err
		}
		if err = r.flush(ctx); err != nil {
			return err
		}
		return repeatable(commit(ctx, tx)) // comparing again finds out
	})
}

// Conflict reports whether an error is a value that another row holds (unique),
// or a row that others refer to or that is not there (parent).
func Conflict(err error) (unique, parent bool) {
	switch retry.SQLState(err) {
	case "23505", "42P10": // the latter: the key has no unique index to conflict with
		return true, false
	case "23503":
		return false, true
	}
	return false, false
}

// Scan reads a part as the transaction sees it.
func (t *RepairTx) Scan(ctx context.Context, m *schema.Mapping, p row.Part, fn func(row.Row) error) error {
	return t.db.scanOn(ctx, t.conn, m, p, fn)
}

// Put writes a row, given in the text that the verifier reads, in place of the
// row with its key.
func (t *RepairTx) Put(ctx context.Context, m *schema.Mapping, cells row.Row) error {
	var names, params, updates []string
	var values [][]byte
	for i, c := range m.Columns {
		if c.Computed {
			continue
		}
		values = append(values, parameter(c, cells[i]))
		names = append(names, Quote(c.Name))
		params = append(params, fmt.Sprintf("$%d", len(values)))
		if !slices.Contains(m.Key, i) {
			updates = append(updates, Quote(c.Name)+" = excluded."+Quote(c.Name))
		}
	}
	query := "INSERT INTO " + qualified(m) + " (" + strings.Join(names, ", ") + ") VALUES (" + strings.Join(params, ", ") + ")"
	if key := m.KeyColumns(); len(key) > 0 {
		target := make([]string, len(key))
		for i, c := range key {
			target[i] = Quote(c.Name)
		}
		query += " ON CONFLICT (" + strings.Join(target, ", ") + ") DO "
		if len(updates) == 0 {
			query += "NOTHING"
		} else {
			query += "UPDATE SET " + strings.Join(updates, ", ")
		}
	}
	return t.queue(ctx, query, values)
}

const (
	// batchRows and batchBytes are how much is sent at once.
	batchRows, batchBytes = 200, 1 << 20
	// maxParameters is what CockroachDB takes in one message, less some room:
	// beyond it cuts the connection.
	maxParameters = 15 << 20
)

// queue sends statements in batches: one round trip for many rows.
func (t *RepairTx) queue(ctx context.Context, query string, values [][]byte) error {
	size := 0
	for _, v := range values {
		size += len(v)
	}
	if size > maxParameters {
		return fmt.Errorf("a row of %d bytes is too large to be repaired: copy the table again", size)
	}
	t.batch.ExecParams(query, values, nil, nil, nil)
	t.count++
	if t.bytes += size; t.count < batchRows && t.bytes < batchBytes {
		return nil
	}
	return t.flush(ctx)
}

func (t *RepairTx) flush(ctx context.Context) error {
	if t.count == 0 {
		return nil
	}
	_, err := t.conn.PgConn().ExecBatch(ctx, t.batch).ReadAll()
	t.batch, t.count, t.bytes = &pgconn.Batch{}, 0, 0
	return Explain(err)
}

// Delete removes the row with the key of cells; of a table without a key, count
// rows that are equal to cells. Another number of rows is an error, unless a foreign
// key to the table itself has removed them with those that they refer to.
func (t *RepairTx) Delete(ctx context.Context, m *schema.Mapping, cells row.Row, count int64) error {
	if err := t.flush(ctx); err != nil {
		return err
	}
	query, values, err := t.deletion(ctx, m, cells, count)
	if err != nil {
		return err
	}
	result := t.conn.PgConn().ExecParams(ctx, query, values, nil, nil, nil).Read()
	if result.Err != nil {
		return fmt.Errorf("remove a row of %s: %w", m.Name, Explain(result.Err))
	}
	if n := result.CommandTag.RowsAffected(); n != count && (n > count || !actsOnItself(m)) {
		return fmt.Errorf("remove rows of %s: %d were there instead of %d", m.Name, n, count)
	}
	return nil
}

func actsOnItself(m *schema.Mapping) bool {
	return m.Source != nil && slices.ContainsFunc(m.Source.ForeignKeys, func(fk schema.ForeignKey) bool {
		return fk.RefSchema == "" && fk.RefTable == m.SourceName && fk.Acts()
	})
}

func (t *RepairTx) deletion(ctx context.Context, m *schema.Mapping, cells row.Row, count int64) (string, [][]byte, error) {
	var conditions []string
	var values [][]byte
	if len(m.Key) > 0 {
		for _, k := range m.Key {
			values = append(values, parameter(m.Columns[k], cells[k]))
			conditions = append(conditions, fmt.Sprintf("%s = $%d", Quote(m.Columns[k].Name), len(values)))
		}
		return "DELETE FROM " + qualified(m) + " WHERE " + strings.Join(conditions, " AND "), values, nil
	}
	for i, c := range m.Columns {
		value := cells[i]
		if c.Kind == schema.Bytes && value != nil {
			value = []byte(hex.EncodeToString(value))
		}
		values = append(values, value)
		conditions = append(conditions, fmt.Sprintf("%s IS NOT DISTINCT FROM $%d::TEXT", scanExpression(c), len(values)))
	}
	address, err := t.db.rowAddress(ctx, m)
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("DELETE FROM %[1]s WHERE %[2]s IN (SELECT %[2]s FROM %[1]s WHERE %[3]s LIMIT %[4]d)",
		qualified(m), address, strings.Join(conditions, " AND "), count), values, nil
}

// rowAddress is what tells the rows of a table without a key apart.
func (d *DB) rowAddress(ctx context.Context, m *schema.Mapping) (string, error) {
	if !d.caps.Cockroach {
		return "ctid", nil
	}
	hidden, err := d.hidden(ctx, m.Name)
	if err != nil {
		return "", err
	}
	for name := range hidden {
		if column, ok := strings.CutPrefix(name, m.Name+"."); ok {
			return Quote(column), nil
		}
	}
	return "", fmt.Errorf("table %s has no hidden key", m.Name)
}

// parameter is a cell as the text of a parameter of the column's type.
func parameter(c schema.ColumnMapping, cell []byte) []byte {
	if cell == nil {
		return nil
	}
	switch c.Kind {
	case schema.Bytes:
		return hex.AppendEncode([]byte(`\x`), cell)
	case schema.Set:
		if !c.AsText {
			return setParameter(cell)
		}
	case schema.Bool:
		if string(cell) == "1" {
			return []byte("t")
		}
		return []byte("f")
	case schema.Int, schema.Decimal, schema.Float32, schema.Float64, schema.Bits, schema.Text, schema.Date, schema.DateTime,
		schema.Timestamp, schema.Time, schema.Interval, schema.Enum, schema.JSON, schema.UUID, schema.INet:
	}
	if len(cell) == 0 {
		return []byte{} // not nil, which would be NULL
	}
	return cell
}

// setParameter is comma-joined labels as an array: {"a","b"}.
func setParameter(cell []byte) []byte {
	out := []byte{'{'}
	for i, label := range labels(cell) {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, '"')
		for _, b := range label {
			if b == '"' || b == '\\' {
				out = append(out, '\\')
			}
			out = append(out, b)
		}
		out = append(out, '"')
	}
	return append(out, '}')
}
