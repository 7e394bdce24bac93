package migrate

import (
	"testing"
	"time"

	"leap/internal/checkpoint"
)

// TestVigil: only silence that was witnessed counts.
func TestVigil(t *testing.T) {
	start := time.Date(2026, 11, 25, 2, 0, 0, 0, time.UTC)
	other := checkpoint.Member{Lease: checkpoint.Lease{Owner: "other", Host: "elsewhere", PID: 1}}
	for name, x := range map[string]struct {
		// looks are the seconds at which we look, beats the last beat that we see then.
		looks, beats []int
		forget       int // the look after which the target was away; -1 for never
		dead         bool
	}{
		"it beats":                {looks: []int{0, 2, 4, 6, 8, 10, 12}, beats: []int{0, 2, 4, 6, 8, 10, 12}, forget: -1},
		"it is silent":            {looks: []int{0, 2, 4, 6, 8, 10, 12}, beats: []int{0, 0, 0, 0, 0, 0, 0}, forget: -1, dead: true},
		"not yet":                 {looks: []int{0, 2, 4, 6, 8, 10}, beats: []int{0, 0, 0, 0, 0, 0}, forget: -1},
		"seen late":               {looks: []int{100, 102}, beats: []int{0, 0}, forget: -1},
		"we slept":                {looks: []int{0, 2, 60, 62}, beats: []int{0, 0, 0, 0}, forget: -1},
		"the target was away":     {looks: []int{0, 2, 4, 6, 8, 10, 12}, beats: []int{0, 0, 0, 0, 0, 0, 0}, forget: 4},
		"it was late, and back":   {looks: []int{0, 2, 4, 6, 8, 10, 12}, beats: []int{0, 0, 0, 0, 0, 9, 9}, forget: -1},
		"dead after the outage":   {looks: []int{0, 2, 4, 6, 8, 10, 12, 14}, beats: []int{0, 0, 0, 0, 0, 0, 0, 0}, forget: 0, dead: true},
		"silent after many beats": {looks: []int{0, 2, 4, 6, 8, 10, 12, 14}, beats: []int{0, 2, 2, 2, 2, 2, 2, 2}, forget: -1, dead: true},
	} {
		v := vigil{own: checkpoint.Lease{Host: "here"}}
		var now time.Time
		for i, at := range x.looks {
			now = start.Add(time.Duration(at) * time.Second)
			other.Beat = start.Add(time.Duration(x.beats[i]) * time.Second)
			v.look([]checkpoint.Member{other}, now)
			if i == x.forget {
				v.forget()
			}
		}
		if got := v.dead(other, now); got != x.dead {
			t.Errorf("%s: dead is %v", name, got)
		}
	}
}

// TestArrival: one who shows life is a reason to go, one who is new is not yet.
func TestArrival(t *testing.T) {
	member := func(owner string, silent time.Duration) checkpoint.Member {
		return checkpoint.Member{Lease: checkpoint.Lease{Owner: owner}, Silent: silent}
	}
	var a arrival
	for i, x := range []struct {
		others []checkpoint.Member
		fresh  int
		refuse bool
	}{
		{others: []checkpoint.Member{member("a", 3*time.Second)}, fresh: 1},
		{others: []checkpoint.Member{member("a", 4*time.Second), member("b", time.Second)}, fresh: 1},
		{others: []checkpoint.Member{member("a", 5*time.Second), member("b", 0)}, refuse: true},
	} {
		if err := a.refuse(x.others); (err != nil) != x.refuse {
			t.Errorf("look %d: %v", i, err)
		}
		if fresh := a.unknown(x.others); len(fresh) != x.fresh {
			t.Errorf("look %d: new are %v", i, fresh)
		}
	}
}
