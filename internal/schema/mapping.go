package schema

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
)

// Kind says what the values of a column are, independent of either database:
// it fixes the form in which the source hands a cell over, how the target
// writes it, and what "equal" means for it.
type Kind string

// The kinds of values. The comment gives the form of a cell between source and
// target: the bytes that source.Rows yields and target.Encoder takes.
const (
	Int       Kind = "int"       // decimal digits, '-' when negative
	Bool      Kind = "bool"      // "0" or "1"; anything else is refused
	Decimal   Kind = "decimal"   // [-]digits[.digits], plain notation
	Float32   Kind = "float32"   // shortest decimal form of the widened double
	Float64   Kind = "float64"   // shortest decimal form that round-trips
	Bits      Kind = "bits"      // big-endian bytes, right-aligned to Width bits
	Text      Kind = "text"      // UTF-8
	Bytes     Kind = "bytes"     // the bytes themselves
	Date      Kind = "date"      // YYYY-MM-DD
	DateTime  Kind = "datetime"  // YYYY-MM-DD hh:mm:ss[.ffffff], no zone
	Timestamp Kind = "timestamp" // the same, in UTC
	Time      Kind = "time"      // hh:mm:ss[.ffffff], within a day
	Interval  Kind = "interval"  // [-]hhh:mm:ss[.ffffff]
	Enum      Kind = "enum"      // the label
	Set       Kind = "set"       // labels joined by commas in definition order
	JSON      Kind = "json"      // JSON text
	UUID      Kind = "uuid"      // 8-4-4-4-12 hex digits
	INet      Kind = "inet"      // an IPv4 or IPv6 address in text form
)

// Mapping is one table of the plan: where its rows come from, where they go,
// and how each cell travels. convert makes it; copy, verify and both ends read it.
type Mapping struct {
	Source *Table `json:"-"`
	// SourceName is the table's name on the source, Name its name on the target.
	SourceName string `json:"source_name"`
	Name       string `json:"name"`
	// Columns in target order. Generated columns that the target computes
	// itself are listed with Computed set: they are verified but not copied.
	Columns []ColumnMapping `json:"columns"`
	// Key holds indexes into Columns: the primary key, else a unique key over
	// NOT NULL columns, else empty. It identifies a row in findings.
	Key []int `json:"key"`
	// KeyIndex is the name of the source index behind Key ("PRIMARY"); empty without a key.
	KeyIndex string `json:"key_index,omitempty"`
	// Slice restricts the rows to one tenant's; nil for the whole table. The
	// target holds nothing else, so only the source is read by it.
	Slice *Slice `json:"slice,omitempty"`
	// Filter is a condition in the source's SQL over the table's columns, without
	// qualifiers: only rows of which it is true are moved. Empty for all. Like
	// Slice it concerns the source alone.
	Filter string `json:"filter,omitempty"`
	// Region is the value of RegionColumn in all rows on the target; empty for a
	// table that has no such column.
	Region string `json:"region,omitempty"`
}

// RegionColumn says in which region a row of a table that is REGIONAL BY ROW is at
// home. It is hidden: who does not ask for it by name does not see it.
const RegionColumn = "crdb_region"

// ColumnMapping says how one source column becomes one target column.
type ColumnMapping struct {
	// Source is the source column's name, Name the target's.
	Source string `json:"source"`
	Name   string `json:"name"`
	Kind   Kind   `json:"kind"`
	// From is the source's type.
	From Type `json:"from"`
	// Type is the target's type as written in DDL: "INT8", "VARCHAR(40)",
	// `"shop_status"` for an enum type.
	Type string `json:"type"`
	// Width is the number of bits of a Bits column.
	Width int `json:"width,omitempty"`
	// Labels are the labels of an Enum or Set, in definition order.
	Labels []string `json:"labels,omitempty"`
	// AsText says that a Set is stored as one comma-joined string and not as an array.
	AsText bool `json:"as_text,omitempty"`
	// NotNull is the target column's constraint.
	NotNull bool `json:"not_null,omitempty"`
	// Computed columns are computed by the target (generated, stored).
	Computed bool `json:"computed,omitempty"`
	// Policy names what to do with values that the target cannot hold as they are.
	Policy ValuePolicy `json:"policy"`
	// Mask, if set, replaces the values for a rehearsal.
	Mask *Mask `json:"mask,omitempty"`
}

// ValuePolicy is what happens to values that cannot arrive exactly. The zero
// value refuses all of them.
type ValuePolicy struct {
	// ZeroDate governs zero and partial dates ('0000-00-00', '2024-00-15').
	ZeroDate Action `json:"zero_date,omitempty"`
	// NUL governs U+0000 inside text, for targets that cannot store it.
	NUL Action `json:"nul,omitempty"`
	// JSONDuplicate governs objects with a key twice.
	JSONDuplicate Action `json:"json_duplicate,omitempty"`
	// EmptyEnum governs the '' (index 0) that MySQL stores for an invalid label.
	EmptyEnum Action `json:"empty_enum,omitempty"`
}

// Changes reports whether the policy may change a value.
func (p ValuePolicy) Changes() bool {
	if p.NUL == Keep {
		p.NUL = Refuse
	}
	return p != ValuePolicy{}
}

// Action is one policy's choice.
type Action string

// The actions. Each policy allows some of them; convert.Policies.Validate says which.
const (
	Refuse Action = ""      // stop and name the table, the key and the column
	Null   Action = "null"  // store NULL
	Min    Action = "min"   // store 0001-01-01 (00:00:00)
	Strip  Action = "strip" // remove the NUL characters
	Last   Action = "last"  // keep the last of the duplicate keys
	Keep   Action = "keep"  // the target stores it as it is
)

// KeyColumns returns the columns of the key in key order; nil without a key.
func (m *Mapping) KeyColumns() []ColumnMapping {
	if len(m.Key) == 0 {
		return nil
	}
	out := make([]ColumnMapping, len(m.Key))
	for i, k := range m.Key {
		out[i] = m.Columns[k]
	}
	return out
}

// Listed is by how many of its leading columns the index behind the key lists the
// rows: none of a hash, and no further than to the first that it knows the beginning of.
func (m *Mapping) Listed() int {
	if m.Source == nil {
		return len(m.Key)
	}
	index := m.Source.Index(m.KeyIndex)
	switch {
	case index == nil:
		return len(m.Key)
	case index.Type == "HASH":
		return 0
	}
	if i := slices.IndexFunc(index.Parts, func(p KeyPart) bool { return p.Prefix > 0 }); i >= 0 {
		return i
	}
	return len(m.Key)
}

// Copied returns the columns that travel: all but the computed ones.
func (m *Mapping) Copied() []ColumnMapping {
	out := make([]ColumnMapping, 0, len(m.Columns))
	for _, c := range m.Columns {
		if !c.Computed {
			out = append(out, c)
		}
	}
	return out
}

// Fingerprint identifies the mapping: equal fingerprints mean that a copy begun
// under one may be continued under the other.
func (m *Mapping) Fingerprint() (string, error) {
	text, err := json.Marshal(m)
	if err != nil {
		return "", fmt.Errorf("fingerprint of %s: %w", m.Name, err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:12]), nil
}

// Severity says how serious a Finding is.
type Severity string

// The severities of findings.
const (
	Info    Severity = "info"    // arrives with the same meaning; good to know
	Warning Severity = "warning" // something besides the rows is lost or changes; the rows arrive
	Blocker Severity = "blocker" // the move is refused until it is resolved
)

// Finding is something that will not arrive as it was, found before the move.
type Finding struct {
	// Rule is the stable name of the rule that found it: "trigger-dropped".
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	// Object is what it is about: "accounts", "accounts.balance", "view v_totals".
	Object string `json:"object"`
	// Problem says what will happen; Advice what to do about it.
	Problem string `json:"problem"`
	Advice  string `json:"advice"`
}

// ID names the finding in plans: the rule and what it is about. It stays the
// same for as long as the source's names do.
func (f Finding) ID() string { return f.Rule + ":" + f.Object }
