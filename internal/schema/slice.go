package schema

// Slice says which rows of a source table belong to one tenant: those from
// which the Path leads to a row that holds one of Values in Column.
//
// A row whose path ends in a NULL, or at a row that is not there, belongs to no
// tenant. Values are compared exactly, by the bytes of their canonical text,
// whatever the collation of the column says: 'acme' is not 'ACME' and not
// 'acme '. The steps of the path are compared as the source compares them.
type Slice struct {
	// Tenant is the tenant's id in the plan, for messages. It says nothing about
	// the rows and is no part of a mapping's fingerprint.
	Tenant string `json:"-"`
	// Path holds the foreign keys from the table up to the one that has the
	// tenant column; empty when the table has it itself.
	Path []Hop `json:"path,omitempty"`
	// Column is the tenant column, in the table at the end of Path.
	Column string `json:"column"`
	// Values are the tenant's values in Column, at least one, as canonical
	// text: integers in decimal digits without leading zeros, text as it is,
	// UUIDs as 8-4-4-4-12 lower-case hex digits, binary strings as lower-case
	// hex, dates as YYYY-MM-DD. Their order does not matter.
	Values []string `json:"values"`
	// Access is how the source finds the rows; source.DB.Resolve fills it. Which
	// rows there are and their order do not depend on it, so a copy may continue
	// by another way.
	Access Access `json:"-"`
}

// Access is how a source finds the rows of a slice.
type Access struct {
	// Owner is the tenant column.
	Owner ColumnMapping
	// ByIndex says that the rows are found from the tenant's values on, through
	// Indexes, and only they are read; otherwise the whole table is read and filtered.
	ByIndex bool
	// Indexes are the names of the indexes on the way from the tenant column to
	// the table: the first on Column, then one for the Columns of each hop, the
	// last hop first. Empty where there is none.
	Indexes []string
	// Single says that each row leads to at most one row, since the Parent
	// columns of every hop are unique.
	Single bool
	// Rows is about how many rows the slice has.
	Rows int64
}

// Hop is one step along a foreign key, declared or only known to the plan: a
// row leads to those of Table whose Parent columns hold what its Columns hold.
// A NULL in any of Columns leads nowhere.
type Hop struct {
	// Columns are the referring columns, in the table where the step begins.
	Columns []string `json:"columns"`
	// Table is the table that they refer to, by its name on the source.
	Table string `json:"table"`
	// Parent are the columns of Table that Columns refer to, in the same order.
	Parent []string `json:"parent"`
}
