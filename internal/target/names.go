package target

import (
	"math/rand/v2"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"leap/internal/schema"
)

type commandTag = pgconn.CommandTag

// Quote quotes an identifier; the name reaches the server exactly as it is.
func Quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// qualified is the quoted name of a table with its schema.
func qualified(m *schema.Mapping) string { return pgx.Identifier{Schema, m.Name}.Sanitize() }

// Schema is the target schema that receives the tables.
const Schema = "public"

// randomSuffix makes a name that a parallel run does not use.
func randomSuffix() string {
	return strconv.FormatUint(rand.Uint64(), 36) //nolint:gosec // a name, not a secret
}
