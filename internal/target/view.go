package target

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"leap/internal/row"
	"leap/internal/schema"
)

// The ways in which a View shows one moment.
const (
	// AsOfSystemTime reads the past at one timestamp: nobody waits, nothing is held.
	AsOfSystemTime = "as-of-system-time"
	// ExportedSnapshot shares the snapshot of one repeatable-read transaction.
	ExportedSnapshot = "exported-snapshot"
)

// beginSnapshot begins a transaction that sees one moment of PostgreSQL.
const beginSnapshot = "BEGIN TRANSACTION READ ONLY, ISOLATION LEVEL REPEATABLE READ"

// inKeyOrder makes PostgreSQL read a range in the order of the key along its
// index. It would rather sort what it has read, at twice the work.
const inKeyOrder = "SET LOCAL enable_sort = off"

// Moment says which moment of the target a View shows.
type Moment struct {
	Method string `json:"method"`
	// Timestamp is CockroachDB's logical timestamp, or the id of the snapshot.
	Timestamp string    `json:"timestamp"`
	TakenAt   time.Time `json:"taken_at"`
}

// View reads one moment of the target over any number of connections, while
// others go on writing. It is safe for concurrent use; Close ends it.
type View struct {
	db     *DB
	begin  string
	moment Moment
	holder *pgxpool.Conn // keeps an exported snapshot; nil without one
}

// View opens a view of the present moment.
func (d *DB) View(ctx context.Context) (*View, error) {
	if d.caps.AsOfSystemTime {
		timestamp, err := d.timestamp(ctx)
		if err != nil {
			return nil, fmt.Errorf("take a timestamp: %w", Explain(err))
		}
		return d.viewAt(timestamp)
	}
	conn, err := d.pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to the target: %w", Explain(err))
	}
	var id string
	_, err = conn.Conn().PgConn().Exec(ctx, d.idle.unlimited+beginSnapshot).ReadAll()
	if err == nil {
		err = conn.QueryRow(ctx, "SELECT pg_export_snapshot()").Scan(&id)
	}
	if err != nil {
		discard(ctx, conn)
		return nil, fmt.Errorf("export a snapshot: %w", Explain(err))
	}
	return &View{
		db: d, holder: conn,
		begin:  d.idle.unlimited + beginSnapshot + "; SET TRANSACTION SNAPSHOT '" + id + "'; " + inKeyOrder,
		moment: Moment{Method: ExportedSnapshot, Timestamp: id, TakenAt: time.Now().UTC()},
	}, nil
}

// ViewAt opens a view of an earlier moment, which only CockroachDB can show,
// and only until it forgets it (gc.ttlseconds).
func (d *DB) ViewAt(ctx context.Context, timestamp string) (*View, error) {
	if !d.caps.AsOfSystemTime {
		return nil, errors.New("this server shows no earlier moments")
	}
	v, err := d.viewAt(timestamp)
	if err != nil {
		return nil, err
	}
	return v, v.with(ctx, func(conn *pgx.Conn) error {
		// The catalog is forgotten like rows are.
		_, err := conn.Exec(ctx, "SELECT count(*) FROM pg_catalog.pg_class")
		return err
	})
}

func (d *DB) viewAt(timestamp string) (*View, error) {
	if strings.Trim(timestamp, "0123456789.") != "" || timestamp == "" {
		return nil, fmt.Errorf("not a timestamp: %q", timestamp)
	}
	whole, _, _ := strings.Cut(timestamp, ".") // nanoseconds, and a count within one
	nanoseconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("not a timestamp: %q", timestamp)
	}
	return &View{
		db: d, begin: d.idle.unlimited + "BEGIN AS OF SYSTEM TIME '" + timestamp + "'",
		moment: Moment{Method: AsOfSystemTime, Timestamp: timestamp, TakenAt: time.Unix(0, nanoseconds).UTC()},
	}, nil
}

// timestamp asks in a transaction of its own: it is the time of that transaction.
func (d *DB) timestamp(ctx context.Context) (string, error) {
	tx, err := d.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.Serializable})
	if err != nil {
		return "", err
	}
	defer rollback(ctx, tx)
	var text string
	return text, tx.QueryRow(ctx, "SELECT cluster_logical_timestamp()::TEXT").Scan(&text)
}

// Moment says which moment the view shows.
func (v *View) Moment() Moment { return v.moment }

// Close ends the view, also when ctx is over.
func (v *View) Close(ctx context.Context) {
	if v.holder != nil {
		discard(context.WithoutCancel(ctx), v.holder)
		v.holder = nil
	}
}

// discard closes a connection together with its transaction.
func discard(ctx context.Context, conn *pgxpool.Conn) {
	_ = conn.Conn().Close(ctx) // it is being thrown away
	conn.Release()
}

// Scan streams all columns of a range as the view shows them; see DB.Scan.
func (v *View) Scan(ctx context.Context, m *schema.Mapping, r row.Range, fn func(row.Row) error) error {
	return v.ScanPart(ctx, m, row.Part{Range: r}, fn)
}

// ScanPart is Scan for a part.
func (v *View) ScanPart(ctx context.Context, m *schema.Mapping, p row.Part, fn func(row.Row) error) error {
	return v.with(ctx, func(conn *pgx.Conn) error { return v.db.scanOn(ctx, conn, m, p, fn) })
}

// Sums lets the server digest the rows of a part and returns one digest per
// bucket; under the bucket "" for a part that is not grouped.
func (v *View) Sums(ctx context.Context, m *schema.Mapping, p row.Part) (map[string]row.Digest, error) {
	var out map[string]row.Digest
	err := v.with(ctx, func(conn *pgx.Conn) (err error) {
		out, err = sumsOn(ctx, conn, v.db.caps, m, p)
		return err
	})
	return out, err
}

// Drift lists how a table differs from its mapping now; see DB.Drift.
func (v *View) Drift(ctx context.Context, m *schema.Mapping) (drift []string, comparable bool, err error) {
	return v.db.Drift(ctx, m)
}

// with runs fn in a transaction that sees the view's moment.
func (v *View) with(ctx context.Context, fn func(*pgx.Conn) error) error {
	conn, err := v.db.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect to the target: %w", Explain(err))
	}
	if _, err = conn.Conn().PgConn().Exec(ctx, v.begin).ReadAll(); err == nil {
		err = fn(conn.Conn())
	}
	if err != nil {
		discard(ctx, conn)
		return Explain(err)
	}
	defer conn.Release()
	if _, err = conn.Conn().PgConn().Exec(ctx, "COMMIT").ReadAll(); err != nil {
		return fmt.Errorf("end the transaction: %w", Explain(err))
	}
	return nil
}
