package e2e

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/big"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// plainForm turns what a query printed into the form in which equal values
// are equal strings.
type plainForm = func(sql.NullString) (string, error)

func (c *cells) add(expr string, plain plainForm) {
	c.exprs = append(c.exprs, expr)
	c.plain = append(c.plain, plain)
}

// longBytes is the length from which a value is compared by its hash, computed
// on the source by the server.
const longBytes = 64 << 10

// sourceCell adds the source's expression for a column.
func sourceCell(c *cells, from, to column) {
	name := mysqlName(from.name)
	switch from.typ {
	case "tinyint", "smallint", "mediumint", "int", "bigint", "year":
		cast := "SIGNED"
		if strings.Contains(from.full, "unsigned") || from.typ == "year" {
			cast = "UNSIGNED" // without it ZEROFILL prints its zeros
		}
		c.add("CAST("+name+" AS "+cast+")", rational)
	case "decimal":
		c.add("CAST("+name+" AS CHAR)", rational)
	case "float":
		// Multiplying makes it a double, which prints exactly;
		// FLOAT itself prints six digits only.
		c.add(name+" * 1e0", float32Bits)
	case "double":
		c.add(name+" * 1e0", float64Bits)
	case "bit":
		c.add(fmt.Sprintf("LPAD(BIN(CAST(%s AS UNSIGNED)), %d, '0')", name, from.bits), same)
	case "date", "datetime", "timestamp":
		c.add("CAST("+name+" AS CHAR)", moment)
	case "time":
		c.add("CAST("+name+" AS CHAR)", duration)
	case "set":
		c.add(fmt.Sprintf("CONCAT(BIT_COUNT(%[1]s), ':', %[1]s)", name), setOf(to))
	case "uuid", "inet4", "inet6":
		c.add("CAST("+name+" AS CHAR)", addressOr(from))
	case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob",
		"geometry", "point", "linestring", "polygon", "multipoint":
		c.add(hexOrHash(name), same)
	default: // text, ENUM, JSON
		plain := same
		if to.typ == "jsonb" {
			plain = jsonFromHex
		}
		c.add(hexOrHash("CONVERT("+name+" USING utf8mb4)"), plain)
	}
}

func hexOrHash(expr string) string {
	return fmt.Sprintf("IF(LENGTH(%[1]s) > %[2]d, CONCAT(LENGTH(%[1]s), ' bytes ', SHA2(%[1]s, 256)), LOWER(HEX(%[1]s)))", expr, longBytes)
}

// targetCell adds the target's expression for a column, chosen by the type
// that the column has there.
func targetCell(c *cells, from, to column) {
	name := sqlName(to.name)
	switch from.typ {
	case "tinyint", "smallint", "mediumint", "int", "bigint", "year":
		if to.typ == "boolean" {
			name += "::INT"
		}
		c.add(name+"::TEXT", rational)
	case "decimal":
		c.add(name+"::TEXT", rational)
	case "float":
		c.add(name+"::TEXT", float32Bits)
	case "double":
		c.add(name+"::TEXT", float64Bits)
	case "bit":
		c.add(name+"::TEXT", same)
	case "timestamp":
		c.add("("+name+" AT TIME ZONE 'UTC')::TEXT", moment)
	case "date", "datetime":
		c.add(name+"::TEXT", moment)
	case "time":
		c.add(name+"::TEXT", duration)
	case "set":
		if to.typ == "array" {
			name = fmt.Sprintf("COALESCE(array_length(%[1]s, 1), 0)::TEXT || ':' || array_to_string(%[1]s, ',')", name)
		}
		c.add(name, same)
	case "uuid", "inet4", "inet6":
		c.add(name+"::TEXT", addressOr(from))
	case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob",
		"geometry", "point", "linestring", "polygon", "multipoint":
		// encode is not ours and the same on both targets.
		c.add("encode("+name+", 'hex')", hexHash)
	default:
		plain := textHash
		if to.typ == "jsonb" {
			plain = jsonText
		}
		c.add(name+"::TEXT", plain)
	}
}

func same(v sql.NullString) (string, error) { return v.String, nil }

// setOf is for a SET on the source: with its number of labels when the target
// has an array, without when it has a string.
func setOf(to column) plainForm {
	return func(v sql.NullString) (string, error) {
		if to.typ == "array" {
			return v.String, nil
		}
		_, labels, _ := strings.Cut(v.String, ":")
		return labels, nil
	}
}

func rational(v sql.NullString) (string, error) {
	r, ok := new(big.Rat).SetString(v.String)
	if !ok {
		return v.String, fmt.Errorf("%q is no number", v.String)
	}
	return r.RatString(), nil
}

func float32Bits(v sql.NullString) (string, error) {
	// Through a double: the source prints the double that equals the float,
	// and a target may keep more digits than a float has.
	f, err := strconv.ParseFloat(v.String, 64)
	f += 0 // the source prints no sign before zero
	return fmt.Sprintf("%08x = %v", math.Float32bits(float32(f)), float32(f)), err
}

func float64Bits(v sql.NullString) (string, error) {
	f, err := strconv.ParseFloat(v.String, 64)
	f += 0 // the source prints no sign before zero
	return fmt.Sprintf("%016x = %v", math.Float64bits(f), f), err
}

// moment drops what does not matter: zeros at the end of the fraction.
func moment(v sql.NullString) (string, error) {
	whole, fraction, _ := strings.Cut(v.String, ".")
	if fraction = strings.TrimRight(fraction, "0"); fraction != "" {
		whole += "." + fraction
	}
	return whole, nil
}

// duration reads "-838:59:59.5" or "1 day 02:00:00" as microseconds.
func duration(v sql.NullString) (string, error) {
	var micros int64
	clock := v.String
	if days, rest, ok := strings.Cut(clock, " day"); ok {
		n, err := strconv.ParseInt(days, 10, 64)
		if err != nil {
			return clock, err
		}
		micros, clock = n*24*3600*1e6, strings.TrimSpace(strings.TrimPrefix(rest, "s"))
	}
	sign := int64(1)
	if rest, ok := strings.CutPrefix(clock, "-"); ok {
		sign, clock = -1, rest
	}
	whole, fraction, _ := strings.Cut(clock, ".")
	var h, m, s int64
	if clock != "" {
		if _, err := fmt.Sscanf(whole, "%d:%d:%d", &h, &m, &s); err != nil {
			return v.String, fmt.Errorf("%q is no time: %w", v.String, err)
		}
	}
	part, err := strconv.ParseInt((fraction + "000000")[:6], 10, 64)
	micros += sign * ((h*3600+m*60+s)*1e6 + part)
	return strconv.FormatInt(micros, 10), err
}

// addressOr normalises network addresses and leaves UUIDs alone.
func addressOr(from column) plainForm {
	if from.typ == "uuid" {
		return same
	}
	return func(v sql.NullString) (string, error) {
		text := strings.TrimSuffix(strings.TrimSuffix(v.String, "/128"), "/32")
		addr, err := netip.ParseAddr(text)
		return addr.String(), err
	}
}

func textHash(v sql.NullString) (string, error) { return shorten([]byte(v.String)), nil }

func hexHash(v sql.NullString) (string, error) {
	raw, err := hex.DecodeString(v.String)
	return shorten(raw), err
}

func shorten(raw []byte) string {
	if len(raw) > longBytes {
		return fmt.Sprintf("%d bytes %x", len(raw), sha256.Sum256(raw))
	}
	return hex.EncodeToString(raw)
}

func jsonFromHex(v sql.NullString) (string, error) {
	raw, err := hex.DecodeString(v.String)
	if err != nil {
		return v.String, err
	}
	return jsonText(sql.NullString{String: string(raw), Valid: true})
}

// jsonText prints JSON by meaning: keys sorted, numbers as fractions.
func jsonText(v sql.NullString) (string, error) {
	decoder := json.NewDecoder(strings.NewReader(v.String))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return v.String, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return v.String, fmt.Errorf("more than one JSON value in %q", v.String)
	}
	var out bytes.Buffer
	err := writeJSON(&out, value)
	return out.String(), err
}

func writeJSON(out *bytes.Buffer, value any) error {
	switch value := value.(type) {
	case json.Number:
		r, ok := new(big.Rat).SetString(value.String())
		if !ok {
			return fmt.Errorf("%q is no number", value)
		}
		out.WriteString(r.RatString())
	case []any:
		out.WriteByte('[')
		for _, element := range value {
			if err := writeJSON(out, element); err != nil {
				return err
			}
			out.WriteByte(',')
		}
		out.WriteByte(']')
	case map[string]any:
		out.WriteByte('{')
		for _, key := range slices.Sorted(maps.Keys(value)) {
			fmt.Fprintf(out, "%q:", key)
			if err := writeJSON(out, value[key]); err != nil {
				return err
			}
			out.WriteByte(',')
		}
		out.WriteByte('}')
	case string:
		fmt.Fprintf(out, "%q", value)
	default: // null, true, false
		fmt.Fprint(out, value)
	}
	return nil
}
