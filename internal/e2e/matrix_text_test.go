package e2e

import (
	"fmt"
	"strings"
	"testing"

	"leap/internal/sandbox"
)

// awkwardTexts are strings that encodings, quoting and trimming get wrong.
var awkwardTexts = []string{
	"", " ", "  lead", "trail  ", "NULL", `\N`, `\.`, "\\", `\\`, `a\tb`, "tab\there", "new\nline", "cr\rlf\r\n",
	`quote"d`, "it's", "back`tick", "a,b;c|d", "{a,b}", "%s %d", "$1", "?", "\x01\x08\x0b\x0c\x1b\x7f",
	"Übergrößenträger", "émile (NFC)", "e\u0301mile (NFD)", "😀🏳️‍🌈", "数据库", "שלום", "\u200b\ufeff", "\u00a0nbsp", "\uffff", "\U0010ffff",
	"0x41", `\x41`, "'; DROP TABLE x; --", "true", "1e10", "a\x1fb", "--", "\u2028",
}

func textFamilies(t *testing.T, source *sandbox.Server) []family {
	t.Helper()
	var values []string
	for _, text := range awkwardTexts {
		values = append(values, mysqlText(text))
	}
	texts := family{table: "texts", columns: []typed{
		{"vc", "VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "character varying(100)", values},
		{"vc_ci", "VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci", "character varying(100)", values},
		{"ch", "CHAR(100) CHARACTER SET utf8mb4", "character varying(100)", values},
		{"tiny", "TINYTEXT CHARACTER SET utf8mb4", "text", values},
		{"tx", "TEXT CHARACTER SET utf8mb4", "text", values},
		{"medium", "MEDIUMTEXT CHARACTER SET utf8mb4", "text", values},
		{"lng", "LONGTEXT CHARACTER SET utf8mb4", "text", values},
		{"full", "VARCHAR(3) CHARACTER SET utf8mb4", "character varying(3)", []string{mysqlText("😀😀😀"), mysqlText("abc")}},
	}}
	return []family{texts, singleBytes(t, source), manyBytes(t, source)}
}

func repeated(value string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = value
	}
	return all
}

// singleBytes has a row per byte in character sets of one byte, except for the
// bytes that stand for no character.
func singleBytes(t *testing.T, source *sandbox.Server) family {
	t.Helper()
	f := family{table: "single_bytes"}
	for _, set := range []struct{ name, collation string }{
		{"latin1", "latin1_swedish_ci"},
		{"latin1", "latin1_bin"},
		{"cp1250", "cp1250_general_ci"},
		{"cp1250", "cp1250_bin"},
		{"cp1251", "cp1251_general_ci"},
		{"cp1251", "cp1251_bin"},
		{"latin2", "latin2_general_ci"},
		{"latin2", "latin2_bin"},
		{"ascii", "ascii_bin"},
	} {
		var literals []string
		for b := 0x20; b <= 0xff; b++ {
			if set.name != "ascii" || b < 0x80 {
				literals = append(literals, fmt.Sprintf("_%s X'%02X'", set.name, b))
			}
		}
		f.columns = append(f.columns, typed{
			set.collation, fmt.Sprintf("VARCHAR(4) CHARACTER SET %s COLLATE %s", set.name, set.collation),
			"character varying(4)", mappable(t, source, literals),
		})
	}
	return f
}

// manyBytes has characters of the sets that take several bytes.
func manyBytes(t *testing.T, source *sandbox.Server) family {
	t.Helper()
	f := family{table: "many_bytes"}
	samples := []string{
		"plain", "数据库迁移", "日本語テスト", "ｶﾀｶﾅ", "€uro", "Ωmega", "Привет", "表示申", "a\\b", "~", "Ａ", "～", "―", "ソ噂", "é", "ABC", "", "①②", "한국어",
	}
	for _, set := range []struct{ name, collation string }{
		{"gbk", "gbk_chinese_ci"},
		{"gbk", "gbk_bin"},
		{"sjis", "sjis_japanese_ci"},
		{"sjis", "sjis_bin"},
		{"cp932", "cp932_bin"},
		{"utf8mb3", "utf8mb3_general_ci"},
		{"utf8mb3", "utf8mb3_bin"},
		{"ucs2", "ucs2_general_ci"},
		{"ucs2", "ucs2_bin"},
		{"utf16", "utf16_general_ci"},
		{"utf32", "utf32_bin"},
		{"big5", "big5_bin"},
		{"euckr", "euckr_bin"},
		{"ujis", "ujis_bin"},
	} {
		var literals []string
		for _, text := range samples {
			literals = append(literals, fmt.Sprintf("CONVERT(%s USING %s)", mysqlText(text), set.name))
		}
		f.columns = append(f.columns, typed{
			set.collation, fmt.Sprintf("VARCHAR(12) CHARACTER SET %s COLLATE %s", set.name, set.collation),
			"character varying(12)", literals,
		})
	}
	// Second bytes of these sets include the backslash and the quote's
	// neighbours: all pairs of a lead byte are the classic trap.
	for _, pair := range []struct{ name, lead string }{{"gbk", "81"}, {"gbk", "C4"}, {"sjis", "83"}, {"sjis", "95"}} {
		var literals []string
		for b := 0x40; b <= 0xfc; b++ {
			if b != 0x7f {
				literals = append(literals, fmt.Sprintf("_%s X'%s%02X'", pair.name, pair.lead, b))
			}
		}
		f.columns = append(f.columns, typed{
			pair.name + pair.lead, "VARCHAR(4) CHARACTER SET " + pair.name, "character varying(4)", mappable(t, source, literals),
		})
	}
	return f
}

// mappable keeps the literals that are a character of Unicode; the server
// makes a question mark of the others.
func mappable(t *testing.T, source *sandbox.Server, literals []string) []string {
	t.Helper()
	db := handle(t, source, "")
	var kept []string
	for _, literal := range literals {
		var text string
		err := db.QueryRowContext(t.Context(), "SELECT HEX(CONVERT("+literal+" USING utf8mb4))").Scan(&text)
		if err == nil && text != "" && (text != "3F" || strings.HasSuffix(literal, "X'3F'")) {
			kept = append(kept, literal)
		}
	}
	if len(kept) < len(literals)/2 {
		t.Errorf("only %d of %d characters can be used: %s...", len(kept), len(literals), literals[0])
	}
	return kept
}
