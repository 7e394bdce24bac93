package copy

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"leap/internal/checkpoint"
	"leap/internal/row"
)

// memStore runs the few statements of package checkpoint.
type memStore struct {
	c  *contents
	on func(query string) error // may be nil
}

func (s memStore) Exec(_ context.Context, query string, args ...any) (int64, error) {
	if s.on != nil {
		if err := s.on(query); err != nil {
			return 0, err
		}
	}
	words := strings.Fields(query)
	switch verb := words[0] + " " + strings.TrimPrefix(words[2], checkpoint.Schema+"."); verb {
	case "INSERT segment":
		for _, have := range s.c.segments {
			if have.Table == args[1] && have.ID == args[2] {
				return 0, stateError("23505")
			}
		}
		s.c.segments = append(s.c.segments, checkpoint.Segment{
			Table: args[1].(string), ID: args[2].(int), Range: row.Range{After: key(args[3]), UpTo: key(args[4])},
		})
	case "INSERT chunk":
		for _, have := range s.c.chunks {
			if slices.Equal(have.values[1:4], args[1:4]) {
				return 0, nil
			}
		}
		s.c.chunks = append(s.c.chunks, storedChunk{args})
	case "DELETE chunk":
		s.c.chunks = slices.DeleteFunc(s.c.chunks, func(c storedChunk) bool { return c.values[1] == args[1] })
	case "INSERT claim":
		id := checkpoint.SegmentID{Table: args[1].(string), Segment: args[2].(int)}
		if s.c.claims[id] != "" {
			return 0, nil
		}
		s.c.claims[id] = args[3].(string)
	case "INSERT import":
		s.c.imports[args[1].(string)] = args[2].(string)
	case "DELETE import":
		delete(s.c.imports, args[1].(string))
	case "DELETE clearing":
		delete(s.c.clearing, args[1].(string))
	default:
		return 0, fmt.Errorf("the fake does not know %q", verb)
	}
	return 1, nil
}

// key decodes the JSON of a bound; the tests' keys hold no quotes.
func key(bound any) row.Key {
	text, _ := bound.(*string)
	if text == nil {
		return nil
	}
	return strings.Split(strings.ReplaceAll(strings.Trim(*text, "[]"), `"`, ""), ",")
}

func boundText(k row.Key) *string {
	if k == nil {
		return nil
	}
	text := `["` + strings.Join(k, `","`) + `"]`
	return &text
}

func (s memStore) Each(_ context.Context, query string, args []any, fn func(scan func(...any) error) error) error {
	if s.on != nil {
		if err := s.on(query); err != nil {
			return err
		}
	}
	var out [][]any
	switch {
	case strings.Contains(query, ".lease"):
		out = [][]any{{}} // the job is held
	case strings.Contains(query, ".member"):
		if !s.c.gone[args[1].(string)] {
			out = [][]any{{}}
		}
	case strings.HasPrefix(query, "SELECT table_name, segment, owner"):
		for id, owner := range s.c.claims {
			out = append(out, []any{id.Table, id.Segment, owner})
		}
	case strings.Contains(query, ".claim"):
		if s.c.claims[checkpoint.SegmentID{Table: args[2].(string), Segment: args[3].(int)}] == args[1] {
			out = [][]any{{}}
		}
	case strings.HasPrefix(query, "SELECT seq"):
		for _, c := range s.c.chunks {
			if slices.Equal(c.values[1:3], args[1:3]) && (out == nil || c.values[3].(int) > out[0][0].(int)) {
				out = [][]any{{c.values[3], c.values[4], c.values[5], c.values[6]}}
			}
		}
	case strings.HasPrefix(query, "SELECT coalesce(sum(row_count)"):
		rows, bytes := int64(0), int64(0)
		for _, c := range s.c.chunks {
			if slices.Equal(c.values[1:3], args[1:3]) {
				rows, bytes = rows+c.values[7].(int64), bytes+c.values[8].(int64)
			}
		}
		out = [][]any{{rows, bytes}}
	case strings.Contains(query, ".segment"):
		for _, g := range s.c.segments {
			out = append(out, []any{g.Table, g.ID, boundText(g.Range.After), boundText(g.Range.UpTo)})
		}
	case strings.Contains(query, ".import"):
		for name, mark := range s.c.imports {
			out = append(out, []any{name, mark})
		}
	case strings.Contains(query, ".clearing"):
		for name := range s.c.clearing {
			out = append(out, []any{name})
		}
	case strings.HasPrefix(query, "SELECT after_key"):
		for _, c := range s.c.chunks {
			if slices.Equal(c.values[1:4], args[1:4]) {
				out = append(out, []any{c.values[4], c.values[5], c.values[7], c.values[8]})
			}
		}
	case strings.Contains(query, ".chunk"):
		for _, c := range s.c.chunks {
			out = append(out, c.values[1:])
		}
		slices.SortFunc(out, func(a, b []any) int {
			return cmp.Or(cmp.Compare(a[0].(string), b[0].(string)), cmp.Compare(a[1].(int), b[1].(int)), cmp.Compare(a[2].(int), b[2].(int)))
		})
	default:
		return fmt.Errorf("the fake does not know %q", query)
	}
	for _, values := range out {
		err := fn(func(dest ...any) error {
			for i := range dest {
				reflect.ValueOf(dest[i]).Elem().Set(reflect.ValueOf(values[i]))
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
