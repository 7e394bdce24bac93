package convert

import (
	"strings"

	"leap/internal/schema"
)

// describeObjects reports what lives in the database beside its tables. None of
// it holds rows, and all of it is code: moving it is a person's decision.
func (b *builder) describeObjects() {
	for _, o := range b.db.Objects {
		problem, advice := "it is not moved", "look at what it is for"
		switch o.Kind {
		case schema.View:
			advice = "write it anew in the target's SQL; its SELECT may need other functions"
		case schema.Trigger:
			problem = "it is not moved: " + strings.TrimSpace(o.Detail) + " on " + o.Table + " does nothing any more"
			advice = "do its work in the application or in a computed column; stop writes before the move so that none is missed"
		case schema.Procedure, schema.Function, schema.Package:
			advice = "move its work into the application, or write it anew where the target has routines"
		case schema.Event:
			problem = "it is not moved: nothing runs " + strings.TrimSpace(o.Detail) + " any more"
			advice = "run it from a scheduler, or use row-level TTL where it deletes old rows"
		case schema.Sequence:
			advice = "create it on the target with its next value"
		}
		b.warn(string(o.Kind)+"-dropped", string(o.Kind)+" "+o.Name, problem, advice)
	}
}
