package schema

// Promise is what the plan promises of a target table besides its rows and the
// types of its columns. The verification compares it with the catalog of the
// target; it says what has to be there, not by which statement it came.
type Promise struct {
	// PrimaryKey are the key's columns in order; empty without one.
	PrimaryKey []string
	// Columns are in the order of Mapping.Columns.
	Columns     []PromisedColumn
	Indexes     []PromisedIndex
	ForeignKeys []PromisedForeignKey
	Checks      []PromisedCheck
	Sequences   []PromisedSequence
}

// PromisedColumn is what a column does by itself.
type PromisedColumn struct {
	Name string
	// Default is how an omitted value is made; the zero value is NULL.
	Default PromisedDefault
	// Computed is the expression of a computed column; empty for an ordinary one.
	Computed string
}

// PromisedDefault is a default; at most one field is set.
type PromisedDefault struct {
	// Value is a constant as the source writes it, in the form of a cell of the
	// column's kind as Scan reads it; nil for none.
	Value *string
	// Expression is SQL of the target.
	Expression string
	// Sequence is the name of the sequence that hands out the values.
	Sequence string
}

// PromisedIndex is a secondary index.
type PromisedIndex struct {
	Name   string
	Unique bool
	Parts  []PromisedPart
}

// PromisedPart is a column of an index, or an expression of the target.
type PromisedPart struct {
	Column     string
	Expression string
	Descending bool
}

// PromisedForeignKey is a foreign key; actions are "NO ACTION", "RESTRICT",
// "CASCADE" or "SET NULL".
type PromisedForeignKey struct {
	Name       string
	Columns    []string
	RefTable   string
	RefColumns []string
	OnDelete   string
	OnUpdate   string
}

// PromisedCheck is a CHECK constraint with its condition in SQL of the target.
type PromisedCheck struct {
	Name      string
	Condition string
}

// PromisedSequence feeds a column. Its next value is beyond all that are in use.
type PromisedSequence struct {
	Name   string
	Column string
	// Next is the least value that it may hand out next, as the source would have.
	Next uint64
}

// Difference is something about a target table that is not as promised.
type Difference struct {
	Kind DifferenceKind `json:"kind"`
	// Object is what differs: "index idx_owner", "column balance".
	Object string `json:"object"`
	// Expected is what the plan promised, Found what the target has.
	Expected string `json:"expected"`
	Found    string `json:"found"`
	// Advice says what to do about it.
	Advice string `json:"advice"`
	// Harmless differences cost at most time or space; they are told and do not
	// keep the table from passing.
	Harmless bool `json:"harmless,omitempty"`
}

// DifferenceKind says how something differs, seen from the target.
type DifferenceKind string

// The kinds of differences.
const (
	IsMissing DifferenceKind = "missing"
	IsExtra   DifferenceKind = "extra"
	IsChanged DifferenceKind = "changed"
)

// String renders a difference in one line, without the advice.
func (d Difference) String() string {
	switch d.Kind {
	case IsMissing:
		return d.Object + " is missing; planned is " + d.Expected
	case IsExtra:
		return d.Object + " is not in the plan: " + d.Found
	case IsChanged:
	}
	return d.Object + " is " + d.Found + ", planned is " + d.Expected
}
