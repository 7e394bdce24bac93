package copy

import (
	"testing"
	"testing/synctest"
	"time"

	"leap/internal/checkpoint"
)

// TestChunksFitTheTarget: chunks get smaller while the target is slow, down to
// a limit, and grow again when it is not.
func TestChunksFitTheTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, src, dst := setup(sequence(2000)...)
		dst.beforeCommit = func([]byte) error {
			if dst.writes <= 8 {
				<-time.After(2 * slowCommit)
			}
			return nil
		}
		if _, err := run(t, m, src, dst, Config{ChunkRows: 160}); err != nil {
			t.Fatal(err)
		}
		mustArrive(t, src, dst)
		var sizes []int64
		err := checkpoint.Chunks(t.Context(), memStore{c: &dst.data}, "j", func(c checkpoint.Chunk) error {
			sizes = append(sizes, c.Rows)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		smallest, last := sizes[0], sizes[len(sizes)-2] // the very last is what was left
		for _, n := range sizes {
			smallest = min(smallest, n)
		}
		if sizes[0] != 160 || smallest != 10 || last != 160 {
			t.Errorf("chunks of %v rows", sizes)
		}
	})
}
