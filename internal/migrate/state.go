package migrate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"leap/internal/fault"
	"leap/internal/schema"
	"leap/internal/source"
	"leap/internal/verify"
)

// stateSchema names the form of a state file.
const stateSchema = "leap.verify.state/v1"

// verifyState is a state file: what two sides it is about, at which moments,
// and how far each table was compared.
type verifyState struct {
	Schema string `json:"schema"`
	Source string `json:"source"`
	// Position is the source's: a source that moved on must be compared anew.
	Position string `json:"position"`
	Target   string `json:"target"`
	// Timestamp is the moment of the target that was compared.
	Timestamp string `json:"timestamp"`
	// Tables by the fingerprint of their mapping.
	Tables map[string]verify.Done `json:"tables"`
}

// stateFile is a verify.Progress in a file. Without a path it keeps nothing.
type stateFile struct {
	path string

	mu     sync.Mutex // guards what follows
	state  verifyState
	saved  time.Time
	failed error
}

// saveEvery keeps a table of millions of ranges from being a write for each.
const saveEvery = time.Second

// openState reads the state file, and continues with it when it is about the
// same two sides at the same moments: then s.shown is opened at the moment that
// it names.
func (s *session) openState(ctx context.Context) (*stateFile, error) {
	f := &stateFile{path: s.cfg.Verify.StateFile}
	if f.path == "" {
		return f, nil
	}
	position := s.position
	f.state = verifyState{
		Schema: stateSchema, Source: s.sourceIdentity(), Position: place(position),
		Target: s.target.Info().ClusterID + "/" + s.target.Info().Database, Tables: map[string]verify.Done{},
	}
	have, err := readState(f.path)
	if err != nil {
		return nil, err
	}
	if have != nil && len(have.Tables) > 0 {
		if why := s.reopen(ctx, f, have); why != "" {
			s.step("%s cannot be continued (%s): comparing from the beginning", f.path, why)
		}
	}
	if s.shown == nil {
		if s.shown, err = s.target.View(ctx); err != nil {
			return nil, err
		}
	}
	f.state.Timestamp = s.shown.Moment().Timestamp
	return f, nil
}

// reopen continues with what a file holds, or says why that cannot be.
func (s *session) reopen(ctx context.Context, f *stateFile, have *verifyState) string {
	switch {
	case have.Source != f.state.Source:
		return "it is about another source"
	case have.Target != f.state.Target:
		return "it is about another target"
	case f.state.Position == "":
		return "the source does not tell its position, so it may have changed"
	case have.Position != f.state.Position:
		return "the source was written to since"
	}
	view, err := s.target.ViewAt(ctx, have.Timestamp)
	if err != nil {
		return "the target cannot show the moment that was compared: " + err.Error()
	}
	s.shown = view
	f.state.Tables = have.Tables
	s.step("continuing the comparison of %s", f.path)
	return ""
}

// place is the position's binlog place; empty where the source has none.
func place(p source.Position) string {
	if p.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", p.File, p.Offset)
}

func readState(path string) (*verifyState, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the file that the user names
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // there is none yet
	}
	if err != nil {
		return nil, fault.Wrap(fault.Usage, "check --state", fmt.Errorf("read %s: %w", path, err))
	}
	var state verifyState
	if err := json.Unmarshal(text, &state); err != nil || state.Schema != stateSchema {
		return nil, fault.New(fault.Usage, "name another file, or remove it", "--state %s holds something else than a state of migrate verify", path)
	}
	return &state, nil
}

// Load says how far a table was compared.
func (f *stateFile) Load(m *schema.Mapping) verify.Done {
	fingerprint, err := m.Fingerprint()
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil || f.path == "" {
		return verify.Done{}
	}
	return f.state.Tables[fingerprint]
}

// Save notes how far a table was compared, and writes the file now and then.
func (f *stateFile) Save(m *schema.Mapping, d verify.Done) {
	fingerprint, err := m.Fingerprint()
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil || f.path == "" {
		return
	}
	f.state.Tables[fingerprint] = d
	if time.Since(f.saved) >= saveEvery {
		f.write()
	}
}

// write replaces the file; mu is held. An error ends up in close: the
// comparison itself does not suffer from it.
func (f *stateFile) write() {
	f.saved = time.Now()
	text, err := json.MarshalIndent(f.state, "", " ")
	if err == nil {
		err = replace(f.path, text)
	}
	if err != nil {
		f.failed = fmt.Errorf("keep the state of the comparison: %w", err)
	}
}

func replace(path string, text []byte) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temporary.Name()) }() // is not there after the rename
	if _, err = temporary.Write(text); err == nil {
		err = temporary.Sync()
	}
	if closeErr := temporary.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(temporary.Name(), path)
}

// forget is for a comparison that came to its end: continued, it would give its
// answer again for a target that others have changed since.
func (f *stateFile) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.state.Tables)
}

// close writes what is left.
func (f *stateFile) close() error {
	if f.path == "" {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.write()
	return f.failed
}
