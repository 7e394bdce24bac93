package verify

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"leap/internal/row"
	"leap/internal/schema"
)

// movingSides gives views of both sides, one after another, and counts their ends.
type movingSides struct {
	views [][2]*fakeEnd // source and target of each view; the last one stays
	taken int
	ended int
	fail  error // of the view after all views
}

func (s *movingSides) again(context.Context) (Ends, error) {
	if s.taken == len(s.views) && s.fail != nil {
		return Ends{}, s.fail
	}
	v := s.views[min(s.taken, len(s.views)-1)]
	s.taken++
	return Ends{Source: v[0], Target: v[1], Done: func() { s.ended++ }}, nil
}

func (s *movingSides) settle(active func(context.Context) (bool, error)) Config {
	return Config{RangeRows: 2, Settle: Settle{For: 20 * time.Millisecond, Active: active, Again: s.again}}
}

func writing(context.Context) (bool, error) { return true, nil }

func sides(source, target []row.Row) [2]*fakeEnd {
	return [2]*fakeEnd{newEnd(source...), newEnd(target...)}
}

// TestSettle: a row that arrives later is equal, one that stays as it was
// differs, and one that changes at every look is moving. The views that were
// opened are ended.
func TestSettle(t *testing.T) {
	source := numbered(1, 5)
	with := func(r row.Row) []row.Row { return append(numbered(1, 4), r) }
	for _, method := range []Method{Ranges, Buckets} {
		s := &movingSides{views: [][2]*fakeEnd{sides(source, source)}}
		r := mustCompare(t, mapping(method), newEnd(source...), newEnd(numbered(1, 4)...), s.settle(writing))
		if !r.Equal() || r.Settled != 1 || r.Total != 0 || r.Moving != 0 || s.ended != s.taken {
			t.Errorf("%s: what arrived: %+v, %d of %d views ended", method, r, s.ended, s.taken)
		}
		s = &movingSides{views: [][2]*fakeEnd{sides(source, numbered(1, 4))}}
		r = mustCompare(t, mapping(method), newEnd(source...), newEnd(numbered(1, 4)...), s.settle(writing))
		if r.Equal() || !r.Differs() || r.Total != 1 || r.Moving != 0 || r.Settled != 0 || r.Findings[0].Kind != Missing {
			t.Errorf("%s: what stays away: %+v", method, r)
		}
		s = &movingSides{views: [][2]*fakeEnd{sides(source, with(cells("5", "8", "b")))}}
		r = mustCompare(t, mapping(method), newEnd(source...), newEnd(with(cells("5", "7", "a"))...), s.settle(writing))
		if r.Equal() || r.Differs() || r.Total != 0 || r.Moving != 1 || !r.Findings[0].Moving || s.ended != s.taken {
			t.Errorf("%s: what moves: %+v, %d of %d views ended", method, r, s.ended, s.taken)
		}
	}
}

// TestSettleOfMoreThanIsListed: rows that only the target has are on their way like
// others, however few can be listed.
func TestSettleOfMoreThanIsListed(t *testing.T) {
	source := numbered(1, 5)
	with := func(first int) []row.Row { return append(numbered(1, 5), numbered(first, first+3)...) }
	s := &movingSides{views: [][2]*fakeEnd{sides(source, with(21))}}
	cfg := s.settle(writing)
	cfg.MaxFindings = 1
	r := mustCompare(t, mapping(Ranges), newEnd(source...), newEnd(with(11)...), cfg)
	if r.Differs() || r.Moving != 4 || len(r.Findings) != 1 {
		t.Errorf("%+v", r)
	}
}

// TestSettleFails: what cannot be looked at again is not checked; nobody calls
// it equal, nor different.
func TestSettleFails(t *testing.T) {
	broken := errors.New("no such view")
	unread := sides(numbered(1, 5), numbered(1, 5))
	unread[1].onScan = func(int) error { return broken }
	for name, s := range map[string]*movingSides{
		"view": {views: [][2]*fakeEnd{}, fail: broken}, "read": {views: [][2]*fakeEnd{unread}},
	} {
		r := mustCompare(t, mapping(Ranges), newEnd(numbered(1, 5)...), newEnd(numbered(1, 4)...), s.settle(writing))
		if r.Equal() || r.Compared || !strings.Contains(r.Unchecked, "no such view") || s.ended != s.taken {
			t.Errorf("%s: %+v, %d of %d views ended", name, r, s.ended, s.taken)
		}
	}
	s := &movingSides{views: [][2]*fakeEnd{sides(numbered(1, 5), numbered(1, 5))}}
	ask := func(context.Context) (bool, error) { return false, broken }
	r := mustCompare(t, mapping(Ranges), newEnd(numbered(1, 5)...), newEnd(numbered(1, 4)...), s.settle(ask))
	if r.Equal() || r.Unchecked == "" || s.taken > 0 {
		t.Errorf("nobody knows whether somebody writes: %+v", r)
	}
}

// TestSettleOnlyWhileSomebodyWrites: without writers the first look is the last.
func TestSettleOnlyWhileSomebodyWrites(t *testing.T) {
	s := &movingSides{views: [][2]*fakeEnd{sides(numbered(1, 5), numbered(1, 5))}}
	idle := func(context.Context) (bool, error) { return false, nil }
	r := mustCompare(t, mapping(Ranges), newEnd(numbered(1, 5)...), newEnd(numbered(1, 4)...), s.settle(idle))
	if r.Total != 1 || !r.Differs() || s.taken != 0 {
		t.Errorf("%+v after %d looks", r, s.taken)
	}
}

// TestSettleIsInterrupted: whoever stops the comparison does not wait for the rows.
func TestSettleIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := &movingSides{views: [][2]*fakeEnd{sides(numbered(1, 5), numbered(1, 4))}}
	cfg := s.settle(func(context.Context) (bool, error) {
		cancel()
		return true, nil
	})
	cfg.Settle.For = time.Hour
	_, err := Run(ctx, newEnd(numbered(1, 5)...), newEnd(numbered(1, 4)...), []*schema.Mapping{mapping(Ranges)}, cfg)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
