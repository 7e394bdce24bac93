package copy

import (
	"bytes"
	"context"
	"errors"

	"leap/internal/fault"
	"leap/internal/row"
	"leap/internal/schema"
)

// locate finds the row of a chunk that the server refused and says which it
// is. Servers name a line at best, so it halves: the shortest refused prefix
// ends in the row. Every attempt is rolled back.
func (j *job) locate(ctx context.Context, t *table, data []byte, cause error) error {
	ends := lineEnds(data)
	if err := j.dst.Try(ctx, t.mapping, data); err == nil {
		return cause // it was not a row that was refused: none may be blamed
	} else if !isDataError(err) {
		return errors.Join(cause, err)
	}
	low, high := 0, len(ends)-1 // the refused row is in ends[low..high]
	for low < high {
		middle := (low + high) / 2
		if err := j.dst.Try(ctx, t.mapping, data[:ends[middle]]); err != nil {
			if !isDataError(err) {
				return errors.Join(cause, err)
			}
			high = middle
		} else {
			low = middle + 1
		}
	}
	start := 0
	if low > 0 {
		start = ends[low-1]
	}
	line := bytes.TrimSuffix(data[start:ends[low]], []byte("\n"))
	return fault.Wrap(fault.Refused,
		"correct the row on the source, then run again: finished chunks are kept",
		&rowError{key: lineKey(t.mapping, line), err: cause})
}

// rowError names the row that a server refused.
type rowError struct {
	key string
	err error
}

func (e *rowError) Error() string {
	return "the target refuses the row with key " + e.key + ": " + e.err.Error()
}
func (e *rowError) Unwrap() error { return e.err }

func lineEnds(data []byte) []int {
	var ends []int
	for i, b := range data {
		if b == '\n' {
			ends = append(ends, i+1)
		}
	}
	return ends
}

// lineKey shows the key columns of a line of COPY text, as they are written there.
func lineKey(m *schema.Mapping, line []byte) string {
	fields := bytes.Split(line, []byte("\t"))
	var key row.Key
	for _, k := range m.KeyColumns() {
		for i, c := range m.Copied() {
			if c.Name == k.Name && i < len(fields) {
				key = append(key, string(fields[i]))
			}
		}
	}
	return key.String()
}
