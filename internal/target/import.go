package target

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"leap/internal/fault"
	"leap/internal/row"
	"leap/internal/schema"
)

// ImportForm is a form of rows that an import may read right. Servers differ in
// which they do: it is found out by an ImportProbe. Both forms lose one layer
// of backslash escapes.
type ImportForm struct {
	// Delimited is MySQL's form, with bytes as they are; without it the form is
	// that of COPY, with bytes in hex. A CockroachDB of 2020 reads bytes of the
	// first as if they were characters and bends them.
	Delimited bool
	Arrays    ArrayForm
}

// ArrayForm is how an import reads arrays.
type ArrayForm int

// The forms.
const (
	ArrayNone       ArrayForm = iota // not at all
	ArrayLiteral                     // {"a","b"}
	ArrayExpression                  // ARRAY['a','b']
)

// PlainImportForms lists what is worth a trial for tables without arrays, the best first.
func PlainImportForms() []ImportForm { return []ImportForm{{}, {Delimited: true}} }

// ImportForms is the same for tables with arrays. The last read everything else.
func ImportForms() []ImportForm {
	return append([]ImportForm{
		{Arrays: ArrayLiteral},
		{Arrays: ArrayExpression},
		{Delimited: true, Arrays: ArrayLiteral},
		{Delimited: true, Arrays: ArrayExpression},
	}, PlainImportForms()...)
}

// options returns the statement's words for the form.
func (f ImportForm) options() (format, with string) {
	if f.Delimited {
		return "DELIMITED", `fields_terminated_by = e'\t', fields_escaped_by = e'\\'`
	}
	// Rows of any size that a source can hold; its default is half a megabyte.
	return "PGCOPY", "max_row_size = '256MB'"
}

// NewImportEncoder returns the Encoder for rows that Import loads in a form.
func NewImportEncoder(m *schema.Mapping, form ImportForm) *Encoder {
	e := NewEncoder(m, Capabilities{CopyUnescapes: true, CopyHexBytes: !form.Delimited})
	for i, c := range m.Copied() {
		if c.Kind == schema.Set && !c.AsText && form.Arrays == ArrayExpression {
			e.columns[i].append = appendEscapedExpression
		}
	}
	return e
}

// appendEscapedExpression is appendSetExpression for a reader that removes one
// layer of escapes first.
func appendEscapedExpression(dst, cell []byte) ([]byte, error) {
	start := len(dst)
	dst, err := appendSetExpression(dst, cell)
	if err != nil {
		return dst[:start], err
	}
	expression := append([]byte(nil), dst[start:]...)
	return appendEscaped(dst[:start], expression)
}

// Import loads what url serves into an empty table in one job of the server,
// during which the table is offline. It returns the number of rows that the
// server counted. After an error the job may still be there: see EndImports.
func (d *DB) Import(ctx context.Context, m *schema.Mapping, form ImportForm, url string) (rows int64, err error) {
	var names []string
	for _, c := range m.Copied() {
		names = append(names, Quote(c.Name))
	}
	return d.importInto(ctx, qualified(m)+" ("+strings.Join(names, ", ")+")", form, url)
}

func (d *DB) importInto(ctx context.Context, into string, form ImportForm, url string) (int64, error) {
	conn, err := d.pool.Acquire(ctx)
	if err != nil {
		return 0, fmt.Errorf("connect to the target: %w", Explain(err))
	}
	defer conn.Release()
	format, with := form.options()
	statement := "IMPORT INTO " + into + " " + format + " DATA ('" + strings.ReplaceAll(url, "'", "''") + "') WITH " + with
	results, err := conn.Conn().PgConn().Exec(ctx, statement).ReadAll()
	if err != nil {
		return 0, fmt.Errorf("import: %w", Explain(withoutAddress(err, url)))
	}
	for _, r := range results {
		for i, field := range r.FieldDescriptions {
			if field.Name == "rows" && len(r.Rows) == 1 {
				return strconv.ParseInt(string(r.Rows[0][i]), 10, 64)
			}
		}
	}
	return 0, errors.New("import: the server does not say how many rows it took")
}

// withoutAddress takes the address, which holds a secret, out of what the
// server says.
func withoutAddress(err error, url string) error {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return err
	}
	hidden := *pg
	hidden.Message = strings.ReplaceAll(strings.TrimPrefix(pg.Message, url+": "), url, "the rows")
	hidden.Detail, hidden.Hint, hidden.InternalQuery = "", "", ""
	return &hidden
}

// EndImports cancels the jobs whose address holds mark and waits for their end,
// at which the server gives the table back. It is right at any moment: before a
// job began, while it runs, and after it succeeded or failed.
func (d *DB) EndImports(ctx context.Context, mark string) error {
	const jobs = `SELECT job_id::TEXT, status FROM crdb_internal.jobs
		WHERE job_type = 'IMPORT' AND strpos(description, $1) > 0
		AND status NOT IN ('succeeded', 'failed', 'canceled', 'revert-failed')`
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		var open []string
		err := d.Store().Each(ctx, jobs, []any{mark}, func(scan func(...any) error) error {
			var id, status string
			if err := scan(&id, &status); err != nil {
				return err
			}
			open = append(open, id)
			return nil
		})
		if err != nil {
			return fmt.Errorf("look for imports: %w", Explain(err))
		}
		if len(open) == 0 {
			return nil
		}
		for _, id := range open {
			// Refused while it is being cancelled or undone already: the loop waits for that.
			_, _ = d.pool.Exec(ctx, "CANCEL JOB "+id)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Peer says from where the target sees this machine, and whether the connection
// to it is encrypted.
type Peer struct {
	Host      string
	Loopback  bool
	Encrypted bool
}

// Peer looks at one connection.
func (d *DB) Peer(ctx context.Context) (Peer, error) {
	conn, err := d.pool.Acquire(ctx)
	if err != nil {
		return Peer{}, fmt.Errorf("connect to the target: %w", Explain(err))
	}
	defer conn.Release()
	raw := conn.Conn().PgConn().Conn()
	_, encrypted := raw.(*tls.Conn)
	address, ok := raw.LocalAddr().(*net.TCPAddr)
	if !ok {
		return Peer{Host: "127.0.0.1", Loopback: true, Encrypted: encrypted}, nil // a socket on this machine
	}
	return Peer{Host: address.IP.String(), Loopback: address.IP.IsLoopback(), Encrypted: encrypted}, nil
}

// ImportProbe is a scratch table with which it is tried whether and how the
// server imports. Serve Rows under an address that holds Mark and give that to
// Try; Remove it in any case. Removing another value with the same schema and
// suffix does the same, for what a process left that was killed.
type ImportProbe struct {
	db   *DB
	ref  string
	mark string
	form ImportForm
	text string // the file
	want string // a query that returns a row when it arrived unbent
}

// ErrImportBends says that rows were imported and came out changed.
var ErrImportBends = fault.New(fault.Refused, "use --ingest=copy on this server",
	"this server's IMPORT changed the rows of a trial")

// ImportProbe returns the probe of a schema and a suffix that nobody else uses;
// Make makes its table.
func (d *DB) ImportProbe(in, suffix string) *ImportProbe {
	return &ImportProbe{db: d, ref: Quote(in) + "." + Quote("import_probe_"+suffix), mark: "leap-probe-" + suffix}
}

// Make makes the scratch table, and the rows of a form for it.
func (p *ImportProbe) Make(ctx context.Context, form ImportForm) error {
	p.form = form
	set := schema.ColumnMapping{Name: "a", Kind: schema.Set, AsText: form.Arrays == ArrayNone}
	column, array := "STRING", `'a,NULL,q"e\'`
	if !set.AsText {
		column, array = "STRING[]", `ARRAY['a', 'NULL', 'q"e\']`
	}
	m := &schema.Mapping{Columns: []schema.ColumnMapping{
		{Name: "id", Kind: schema.Int}, {Name: "b", Kind: schema.Bytes}, {Name: "j", Kind: schema.JSON}, {Name: "s", Kind: schema.Text}, set,
	}}
	e := NewImportEncoder(m, form)
	rows := []row.Row{
		{[]byte("1"), []byte("\x00\xff\xc3\x28\\x41\t"), []byte(`{"k": "\n\\"}`), []byte("a\tb\\N\nü"), []byte(`a,NULL,q"e\`)},
		{[]byte("2"), nil, nil, nil, nil},
	}
	var text []byte
	for _, r := range rows {
		var err error
		if text, err = e.AppendRow(text, r); err != nil {
			return err
		}
	}
	p.text = string(text)
	p.want = "SELECT 1 FROM " + p.ref + ` WHERE id = 1 AND b = b'\x00\xff\xc3\x28\\x41\x09' AND j->>'k' = e'\n\\'` +
		` AND s = e'a\tb\\N\nü' AND a = ` + array +
		" AND (SELECT count(*) FROM " + p.ref + " WHERE id = 2 AND b IS NULL AND j IS NULL AND s IS NULL AND a IS NULL) = 1"
	return p.db.Exec(ctx, "CREATE TABLE "+p.ref+" (id INT8 PRIMARY KEY, b BYTES, j JSONB, s STRING, a "+column+")")
}

// Mark is what the address must hold for Remove to find the job.
func (p *ImportProbe) Mark() string { return p.mark }

// Rows is what the address must serve.
func (p *ImportProbe) Rows() string { return p.text }

// Try imports from the address and looks at what arrived.
func (p *ImportProbe) Try(ctx context.Context, url string) error {
	if _, err := p.db.importInto(ctx, p.ref+" (id, b, j, s, a)", p.form, url); err != nil {
		return err
	}
	if same, err := p.db.Has(ctx, p.want); err != nil || same {
		return err
	}
	return ErrImportBends
}

// Remove drops the scratch table when no import holds it any more.
func (p *ImportProbe) Remove(ctx context.Context) error {
	if err := p.db.EndImports(ctx, p.mark); err != nil {
		return err
	}
	return p.db.Exec(ctx, "DROP TABLE IF EXISTS "+p.ref)
}
