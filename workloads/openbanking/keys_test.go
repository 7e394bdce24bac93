package openbanking

import (
	"testing"

	"leap/internal/txn"
	"leap/workloads"
)

// testKnown looks calls up that were made, and one of each kind that was not.
func testKnown(t *testing.T, _ rig, pool *txn.Pool) {
	traffic := trafficOf(t, pool, "")
	keyed := traffic.(workloads.Keyed) //nolint:forcetypeassert // it is
	for seq, op := range []string{"payment_submit", "vrp_submit", "payment_settle", "payment_consent", "consent_create"} {
		call := workloads.Call{Seq: 15<<40 + uint64(seq), Op: op, Dice: workloads.NewDice(settings.Seed, 15<<40+uint64(seq))}
		for _, done := range []bool{false, true} {
			if known, err := keyed.Known(t.Context(), pool.Pool(), call); err != nil || known != done {
				t.Errorf("%s, done: %v, known: %v, %v", op, done, known, err)
			}
			session := pool.Session()
			if err := traffic.Do(t.Context(), session, call); !done && err != nil {
				t.Errorf("%s: %v", op, err)
			}
			session.Close()
		}
	}
}

// testLate: a statement in doubt is executed only after it was asked for, as by a
// server that stood still. What was said of it stays true.
func testLate(t *testing.T, _ rig, pool *txn.Pool) {
	const seq = 17 << 40
	traffic, session := trafficOf(t, pool, ""), pool.Session()
	defer session.Close()
	call := workloads.Call{Seq: seq, Op: "consent_create", Dice: workloads.NewDice(settings.Seed, seq)}
	said, err := traffic.Resolve(t.Context(), session, call)
	if err != nil {
		t.Fatal(err)
	}
	_ = traffic.Do(t.Context(), session, call) // nobody waits for its answer
	session.Take()
	if again, err := traffic.Resolve(t.Context(), session, call); err != nil || again != said {
		t.Errorf("it was %s, and is %s: %v", said, again, err)
	}
	if failures := session.Take().Failures; len(failures) > 0 {
		t.Errorf("asking again is booked as attempts that failed: %+v", failures)
	}
	if bad := findings(t, pool, &outcome{receipts: []workloads.Receipt{{Seq: seq, Op: call.Op, Outcome: said}}}); len(bad) > 0 {
		t.Errorf("it was %s: %+v", said, bad)
	}
}
