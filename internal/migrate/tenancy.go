package migrate

import "leap/internal/schema"

// Tenancy is what the proofs of one tenant's slice need to know of the plan.
// With it, the phase Verify ends with three proofs, in the report's
// tenants[].proofs: that the slices of all tenants and the rest are the whole
// of each shared table (complete), that no row refers to one left behind
// (closed), and that the target holds no row of another tenant (clean).
type Tenancy struct {
	// Tenant is the tenant's id in the plan; the report names it.
	Tenant string
	// IDs are the tenant's values in the tenant column; none for a tenant with a
	// database of its own.
	IDs []string
	// All lists the slices of every tenant of the plan that shares this source
	// database, this one included, by the table's name on the source.
	All map[string][]*schema.Slice
	// Rest lists rows that no tenant takes, on purpose, by the table's name on
	// the source.
	Rest map[string][]Rest
	// Shared lists reference data, tables of a shared source database that every
	// tenant gets whole, by name on the source. Nil for a database that is all the
	// tenant's own: there every table is its.
	Shared map[string]bool
	// References are foreign keys that the plan knows and the source does not
	// declare, by the table that refers.
	References map[string][]schema.Hop
	// Censuses and Scans, if set, are shared by the tenants of this source database
	// that move in the same run.
	Censuses *Censuses
	Scans    *Scans
}

// Rest is a part of a shared table that no tenant of the plan takes.
type Rest struct {
	// Reason says why, for the report.
	Reason string
	// Slice selects the rows like a tenant's slice; its Tenant is not used.
	// Nil means the rows that lead to no value at all: those of which the path
	// ends in a NULL or at a row that is not there.
	Slice *schema.Slice
}
