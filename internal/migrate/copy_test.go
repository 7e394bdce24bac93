package migrate

import (
	"strings"
	"testing"

	"leap/internal/checkpoint"
	"leap/internal/convert"
	"leap/internal/fault"
	"leap/internal/schema"
	"leap/internal/source"
)

func TestSameJobNamesWhatChanged(t *testing.T) {
	have := checkpoint.Job{ID: "bank", Source: "s1/bank", Tables: map[string]string{"a": "1", "b": "2"}}
	for name, tt := range map[string]struct {
		want    checkpoint.Job
		message string // empty when the job may be continued
	}{
		"the same":       {have, ""},
		"another source": {checkpoint.Job{Source: "s2/bank", Tables: have.Tables}, "another source: s1/bank, not s2/bank"},
		"changed table":  {checkpoint.Job{Source: "s1/bank", Tables: map[string]string{"a": "1", "b": "3"}}, "b changed"},
		"table gone":     {checkpoint.Job{Source: "s1/bank", Tables: map[string]string{"a": "1"}}, "b is gone"},
		"new table":      {checkpoint.Job{Source: "s1/bank", Tables: map[string]string{"a": "1", "b": "2", "c": "3"}}, "c is new"},
	} {
		t.Run(name, func(t *testing.T) {
			err := sameJob(have, tt.want)
			if tt.message == "" {
				if err != nil {
					t.Fatalf("refused: %v", err)
				}
				return
			}
			if err == nil || fault.ClassOf(err) != fault.Refused || !strings.Contains(err.Error(), tt.message) || fault.HintOf(err) == "" {
				t.Errorf("got %v (hint %q), want a refusal with %q", err, fault.HintOf(err), tt.message)
			}
		})
	}
}

func TestTablesOutsideASnapshotAreRefused(t *testing.T) {
	s := &session{database: &schema.Database{Tables: []*schema.Table{{Name: "a", Engine: "InnoDB"}, {Name: "log", Engine: "MyISAM"}}}}
	err := s.refuseEngines()
	if err == nil || fault.ClassOf(err) != fault.Refused || !strings.Contains(err.Error(), "log (MyISAM)") {
		t.Errorf("got %v", err)
	}
	s.cfg.Snapshot = source.NoSnapshot
	if err := s.refuseEngines(); err != nil {
		t.Errorf("with --snapshot=none: %v", err)
	}
	s.cfg.Snapshot = source.Consistent
	s.database.Tables = s.database.Tables[:1]
	if err := s.refuseEngines(); err != nil {
		t.Errorf("InnoDB alone: %v", err)
	}
}

// TestForeignKeysComeAfterUniqueIndexes guards the order in which stages run:
// a foreign key needs the unique index of the table it refers to.
func TestForeignKeysComeAfterUniqueIndexes(t *testing.T) {
	if stage(convert.KindUnique) >= stage(convert.KindForeignKey) || stage(convert.KindTable) >= stage(convert.KindIndex) {
		t.Error("stages are out of order")
	}
}
