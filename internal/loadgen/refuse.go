package loadgen

import (
	"context"
	"fmt"

	"leap/internal/fault"
	"leap/workloads"
)

// looked is how many calls are looked up, and among how many of the first ones.
const looked, among = 20, 10_000

// refuseRepetition refuses a run whose first calls were made before, by one of
// the same name: the others are then known as well, and do nothing.
func (s *session) refuseRepetition(ctx context.Context) error {
	keyed, ok := s.work.traffic.(workloads.Keyed)
	if !ok {
		return nil
	}
	found := 0
	for k := uint64(0); k < among && found < looked; k++ {
		call := s.work.calls.At(s.Bench.Stripe.Seq(k))
		if !s.work.writes[s.work.index[call.Op]] {
			continue
		}
		found++
		known, err := keyed.Known(ctx, s.pool.Pool(), call)
		if err != nil {
			return fmt.Errorf("look for an earlier run of the name %s: %w", s.Settings.Run, err)
		}
		if known {
			return fault.New(fault.Usage, "give another --run, the same to all stripes",
				"a run named %s was here before: its operations would be repetitions, which do nothing", s.Settings.Run)
		}
	}
	return nil
}

// notLoaded says what to do about data that are missing or other ones.
func notLoaded(err *workloads.NotLoadedError) error {
	hint := "run loadgen init --workload " + err.Workload + " first"
	switch {
	case err.Partly:
		hint = "run the same loadgen init again: it goes on where it stopped"
	case err.Have != "":
		hint = "give --seed, --scale and --tenants as they were given to init, or run loadgen init --drop"
	}
	return fault.Wrap(fault.Usage, hint, err)
}
