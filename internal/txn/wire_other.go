//go:build !unix

package txn

import "github.com/jackc/pgx/v5/pgconn"

// dialWire leaves connections as they are.
func dialWire(dial pgconn.DialFunc) pgconn.DialFunc { return dial }
