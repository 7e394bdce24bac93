package e2e

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
)

// floatSeed makes the random floats the same in every run.
const floatSeed = 20201026

func numberFamilies() []family {
	return []family{integers(), decimals(), floats(), cutFloats(), bits()}
}

func integers() family {
	f := family{table: "integers"}
	for _, kind := range []struct {
		name, signed, unsigned string
		bits                   int
	}{
		{"TINYINT", "smallint", "smallint", 8},
		{"SMALLINT", "smallint", "integer", 16},
		{"MEDIUMINT", "integer", "integer", 24},
		{"INT", "integer", "bigint", 32},
		{"BIGINT", "bigint", "numeric(20,0)", 64},
	} {
		lowest, highest := fmt.Sprint(math.MinInt64>>(64-kind.bits)), fmt.Sprint(math.MaxInt64>>(64-kind.bits))
		most := strconv.FormatUint(math.MaxUint64>>(64-kind.bits), 10)
		name := strings.ToLower(kind.name)
		f.columns = append(f.columns,
			typed{name, kind.name, kind.signed, []string{lowest, highest, "0", "-1", "1", "42"}},
			typed{name + "_u", kind.name + " UNSIGNED", kind.unsigned, []string{"0", most, "1", highest, strconv.FormatUint(math.MaxInt64>>(64-kind.bits)+1, 10), "10"}},
			typed{name + "_z", kind.name + " ZEROFILL", kind.unsigned, []string{"0", most, "1", "7"}})
	}
	f.columns = append(f.columns,
		typed{"tinyint1", "TINYINT(1)", "smallint", []string{"0", "1", "2", "-128", "127"}},
		typed{"bool", "BOOLEAN", "smallint", []string{"TRUE", "FALSE"}},
		typed{"int3z", "INT(3) ZEROFILL", "bigint", []string{"5", "12345"}},
		typed{"serial", "BIGINT UNSIGNED UNIQUE", "numeric(20,0)", []string{"1", "18446744073709551615", "9223372036854775808", "10000000000000000000"}})
	return f
}

func decimals() family {
	nines := func(whole, fraction int) string {
		text := strings.Repeat("9", whole)
		if fraction > 0 {
			text += "." + strings.Repeat("9", fraction)
		}
		return text
	}
	f := family{table: "decimals"}
	for _, kind := range []struct{ p, s int }{{65, 30}, {65, 0}, {38, 10}, {1, 1}, {1, 0}, {10, 2}, {30, 30}, {18, 8}} {
		most := nines(kind.p-kind.s, kind.s)
		least := "1"
		if kind.s > 0 {
			least = "0." + strings.Repeat("0", kind.s-1) + "1"
		}
		f.columns = append(f.columns, typed{
			fmt.Sprintf("d%d_%d", kind.p, kind.s), fmt.Sprintf("DECIMAL(%d,%d)", kind.p, kind.s),
			fmt.Sprintf("numeric(%d,%d)", kind.p, kind.s),
			[]string{most, "-" + most, "0", least, "-" + least, "-0"},
		})
	}
	f.columns = append(f.columns,
		typed{"d_u", "DECIMAL(12,4) UNSIGNED", "numeric(12,4)", []string{"0", "99999999.9999", "0.1000", "100"}},
		typed{"d_z", "DECIMAL(9,3) ZEROFILL", "numeric(9,3)", []string{"0", "1.5", "999999.999"}})
	return f
}

func floats() family {
	singles := []string{
		"16777216", "16777217", "1.17549435e-38", "3.4028235e38", "-3.4028235e38", "'-0'", "0", "0.1", "1e-45", "1.5", "8388608.5", "123456.7",
	}
	doubles := []string{
		"1.7976931348623157e308", "2.2250738585072014e-308", "5e-324", "'-0'", "0", "0.1", "9007199254740993", "1e15", "1e16", "1e21",
		"0.30000000000000004", "-123456789.123456789",
	}
	random := rand.New(rand.NewPCG(floatSeed, 1))
	for len(singles) < 300 {
		if f := math.Float32frombits(random.Uint32()); !math.IsNaN(float64(f)) && !math.IsInf(float64(f), 0) {
			singles = append(singles, strconv.FormatFloat(float64(f), 'e', -1, 32))
		}
		if f := math.Float64frombits(random.Uint64()); !math.IsNaN(f) && !math.IsInf(f, 0) {
			doubles = append(doubles, strconv.FormatFloat(f, 'e', -1, 64))
		}
	}
	return family{table: "floats", columns: []typed{
		{"f", "FLOAT", "real", singles},
		{"d", "DOUBLE", "double precision", doubles},
		{"f_u", "FLOAT UNSIGNED", "real", []string{"0", "1e10", "3.25"}},
	}}
}

// cutFloats are DOUBLE(m,d): the source stores doubles that have more digits
// than it shows, such as -0.00009999999999998899 for -0.0001.
func cutFloats() family {
	return family{table: "cut_floats", columns: []typed{
		{"f_p", "FLOAT(7,3)", "real", []string{"1234.567", "-0.001", "9999.999"}},
		{"d_p", "DOUBLE(15,4)", "double precision", []string{"12345678901.2345", "-0.0001", "0.1"}},
	}}
}

func bits() family {
	f := family{table: "bits"}
	for _, n := range []int{1, 7, 8, 10, 63, 64} {
		f.columns = append(f.columns, typed{
			fmt.Sprintf("b%d", n), fmt.Sprintf("BIT(%d)", n), fmt.Sprintf("bit(%d)", n),
			[]string{"b'0'", "b'1'", "b'" + strings.Repeat("1", n) + "'", "b'1" + strings.Repeat("0", n-1) + "'"},
		})
	}
	return f
}
