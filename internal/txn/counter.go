package txn

import (
	"context"
	"sync"

	"github.com/jackc/pgx/v5"

	"leap/internal/retry"
)

// Counter counts the SQLSTATEs that a server answers, at the driver and apart
// from the account of the sessions: as a tracer it can prove that account. It
// sees every statement of the extended and the simple protocol.
type Counter struct {
	mu     sync.Mutex // guards states
	states map[string]int
}

var _ pgx.QueryTracer = (*Counter)(nil)

// TraceQueryStart is part of [pgx.QueryTracer].
func (*Counter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}

// TraceQueryEnd is part of [pgx.QueryTracer].
func (c *Counter) TraceQueryEnd(_ context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	if state := retry.SQLState(data.Err); state != "" {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.states == nil {
			c.states = map[string]int{}
		}
		c.states[state]++
	}
}

// Count returns how often the server answered with a SQLSTATE.
func (c *Counter) Count(state string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.states[state]
}
