// Package schema describes tables without a database: what a source holds
// (Database, Table, Column, Key) and what each column becomes on the target
// (Mapping). It owns the vocabulary that both ends and every feature share; it
// reads nothing, decides nothing and opens nothing.
package schema

// Database is one source database as introspection found it.
type Database struct {
	Name    string
	Product string // "mariadb" or "mysql"
	Version string
	Charset string
	// Tables are the base tables in name order.
	Tables []*Table
	// Objects are everything else that lives in the database and holds no rows:
	// views, triggers, routines, events.
	Objects []Object
}

// Table returns the table of that exact name, or nil.
func (d *Database) Table(name string) *Table {
	for _, t := range d.Tables {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// Object is a named thing of a source database that is not a table.
type Object struct {
	Kind  ObjectKind
	Name  string
	Table string // the table a trigger belongs to; empty otherwise
	// Detail says when it acts: "BEFORE INSERT", "EVERY 1 DAY".
	Detail string
	// Definition is the statement or body, as the source prints it; empty when
	// the account may not read it.
	Definition string
}

// ObjectKind names what an Object is.
type ObjectKind string

// The kinds of objects that introspection lists.
const (
	View      ObjectKind = "view"
	Trigger   ObjectKind = "trigger"
	Procedure ObjectKind = "procedure"
	Function  ObjectKind = "function"
	Event     ObjectKind = "event"
	Sequence  ObjectKind = "sequence"
	Package   ObjectKind = "package"
)

// Table is a base table of the source.
type Table struct {
	Name string
	// Rename is what the table is to be called on the target; empty for its own name.
	Rename  string
	Engine  string // "InnoDB", "MyISAM", ...
	Comment string
	Columns []Column
	// PrimaryKey is nil for a table without one.
	PrimaryKey  *Index
	Indexes     []Index // secondary indexes, the primary key excluded
	ForeignKeys []ForeignKey
	Checks      []Check
	// AutoIncrement is the next value that the source would hand out; 0 when
	// no column has AUTO_INCREMENT.
	AutoIncrement uint64
	// EstimatedRows and EstimatedBytes are the source's statistics: good for a
	// progress bar, never for a proof.
	EstimatedRows  int64
	EstimatedBytes int64
	// Partitioned says that the source splits the table into partitions.
	Partitioned bool
}

// Column returns the column of that exact name, or nil.
func (t *Table) Column(name string) *Column {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return &t.Columns[i]
		}
	}
	return nil
}

// Index returns the index with the given name, which may be the primary key's, or nil.
func (t *Table) Index(name string) *Index {
	if t.PrimaryKey != nil && t.PrimaryKey.Name == name {
		return t.PrimaryKey
	}
	for i := range t.Indexes {
		if t.Indexes[i].Name == name {
			return &t.Indexes[i]
		}
	}
	return nil
}

// Column is one column of a source table.
type Column struct {
	Name string
	// Rename is what the column is to be called on the target; empty for its own name.
	Rename   string
	Type     Type
	Nullable bool
	// Default is nil when the column has none (an implicit NULL included).
	Default *Default
	// Generated is nil for an ordinary column.
	Generated     *Generated
	AutoIncrement bool
	// OnUpdate is the ON UPDATE expression, such as "current_timestamp(6)"; empty without one.
	OnUpdate string
	Comment  string
	// Invisible columns are left out of SELECT * on the source; they are moved like any other.
	Invisible bool
}

// Type is a column type in the source's own terms.
type Type struct {
	// Base is the lower-case type name without arguments: "int", "varchar",
	// "enum", "datetime", "json", "uuid", "inet6", "geometry", ...
	// MariaDB's JSON alias (LONGTEXT with a json_valid check) reads "json" too.
	Base string `json:"base"`
	// Raw is the full type as the source prints it: "int(10) unsigned".
	Raw      string `json:"raw"`
	Unsigned bool   `json:"unsigned,omitempty"`
	Zerofill bool   `json:"zerofill,omitempty"`
	// Length is the declared length: characters of char/varchar, bytes of
	// binary/varbinary, bits of bit, digits of an integer's display width
	// (tinyint(1)); the maximum octet length for the text and blob families.
	Length int64 `json:"length,omitempty"`
	// Precision and Scale of decimal, Scale of float(7,3) and double(7,3);
	// Precision is the fractional-seconds precision (0 to 6) of time, datetime and
	// timestamp.
	Precision int `json:"precision,omitempty"`
	Scale     int `json:"scale,omitempty"`
	// Charset and Collation of a character column; empty for others.
	Charset   string `json:"charset,omitempty"`
	Collation string `json:"collation,omitempty"`
	// Labels of an enum or set, in definition order.
	Labels []string `json:"labels,omitempty"`
}

// Default is a column's default.
type Default struct {
	// Text is the literal's value without quotes, or the expression.
	Text string
	// Expression says that Text is an expression (current_timestamp(6), uuid())
	// and not a literal.
	Expression bool
}

// Generated describes a generated column.
type Generated struct {
	Expression string
	Stored     bool
}

// Index is a primary key or a secondary index of the source.
type Index struct {
	Name   string
	Unique bool
	// Type is "BTREE", "HASH", "FULLTEXT", "SPATIAL", "RTREE" or "VECTOR".
	Type  string
	Parts []KeyPart
	// Ignored indexes are kept up to date, but no query may be told to use them
	// (MariaDB's IGNORED, MySQL's INVISIBLE).
	Ignored bool
	// WithoutOverlaps says that the last two columns are the end and the start of a
	// period, which may not overlap that of another row (MariaDB).
	WithoutOverlaps bool
	Comment         string
}

// KeyPart is one column (or expression) of an index.
type KeyPart struct {
	Column string
	// Prefix is the number of indexed characters (bytes for binary types); 0 for the whole column.
	Prefix     int64
	Descending bool
	// Expression is set, and Column empty, for a functional key part (MySQL 8).
	Expression string
}

// ForeignKey is a foreign key declared on the source.
type ForeignKey struct {
	Name       string
	Columns    []string
	RefSchema  string // the referenced table's database; empty when it is the same one
	RefTable   string
	RefColumns []string
	OnDelete   string // "RESTRICT", "CASCADE", "SET NULL", "NO ACTION", "SET DEFAULT"
	OnUpdate   string
}

// Acts reports whether rows that refer to others go or change with these.
func (fk ForeignKey) Acts() bool {
	acts := func(rule string) bool { return rule != "" && rule != "RESTRICT" && rule != "NO ACTION" }
	return acts(fk.OnDelete) || acts(fk.OnUpdate)
}

// Check is a CHECK constraint.
type Check struct {
	Name       string
	Expression string
	// Enforced is false for MySQL's NOT ENFORCED constraints.
	Enforced bool
}
