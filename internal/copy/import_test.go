package copy

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"leap/internal/checkpoint"
	"leap/internal/fault"
	"leap/internal/retry"
	"leap/internal/row"
	"leap/internal/schema"
)

// fakeImporter is a target whose jobs load all that they are given, or fail.
type fakeImporter struct {
	*fakeTarget
	// onImport may fail a job after it has read its stream; the rows stay, as
	// those of a job that nobody saw the end of.
	onImport func(try int) error
	// counts changes what the server says it counted.
	counts int64

	tries   int
	settled []string // the marks
}

func (f *fakeImporter) Import(ctx context.Context, m *schema.Mapping, _ string, write func(context.Context, io.Writer) error) (int64, error) {
	f.tries++
	var all bytes.Buffer
	if err := write(ctx, &all); err != nil {
		return 0, err
	}
	f.mu.Lock()
	err := f.load(&f.data, m, all.Bytes())
	f.mu.Unlock()
	if err == nil && f.onImport != nil {
		err = f.onImport(f.tries)
	}
	return int64(strings.Count(all.String(), "\n")) + f.counts, err
}

func (f *fakeImporter) Settle(_ context.Context, mark string) error {
	f.settled = append(f.settled, mark)
	return nil
}

func importing(n int) (*schema.Mapping, *fakeSource, *fakeImporter) {
	m, src, dst := setup(sequence(n)...)
	return m, src, &fakeImporter{fakeTarget: dst}
}

func runImport(t *testing.T, m *schema.Mapping, src Source, dst Importer) ([]TableResult, error) {
	t.Helper()
	cfg := Config{Lease: checkpoint.Lease{Job: "j"}}
	if err := SettleImports(t.Context(), dst, []*schema.Mapping{m}, cfg); err != nil {
		return nil, err
	}
	return Import(t.Context(), src, dst, []*schema.Mapping{m}, cfg)
}

func TestImportIsOneFinishedChunk(t *testing.T) {
	m, src, dst := importing(5)
	src.at = "p1"
	results, err := runImport(t, m, src, dst)
	if err != nil {
		t.Fatal(err)
	}
	mustArrive(t, src, dst.fakeTarget)
	if len(results) != 1 || results[0].Rows != 5 || results[0].Copied != 5 || results[0].Chunks != 1 || results[0].Positions[0] != "p1" {
		t.Errorf("got %+v", results)
	}
	if len(dst.data.imports) != 0 || len(dst.settled) != 0 {
		t.Errorf("left %v, settled %v", dst.data.imports, dst.settled)
	}
	// Neither an import nor a copy does it again.
	if again, err := runImport(t, m, src, dst); err != nil || len(again) != 0 || dst.tries != 1 {
		t.Errorf("%d tries, %v, %v", dst.tries, again, err)
	}
	if _, err := run(t, m, src, dst.fakeTarget, Config{}); err != nil {
		t.Fatal(err)
	}
	mustArrive(t, src, dst.fakeTarget)
}

// TestInterruptedImportIsUndone: the process dies when the job has loaded
// everything and nothing is recorded.
func TestInterruptedImportIsUndone(t *testing.T) {
	m, src, dst := importing(5)
	ctx, cancel := context.WithCancel(t.Context())
	dst.onImport = func(int) error { cancel(); return errCrash }
	if _, err := Import(ctx, src, dst, []*schema.Mapping{m}, Config{Lease: checkpoint.Lease{Job: "j"}}); !errors.Is(err, errCrash) {
		t.Fatal(err)
	}
	if len(dst.lines("t")) != 5 || len(dst.data.imports) != 1 {
		t.Fatalf("%d rows, notes %v: the test proves nothing", len(dst.lines("t")), dst.data.imports)
	}
	dst.onImport = nil
	if _, err := runImport(t, m, src, dst); err != nil {
		t.Fatal(err)
	}
	mustArrive(t, src, dst.fakeTarget)
	if len(dst.settled) != 1 || len(dst.data.imports) != 0 {
		t.Errorf("settled %v, left %v", dst.settled, dst.data.imports)
	}
}

func TestImportIsTriedAgainAfterALostConnection(t *testing.T) {
	m, src, dst := importing(5)
	dst.onImport = func(try int) error {
		if try < importTries {
			return io.ErrUnexpectedEOF
		}
		return nil
	}
	if results, err := runImport(t, m, src, dst); err != nil || results[0].Copied != 5 {
		t.Fatalf("%+v, %v", results, err)
	}
	mustArrive(t, src, dst.fakeTarget)
	if len(dst.settled) != importTries-1 || dst.settled[0] == dst.settled[1] {
		t.Errorf("settled %v: each try needs a mark of its own", dst.settled)
	}
}

// TestWhatTheServerRefusesIsLeftToTheCopy, empty and without a note.
func TestWhatTheServerRefusesIsLeftToTheCopy(t *testing.T) {
	m, src, dst := importing(5)
	dst.onImport = func(int) error { return stateError("42704") }
	results, err := runImport(t, m, src, dst)
	if err != nil || len(results) != 0 || len(dst.lines("t")) != 0 || len(dst.data.imports) != 0 || dst.tries != 1 {
		t.Fatalf("%v, %v, %d rows, notes %v, %d tries", results, err, len(dst.lines("t")), dst.data.imports, dst.tries)
	}
	if _, err := run(t, m, src, dst.fakeTarget, Config{}); err != nil {
		t.Fatal(err)
	}
	mustArrive(t, src, dst.fakeTarget)
}

func TestImportFailsAndLeavesNothing(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil   func(*fakeSource, *fakeImporter)
		class   fault.Class
		message string
	}{
		"rows that the server did not count": {
			func(_ *fakeSource, dst *fakeImporter) { dst.counts = -1 }, fault.Failed, "the server counted 4 rows of 5",
		},
		"a value that cannot be written": {
			func(src *fakeSource, _ *fakeImporter) {
				r := src.rows["t"][3]
				src.rows["t"][3] = row.Row{r[0], []byte("unwritable")}
			}, fault.Refused, "in the row with key (",
		},
		"a source that fails": {
			func(src *fakeSource, _ *fakeImporter) { src.onRow = func(string, int) error { return errCrash } }, fault.Failed, errCrash.Error(),
		},
	} {
		t.Run(name, func(t *testing.T) {
			m, src, dst := importing(5)
			tt.spoil(src, dst)
			_, err := runImport(t, m, src, dst)
			if err == nil || fault.ClassOf(err) != tt.class || !strings.Contains(err.Error(), tt.message) {
				t.Errorf("class %d: %v", fault.ClassOf(err), err)
			}
			if len(dst.lines("t")) != 0 || len(dst.data.imports) != 0 || len(dst.data.chunks) != 0 {
				t.Errorf("%d rows, notes %v, %d chunks are left", len(dst.lines("t")), dst.data.imports, len(dst.data.chunks))
			}
		})
	}
}

// TestAProcessThatLostTheJobEndsNoStream and empties no table: its successor
// has imported it meanwhile.
func TestAProcessThatLostTheJobEndsNoStream(t *testing.T) {
	m, src, dst := importing(5)
	var lost atomic.Bool
	src.onRow = func(_ string, n int) error {
		if n == 4 {
			lost.Store(true)
			dst.mu.Lock()
			dst.data.tables["t"] = []string{"of the successor"}
			dst.mu.Unlock()
		}
		return nil
	}
	dst.onStatement = func(query string) error {
		if lost.Load() && strings.Contains(query, ".lease") {
			return checkpoint.ErrLeaseLost
		}
		return nil
	}
	if _, err := runImport(t, m, src, dst); !errors.Is(err, checkpoint.ErrLeaseLost) || retry.Classify(err) != retry.Fatal {
		t.Errorf("got %v", err)
	}
	if got := dst.lines("t"); len(got) != 1 || got[0] != "of the successor" {
		t.Errorf("the successor's rows became %q", got)
	}
}
