package migrate

import (
	"context"
	"encoding/json"
	"fmt"

	"leap/internal/checkpoint"
	"leap/internal/target"
)

// wordsID is under which the target's words are kept. No database can have this name.
func (s *session) wordsID() string { return s.cfg.Source.Database + "/words" }

// keepWords stores how the target prints the plan's expressions, for a
// verification by an account that may create nothing. That the target cannot be
// asked is no reason not to finish: such a verification will say what it lacks.
func (s *session) keepWords(ctx context.Context) error {
	words, err := s.target.Words(ctx, s.promised(s.mappings()))
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		s.step("expressions of the schema are left to verifications that may create a table: %v", err)
		return nil
	}
	text, err := json.Marshal(words)
	if err != nil {
		return fmt.Errorf("encode the target's words: %w", err)
	}
	return s.target.Transaction(ctx, transaction(func(store checkpoint.Store) error {
		if err := checkpoint.Hold(ctx, store, s.lease); err != nil {
			return err
		}
		return checkpoint.SaveFacts(ctx, store, s.wordsID(), string(text))
	}))
}

// recallWords takes what keepWords kept; nothing where no copy ended here.
func (s *session) recallWords(ctx context.Context) error {
	store := s.target.Store()
	if exists, err := checkpoint.Exists(ctx, store); err != nil || !exists {
		return err
	}
	text, found, err := checkpoint.LoadFacts(ctx, store, s.wordsID())
	if err != nil || !found {
		return err
	}
	var words map[string]target.Words
	if err := json.Unmarshal([]byte(text), &words); err != nil {
		return fmt.Errorf("the target's words in the checkpoint: %w", err)
	}
	s.target.Remember(words)
	return nil
}
