package copy

import (
	"encoding/json"
	"fmt"

	"leap/internal/checkpoint"
	"leap/internal/fault"
	"leap/internal/mask"
	"leap/internal/row"
	"leap/internal/schema"
)

// seals hide the keys of masked columns, by source table: ranges are in the keys
// of the source, and the checkpoint lies in the target, where nobody is to see them.
type seals map[string]*mask.Seal

// sealsOf returns the seals of the tables whose ranges are in masked columns.
func sealsOf(mappings []*schema.Mapping, orderKey func(*schema.Mapping) []schema.ColumnMapping) seals {
	out := seals{}
	for _, m := range mappings {
		for _, c := range orderKey(m) {
			if c.Mask != nil {
				out[m.SourceName] = mask.NewSeal(c.Mask.Key)
			}
		}
	}
	return out
}

// close returns a range as the checkpoint keeps it.
func (s seals) close(table string, r row.Range) (row.Range, error) {
	return s.bounds(table, r, func(seal *mask.Seal, k row.Key) (row.Key, error) {
		text, err := json.Marshal(k)
		if err != nil {
			return nil, fmt.Errorf("encode key: %w", err)
		}
		return row.Key{seal.Close(text)}, nil
	})
}

// open returns a range as it was closed.
func (s seals) open(table string, r row.Range) (row.Range, error) {
	return s.bounds(table, r, func(seal *mask.Seal, k row.Key) (out row.Key, err error) {
		text, err := seal.Open(k[0])
		if err != nil {
			return nil, fault.Wrap(fault.Refused, "versions before this one did not seal keys that are masked: to copy anew, drop the tables and the schema "+
				checkpoint.Schema+" in the target and start again", fmt.Errorf("key of %s in the checkpoint: %w", table, err))
		}
		if err = json.Unmarshal(text, &out); err != nil {
			return nil, fmt.Errorf("key of %s in the checkpoint: %w", table, err)
		}
		return out, nil
	})
}

// bounds changes the keys of a range of a table that has a seal.
func (s seals) bounds(table string, r row.Range, change func(*mask.Seal, row.Key) (row.Key, error)) (row.Range, error) {
	seal := s[table]
	if seal == nil {
		return r, nil
	}
	for _, k := range []*row.Key{&r.After, &r.UpTo} {
		if *k == nil {
			continue
		}
		var err error
		if *k, err = change(seal, *k); err != nil {
			return r, err
		}
	}
	return r, nil
}

// closeAll and openAll do so for the segments of one table.
func (s seals) closeAll(segments []checkpoint.Segment) ([]checkpoint.Segment, error) {
	return s.each(segments, s.close)
}

func (s seals) openAll(segments []checkpoint.Segment) ([]checkpoint.Segment, error) {
	return s.each(segments, s.open)
}

func (seals) each(segments []checkpoint.Segment, fn func(string, row.Range) (row.Range, error)) ([]checkpoint.Segment, error) {
	out := make([]checkpoint.Segment, len(segments))
	for i, seg := range segments {
		var err error
		if seg.Range, err = fn(seg.Table, seg.Range); err != nil {
			return nil, err
		}
		out[i] = seg
	}
	return out, nil
}
