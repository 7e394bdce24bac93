package damage

// Kind names a way to bend rows.
type Kind string

// The kinds of damage.
const (
	LastPlace     Kind = "one unit in the last place"
	Sign          Kind = "sign flipped"
	Bit           Kind = "one bit"
	ULP           Kind = "float by one ulp"
	ZeroSign      Kind = "sign of zero"
	LetterCase    Kind = "case of a letter"
	TrailingSpace Kind = "trailing space"
	TrailingZero  Kind = "trailing zero byte"
	CutShort      Kind = "last character lost"
	LookAlike     Kind = "look-alike letter"
	Normalisation Kind = "Unicode normalisation form"
	NullOrEmpty   Kind = "NULL for '', 0 or null, or back"
	Lost          Kind = "value became NULL"
	Second        Kind = "shifted by one second"
	Hour          Kind = "shifted by one hour"
	OtherLabel    Kind = "another label"
	JSONAsText    Kind = `JSON number 1 as "1"`
	JSONScale     Kind = "JSON number 1 as 1.0 (equal by definition)"
	SwapRows      Kind = "values swapped between rows"
	SwapColumns   Kind = "values swapped between columns"
	KeyChanged    Kind = "key changed"
	RowRemoved    Kind = "row removed"
	RowAdded      Kind = "row added"
	RowDuplicated Kind = "row duplicated"
	RowReplaced   Kind = "row replaced by a copy of another"
	Twins         Kind = "two equal rows for two others"
)

// Kinds lists all kinds of damage.
func Kinds() []Kind {
	return []Kind{
		LastPlace, Sign, Bit, ULP, ZeroSign, LetterCase, TrailingSpace, TrailingZero, CutShort, LookAlike,
		Normalisation, NullOrEmpty, Lost, Second, Hour, OtherLabel, JSONAsText, JSONScale, SwapRows, SwapColumns,
		KeyChanged, RowRemoved, RowAdded, RowDuplicated, RowReplaced, Twins,
	}
}

// needs says what a kind of damage takes, for those who could not plant it.
var needs = map[Kind]string{
	LastPlace:     "no column with a last place",
	Sign:          "no number other than 0",
	Bit:           "no column of bits or bytes with a value",
	ULP:           "no FLOAT or DOUBLE other than 0",
	ZeroSign:      "no FLOAT or DOUBLE that is 0",
	LetterCase:    "no text with a letter",
	TrailingSpace: "no text with room for a space",
	TrailingZero:  "no column of bytes",
	CutShort:      "no text or bytes with a value",
	LookAlike:     "no text with a letter that has a look-alike",
	Normalisation: "no text with a letter of two forms",
	NullOrEmpty:   "no nullable column with NULL, '' or 0",
	Lost:          "no nullable column with a value",
	Second:        "no column with a time",
	Hour:          "no column with a time",
	OtherLabel:    "no ENUM or SET with two labels",
	JSONAsText:    "no JSON document with a number",
	JSONScale:     "no JSON document with a whole number",
	SwapRows:      "no two rows with different values in a column",
	SwapColumns:   "no two columns of one type with different values",
	KeyChanged:    "no key, or none that can be changed",
	RowRemoved:    "no row",
	RowAdded:      "no key for a further row",
	RowDuplicated: "the primary key forbids a row twice",
	RowReplaced:   "no two rows that differ outside their key",
	Twins:         "no three rows that differ outside their key",
}
