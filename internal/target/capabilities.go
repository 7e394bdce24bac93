package target

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"leap/internal/fault"
	"leap/internal/retry"
)

// Capabilities is what the connected server can do and how it reads COPY. It
// is found out at connect time by trying, not by parsing a version: versions
// of CockroachDB differ in both directions.
type Capabilities struct {
	// Cockroach is false on PostgreSQL, the stand-in.
	Cockroach bool `json:"cockroach"`
	// CopyHexBytes: text COPY reads BYTES as \\x and hex digits. Without it the
	// raw bytes are escaped.
	CopyHexBytes bool `json:"copy_hex_bytes"`
	// CopyUnescapes: text COPY removes backslash escapes from every type and
	// takes arrays as {..}. Without it only strings and a few others are
	// unescaped, and arrays are ARRAY[..] expressions.
	CopyUnescapes bool `json:"copy_unescapes"`
	// NULInText: text can hold U+0000.
	NULInText bool `json:"nul_in_text"`
	// OnUpdate: columns can have ON UPDATE expressions.
	OnUpdate bool `json:"on_update"`
	// ExpressionIndexes: an index can be on an expression.
	ExpressionIndexes bool `json:"expression_indexes"`
	// GeneratedAlways: computed columns are written GENERATED ALWAYS AS (..) STORED.
	GeneratedAlways bool `json:"generated_always"`
	// MaxIdentifierBytes is where names are cut off; 0 is nowhere.
	MaxIdentifierBytes int `json:"max_identifier_bytes"`
	// ParallelIndexes: building several indexes of one table at once is faster
	// than one after the other. CockroachDB makes them wait for each other.
	ParallelIndexes bool `json:"parallel_indexes"`
	// Import: IMPORT INTO is known. Whether it works here shows a trial.
	Import bool `json:"import"`
	// AsOfSystemTime: a past moment can be read.
	AsOfSystemTime bool `json:"as_of_system_time"`
	// MultiRegion: databases have regions, and tables can be REGIONAL BY ROW.
	MultiRegion bool `json:"multi_region,omitempty"`
	// HashHex is the SHA-256 of a text in hex, HashBytes that of bytes, with %s
	// for the value; HashInt is the number of 15 hex digits. Empty when the
	// server has no such functions that could be found.
	HashHex   string `json:"hash_hex,omitempty"`
	HashBytes string `json:"hash_bytes,omitempty"`
	HashInt   string `json:"hash_int,omitempty"`
}

// standIn is what PostgreSQL can do: it is known and need not be tried.
var standIn = Capabilities{
	MaxIdentifierBytes: 63, CopyHexBytes: true, CopyUnescapes: true,
	ExpressionIndexes: true, GeneratedAlways: true, ParallelIndexes: true,
	HashHex: "encode(sha256(convert_to(%s, 'UTF8')), 'hex')", HashBytes: "encode(sha256(%s), 'hex')",
	HashInt: "('x' || %s)::BIT(60)::INT8",
}

// probeTables begins the names of the probe's tables. They stand in the
// checkpoint's schema, or before it is there in the schema of the others: one of
// their own would change the database's descriptor, and the server waits until
// nobody holds the old one, which is for ever where somebody asks the database
// for something all the time.
const (
	probeTables      = "_migrate_probe_"
	checkpointSchema = "_migrate"
)

// probe finds the capabilities of a CockroachDB by trying, with tables of its
// own, which it removes again whatever happens.
func (d *DB) probe(ctx context.Context) (err error) {
	if !d.caps.Cockroach {
		d.caps = standIn
		return nil
	}
	p := prober{schema: Schema, tables: probeTables + randomSuffix()}
	begun, err := d.Store().hasSchema(ctx, checkpointSchema)
	if err != nil {
		return Explain(err)
	}
	if begun {
		p.schema = checkpointSchema
		if err = d.sweep(ctx); err != nil {
			return err
		}
	}
	defer func() {
		// After a failure the tables may not even be there: only that one counts.
		if removed := d.removeProbe(ctx, p); err == nil {
			err = removed
		}
	}()
	conn, err := d.pool.Acquire(ctx)
	if err != nil {
		return Explain(err)
	}
	defer conn.Release()
	p.conn = conn.Conn()
	p.run(ctx, &d.caps)
	if p.err != nil {
		return fmt.Errorf("find out what the target can do: %w", Explain(p.err))
	}
	return nil
}

// sweep drops what a probe left among the user's tables that was killed before
// the checkpoint was there. Now that it is, nobody begins another one there.
func (d *DB) sweep(ctx context.Context) error {
	var names []string
	err := d.Store().Each(ctx, `SELECT c.relname::TEXT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relkind = 'r' AND left(c.relname::TEXT, length($2::TEXT)) = $2::TEXT`, []any{Schema, probeTables},
		func(scan func(...any) error) error {
			var name string
			err := scan(&name)
			names = append(names, pgx.Identifier{Schema, name}.Sanitize())
			return err
		})
	if err == nil && len(names) > 0 {
		_, err = d.pool.Exec(ctx, "DROP TABLE IF EXISTS "+strings.Join(names, ", "))
	}
	if err != nil {
		return fmt.Errorf("remove what a probe left: %w", Explain(err))
	}
	return nil
}

// removeProbe drops the probe's tables, on another connection and within a
// moment of its own: the first may be broken, and ctx over.
func (d *DB) removeProbe(ctx context.Context, p prober) error {
	const moment = time.Minute // a busy server takes its time to drop a table
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), moment)
	defer cancel()
	var names []string
	for _, short := range []string{"c", "g", "u", "x"} {
		names = append(names, p.table(short))
	}
	if _, err := d.pool.Exec(ctx, "DROP TABLE IF EXISTS "+strings.Join(names, ", ")); err != nil {
		return fmt.Errorf("remove the probe's tables: %w", Explain(err))
	}
	return nil
}

// prober tries statements. A refusal by the server is an answer; a broken
// connection is an error, kept in err.
type prober struct {
	conn   *pgx.Conn
	schema string
	tables string // how the names of its tables begin
	err    error
}

// table is the quoted name of one of the probe's tables.
func (p *prober) table(short string) string {
	return pgx.Identifier{p.schema, p.tables + "_" + short}.Sanitize()
}

func (p *prober) run(ctx context.Context, caps *Capabilities) {
	p.reading(ctx, caps)
	caps.Import = true
	p.must(ctx, "CREATE TABLE "+p.table("c")+" (b BYTES, j JSONB, s STRING)")
	hex := p.copyIn(ctx, "b", `\\x00ff`+"\n")
	caps.CopyHexBytes = hex && p.holds(ctx, "SELECT count(*) = 1 FROM "+p.table("c")+" WHERE b = b'\\x00\\xff'")
	unescaped := p.copyIn(ctx, "j", `{"a": "\\n"}`+"\n")
	caps.CopyUnescapes = unescaped && p.holds(ctx, "SELECT count(*) = 1 FROM "+p.table("c")+" WHERE j->>'a' = e'\\n'")
	caps.GeneratedAlways = p.accepts(ctx, "CREATE TABLE "+p.table("g")+" (a INT8, b INT8 GENERATED ALWAYS AS (a + 1) STORED)")
	caps.OnUpdate = p.accepts(ctx, "CREATE TABLE "+p.table("u")+" (a TIMESTAMPTZ DEFAULT now() ON UPDATE now())")
	caps.ExpressionIndexes = p.accepts(ctx, "CREATE TABLE "+p.table("x")+" (a STRING, INDEX (lower(a)))")
}

// accepts reports whether the server takes a statement.
func (p *prober) accepts(ctx context.Context, statement string) bool {
	_, err := p.conn.Exec(ctx, statement)
	return p.answered(err)
}

func (p *prober) must(ctx context.Context, statement string) {
	if p.err != nil {
		return
	}
	if _, err := p.conn.Exec(ctx, statement); err != nil {
		p.err = err
	}
}

func (p *prober) copyIn(ctx context.Context, column, text string) bool {
	_, err := p.conn.PgConn().CopyFrom(ctx, strings.NewReader(text), "COPY "+p.table("c")+" ("+column+") FROM STDIN")
	return p.answered(err)
}

func (p *prober) holds(ctx context.Context, query string) bool {
	var yes bool
	err := p.conn.QueryRow(ctx, query).Scan(&yes)
	return p.answered(err) && yes
}

// answered reports whether err is nil, and keeps errors that are no answer to
// what was asked: a server that is busy or going down, a probe that was
// interrupted, and tables of the probe that somebody has taken away. To take one
// of them for "no" would make a plan for another server than this one.
func (p *prober) answered(err error) bool {
	if err == nil {
		return true
	}
	answer := retry.Classify(err) == retry.Fatal
	switch retry.SQLState(err) {
	case noTable:
		answer = false
		err = fault.Wrap(fault.Failed, "start the command again: another process, which looks at the same target, took the probe's tables for left over", err)
	case "", interruptedState:
		answer = false
	}
	if !answer && p.err == nil {
		p.err = err
	}
	return false
}

// SQLSTATEs of a table that is not there, and of a statement that was cancelled.
const (
	noTable          = "42P01"
	interruptedState = "57014"
)

// Newest returns what a current CockroachDB can do (26.1), for plans that are
// made without a target.
func Newest() Capabilities {
	return Capabilities{
		Cockroach: true, CopyHexBytes: true, CopyUnescapes: true, NULInText: true, OnUpdate: true,
		ExpressionIndexes: true, GeneratedAlways: true, AsOfSystemTime: true, Import: true, MultiRegion: true,
		HashHex: hashHex, HashBytes: hashHex, HashInt: hashInts[0],
	}
}
