package page

import (
	"html/template"
	"math"
	"strconv"

	"github.com/dustin/go-humanize"
)

// functions are what the template may call.
var functions = template.FuncMap{"ms": millis, "count": humanize.Comma, "sign": sign}

// millis writes milliseconds with three significant digits, which is what the
// histograms keep: 0.123, 1.23, 12.3, 123, 1,234.
func millis(ms float64) string {
	switch {
	case math.IsNaN(ms):
		return "–"
	case ms >= 1000:
		return humanize.Comma(int64(math.Round(ms)))
	case ms >= 99.95:
		return strconv.FormatFloat(ms, 'f', 0, 64)
	case ms >= 9.995:
		return strconv.FormatFloat(ms, 'f', 1, 64)
	case ms >= 0.9995:
		return strconv.FormatFloat(ms, 'f', 2, 64)
	}
	return strconv.FormatFloat(ms, 'f', 3, 64)
}

// sign goes before a verdict, so that nobody needs to see its colour.
func sign(verdict string) string {
	switch verdict {
	case "pass":
		return "✓"
	case "fail":
		return "✗"
	}
	return "?"
}
