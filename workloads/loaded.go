package workloads

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// StateTable is the table, in the schema of every workload, that remembers
// what was loaded: name and value. leap/internal/seed writes it.
const StateTable = "loadgen_state"

// The names in the [StateTable].
const (
	StateData     = "data"     // what Loader.Data said
	StateComplete = "complete" // there when every batch is
)

// NotLoadedError says that a database does not hold the data that a run needs.
type NotLoadedError struct {
	Workload string
	Want     string // empty when anything would do
	Have     string // empty when nothing is there
	Partly   bool   // the loading did not come to its end
}

// Error says what is there instead.
func (e *NotLoadedError) Error() string {
	switch {
	case e.Have == "":
		return fmt.Sprintf("the database holds no data of the workload %s", e.Workload)
	case e.Partly:
		return fmt.Sprintf("the loading of %s (%s) is not complete", e.Workload, e.Have)
	}
	return fmt.Sprintf("the database was loaded with other data of %s (%s) than asked for (%s)", e.Workload, e.Have, e.Want)
}

// DataName is what [Loader.Data] returns for settings whose defaults were
// filled in: everything that the data follow from, and the version of the code
// that makes them.
func DataName(version int, s Settings) string {
	return fmt.Sprintf("version=%d seed=%d scale=%d tenants=%d origin=%s", version, s.Seed, s.Scale, s.Tenants, s.Origin)
}

// Loaded returns the name of the data that are there, with a [*NotLoadedError]
// unless they are complete.
func Loaded(ctx context.Context, db Querier, workload string) (string, error) {
	values := map[string]string{}
	rows, err := db.Query(ctx, "SELECT name, value FROM "+workload+"."+StateTable)
	if err == nil {
		var name, value string
		_, err = pgx.ForEachRow(rows, []any{&name, &value}, func() error {
			values[name] = value
			return nil
		})
	}
	if missing(err) {
		return "", &NotLoadedError{Workload: workload}
	}
	if err != nil {
		return "", fmt.Errorf("look for the data of %s: %w", workload, err)
	}
	have := values[StateData]
	if values[StateComplete] == "" {
		return have, &NotLoadedError{Workload: workload, Have: have, Partly: true}
	}
	return have, nil
}

// Need returns a [*NotLoadedError] unless the data of that name are there.
func Need(ctx context.Context, db Querier, workload, data string) error {
	have, err := Loaded(ctx, db, workload)
	if err != nil {
		return err
	}
	if have != data {
		return &NotLoadedError{Workload: workload, Have: have, Want: data}
	}
	return nil
}

// missing reports that a table or its schema is not there.
func missing(err error) bool {
	server, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (server.Code == "42P01" || strings.HasPrefix(server.Code, "3F"))
}

// Copy writes rows as COPY text, which is the one form that every version of
// CockroachDB reads safely. The rows' cells are int64, string and nil.
func Copy(ctx context.Context, tx pgx.Tx, table string, columns []string, rows [][]any) (int64, error) {
	if len(rows) == 0 {
		return 0, nil
	}
	var text strings.Builder
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				text.WriteByte('\t')
			}
			if err := writeCell(&text, cell); err != nil {
				return 0, fmt.Errorf("copy into %s, %s: %w", table, columns[i], err)
			}
		}
		text.WriteByte('\n')
	}
	statement := "COPY " + table + " (" + strings.Join(columns, ", ") + ") FROM STDIN"
	tag, err := tx.Conn().PgConn().CopyFrom(ctx, strings.NewReader(text.String()), statement)
	if err != nil {
		return 0, fmt.Errorf("copy into %s: %w", table, err)
	}
	if tag.RowsAffected() != int64(len(rows)) {
		return 0, fmt.Errorf("copy into %s: the server counted %d rows of %d", table, tag.RowsAffected(), len(rows))
	}
	return tag.RowsAffected(), nil
}

// copyEscapes are the bytes that mean something in COPY text.
var copyEscapes = strings.NewReplacer("\\", `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`)

func writeCell(text *strings.Builder, cell any) error {
	switch cell := cell.(type) {
	case int:
		fmt.Fprint(text, cell)
	case int64:
		fmt.Fprint(text, cell)
	case string:
		_, err := copyEscapes.WriteString(text, cell)
		return err
	case nil:
		text.WriteString(`\N`)
	default:
		return fmt.Errorf("a cell cannot be a %T", cell)
	}
	return nil
}
