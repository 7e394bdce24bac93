package target

import (
	"context"
	"fmt"

	"leap/internal/endpoint"
	"leap/internal/fault"
	"leap/internal/retry"
)

// hashHex is CockroachDB's SHA-256, of text and of bytes.
const hashHex = "sha256(%s)"

// hashInts are the ways to make a number of hex digits that CockroachDBs know.
var hashInts = []string{"('0x' || %s)::INT8", "('x' || %s)::BIT(60)::INT8"}

// reading finds what the server can do for somebody who only reads.
func (p *prober) reading(ctx context.Context, caps *Capabilities) {
	caps.AsOfSystemTime = p.accepts(ctx, "BEGIN AS OF SYSTEM TIME '-1us'")
	_ = p.accepts(ctx, "ROLLBACK")
	caps.MultiRegion = p.accepts(ctx, clusterRegions)
	caps.NULInText = p.holds(ctx, "SELECT octet_length(e'a\\x00b') = 3")
	// The first 15 digits of a known SHA-256, and their number.
	const digits, number = "ba7816bf8f01cfe", "839782156265856254"
	hash := fmt.Sprintf(hashHex, "'abc'")
	for _, form := range hashInts {
		if p.holds(ctx, "SELECT left("+hash+", 15) = '"+digits+"' AND "+fmt.Sprintf(form, "left("+hash+", 15)")+" = "+number) {
			caps.HashHex, caps.HashBytes, caps.HashInt = hashHex, hashHex, form
			return
		}
	}
}

// OpenReader connects for reading and finds out what the server can do without
// writing anything. What only a write would show (expression indexes, how COPY
// reads) stays false; Recall fills it in.
func OpenReader(ctx context.Context, e endpoint.Endpoint, maxConnections int) (*DB, error) {
	d, err := Connect(ctx, e, maxConnections)
	if err != nil {
		return nil, err
	}
	if err := d.probeReading(ctx); err != nil {
		d.Close()
		return nil, fmt.Errorf("target %s: %w", e, err)
	}
	return d, nil
}

func (d *DB) probeReading(ctx context.Context) error {
	if !d.caps.Cockroach {
		d.caps = standIn
		return nil
	}
	conn, err := d.pool.Acquire(ctx)
	if err != nil {
		return Explain(err)
	}
	defer conn.Release()
	p := prober{conn: conn.Conn()}
	p.reading(ctx, &d.caps)
	d.caps.GeneratedAlways = p.parses(ctx, "CREATE TABLE _migrate_probe (a INT8, b INT8 GENERATED ALWAYS AS (a + 1) STORED)")
	d.caps.OnUpdate = p.parses(ctx, "CREATE TABLE _migrate_probe (a TIMESTAMPTZ DEFAULT now() ON UPDATE now())")
	if p.err != nil {
		return fmt.Errorf("find out what the target can do: %w", Explain(p.err))
	}
	return nil
}

// parses reports whether the server understands a statement, which is not
// carried out. An account without the right to do so is told apart.
func (p *prober) parses(ctx context.Context, statement string) bool {
	_, err := p.conn.PgConn().Prepare(ctx, "", statement, nil)
	return p.answered(err) || retry.SQLState(err) == privilege
}

// privilege is the SQLSTATE of a right that is missing.
const privilege = "42501"

// Recall completes what OpenReader found by what Open found on the same server
// before: what a plan was made for then.
func (d *DB) Recall(before Capabilities) error {
	if before.Cockroach != d.caps.Cockroach {
		return fault.New(fault.Refused, "verify on the server that was copied to",
			"the plan was made for another kind of server than answers now")
	}
	before.AsOfSystemTime, before.MultiRegion = d.caps.AsOfSystemTime, d.caps.MultiRegion
	before.HashHex, before.HashBytes, before.HashInt = d.caps.HashHex, d.caps.HashBytes, d.caps.HashInt
	d.caps = before
	return nil
}
