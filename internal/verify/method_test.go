package verify

import (
	"testing"

	"leap/internal/schema"
)

func TestMethod(t *testing.T) {
	for _, test := range []struct {
		kind schema.Kind
		base string
		want Method
	}{
		{schema.Int, "bigint", Ranges},
		{schema.Int, "year", Buckets},
		{schema.Decimal, "bigint", Ranges},
		{schema.Date, "date", Ranges},
		{schema.DateTime, "datetime", Ranges},
		{schema.Timestamp, "timestamp", Ranges},
		{schema.Bytes, "varbinary", Ranges},
		{schema.Bytes, "binary", Ranges},
		{schema.Bytes, "blob", Buckets},
		{schema.Text, "varchar", Buckets},
		{schema.Enum, "enum", Buckets},
		{schema.Set, "set", Buckets},
		{schema.Bits, "bit", Buckets},
		{schema.UUID, "uuid", Buckets},
		{schema.Float64, "double", Buckets},
		{schema.Float32, "float", Buckets},
		{schema.Bool, "tinyint", Buckets},
		{schema.Time, "time", Buckets},
		{schema.Interval, "time", Buckets},
		{schema.INet, "inet6", Buckets},
		{schema.JSON, "json", Buckets},
	} {
		m := mapping(Ranges)
		m.Key = []int{0, 1}
		m.Columns[1].Kind, m.Columns[1].From.Base = test.kind, test.base
		if got := method(m); got != test.want {
			t.Errorf("%s of %s: %s, want %s", test.kind, test.base, got, test.want)
		}
	}
}

// TestMethodOfKeysOutOfOrder: ranges are not for keys that the source cannot go on
// in the middle of, nor for those whose values a policy moves.
func TestMethodOfKeysOutOfOrder(t *testing.T) {
	for name, change := range map[string]func(m *schema.Mapping, index *schema.Index){
		"beginnings": func(_ *schema.Mapping, index *schema.Index) { index.Parts[0].Prefix = 4 },
		"hash":       func(_ *schema.Mapping, index *schema.Index) { index.Type = "HASH" },
		"computed":   func(m *schema.Mapping, _ *schema.Index) { m.Columns[0].Computed = true },
		"policy":     func(m *schema.Mapping, _ *schema.Index) { m.Columns[0].Policy.ZeroDate = schema.Min },
	} {
		m := mapping(Ranges)
		m.KeyIndex = "PRIMARY"
		m.Source = &schema.Table{PrimaryKey: &schema.Index{Name: "PRIMARY", Type: "BTREE", Parts: []schema.KeyPart{{Column: "id"}}}}
		if got := method(m); got != Ranges {
			t.Fatalf("the key itself: %s", got)
		}
		change(m, m.Source.PrimaryKey)
		if got := method(m); got != Buckets {
			t.Errorf("%s: %s", name, got)
		}
	}
}
