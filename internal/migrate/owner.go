package migrate

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"leap/internal/checkpoint"
	"leap/internal/fault"
)

// ownerID is under which the checkpoint keeps the ids of the tenant whose rows
// the target holds. No database can have this name.
func ownerID(database string) string { return database + "/tenant" }

// keepOwner notes whose rows the target holds.
func (s *session) keepOwner(ctx context.Context, store checkpoint.Store) error {
	if s.cfg.Tenancy == nil || len(s.cfg.Tenancy.IDs) == 0 {
		return nil
	}
	text, err := json.Marshal(s.cfg.Tenancy.IDs)
	if err != nil {
		return fmt.Errorf("encode the tenant's ids: %w", err)
	}
	return checkpoint.SaveFacts(ctx, store, ownerID(s.cfg.Source.Database), string(text))
}

// otherOwner says whose rows a target holds, if they are not those of the tenant
// with these ids. A tenant may have got further ids since.
func otherOwner(ctx context.Context, store checkpoint.Store, database string, ids []string) (string, error) {
	if len(ids) == 0 {
		return "", nil
	}
	exists, err := checkpoint.Exists(ctx, store)
	if err != nil || !exists {
		return "", err
	}
	text, found, err := checkpoint.LoadFacts(ctx, store, ownerID(database))
	if err != nil || !found {
		return "", err
	}
	var have []string
	if err := json.Unmarshal([]byte(text), &have); err != nil {
		return "", fmt.Errorf("the tenant's ids in the checkpoint: %w", err)
	}
	if slices.ContainsFunc(have, func(id string) bool { return slices.Contains(ids, id) }) {
		return "", nil
	}
	return "the tenant with id " + strings.Join(have, ", "), nil
}

// refuseOtherOwner refuses to write into a target that holds another tenant's
// rows, before anything is written or noted there.
func (s *session) refuseOtherOwner(ctx context.Context) error {
	if !s.journaled() || s.cfg.Tenancy == nil {
		return nil
	}
	other, err := otherOwner(ctx, s.target.Store(), s.cfg.Source.Database, s.cfg.Tenancy.IDs)
	if err != nil || other == "" {
		return err
	}
	return fault.New(fault.Refused, "correct id: or database: of the tenant in the plan, or copy into a new database",
		"this target holds the rows of %s, not of tenant %s", other, s.tenantName())
}
