package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

// Encode writes the report as indented JSON with a newline at the end. It
// fills Schema and DurationSeconds in the written form, writes times in UTC
// and empty lists as [], and hides passwords that are still in an address or
// a message. m itself is not changed.
func Encode(w io.Writer, m *Migration) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(m.forWriting()); err != nil {
		return fmt.Errorf("encode report: %w", err)
	}
	return nil
}

// WriteFile writes the report to path so that a reader finds either all of it
// or what was there before. The file may name customers' keys: only its owner
// may read it.
func WriteFile(path string, m *Migration) error {
	return writeWhole(path, func(w io.Writer) error { return Encode(w, m) })
}

func writeWhole(path string, encode func(io.Writer) error) (err error) {
	if path == "" {
		return errNoPath
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("write report %s: %w", path, err)
		}
	}()
	// A rename would put a file in the place of /dev/stdout or of a link.
	if info, lerr := os.Lstat(path); lerr == nil && !info.Mode().IsRegular() {
		return errors.New("not a regular file")
	}
	dir := filepath.Dir(path)
	// CreateTemp makes the file with mode 0600.
	temp, err := os.CreateTemp(dir, ".leap-report-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(temp.Name()))
		}
	}()
	err = encode(temp)
	if err == nil {
		err = temp.Sync()
	}
	if err = errors.Join(err, temp.Close()); err != nil {
		return err
	}
	if err = os.Rename(temp.Name(), path); err != nil {
		return err
	}
	syncDir(dir)
	return nil
}

// syncDir makes the rename survive a power cut. Its errors are not told: the
// report is complete under its name by now, and some file systems cannot do it.
func syncDir(dir string) {
	d, err := os.Open(dir) //nolint:gosec // the folder of the file the user asked for
	if err != nil {
		return
	}
	_ = d.Sync()
	_ = d.Close()
}

// forWriting returns a copy in the form that the JSON schema describes.
func (m *Migration) forWriting() *Migration {
	c := *m
	c.Schema = MigrationSchema
	c.Reasons = hideAll(c.Reasons)
	c.Command = hideSecrets(c.Command)
	c.Started, c.Finished = inUTC(c.Started), inUTC(c.Finished)
	if !c.Finished.IsZero() {
		c.DurationSeconds = new(c.Finished.Sub(c.Started).Seconds())
	}
	c.Source.URL, c.Target.URL = hideSecrets(c.Source.URL), hideSecrets(c.Target.URL)
	c.Source.Positions = slices.Clone(c.Source.Positions)
	for i := range c.Source.Positions {
		c.Source.Positions[i].TakenAt = inUTC(c.Source.Positions[i].TakenAt)
	}
	if c.Source.Position != nil {
		p := *c.Source.Position
		p.TakenAt = inUTC(p.TakenAt)
		c.Source.Position = &p
	}
	c.Phases = list(c.Phases)
	for i := range c.Phases {
		c.Phases[i].Started = inUTC(c.Phases[i].Started)
		c.Phases[i].Error = hideSecrets(c.Phases[i].Error)
	}
	c.Tenants = list(c.Tenants)
	for i := range c.Tenants {
		c.Tenants[i].Planned = list(c.Tenants[i].Planned)
		c.Tenants[i].Tables = tablesForWriting(c.Tenants[i].Tables)
		c.Tenants[i].Proofs = proofsForWriting(c.Tenants[i].Proofs)
		if d := c.Tenants[i].Domicile; d != nil {
			c.Tenants[i].Domicile = &Domicile{d.Country, list(d.Allowed), list(d.Regions), d.Method, d.Verdict}
		}
	}
	c.Ledger = list(c.Ledger)
	for i := range c.Ledger {
		c.Ledger[i].Examples = list(c.Ledger[i].Examples)
	}
	c.Assessment, c.Checked, c.Unchecked = list(c.Assessment), list(c.Checked), list(c.Unchecked)
	c.Target.Moment, c.Target.Repaired = momentForWriting(c.Target.Moment), momentForWriting(c.Target.Repaired)
	for i := range c.Unchecked {
		c.Unchecked[i].Why = hideSecrets(c.Unchecked[i].Why)
	}
	if c.Error != nil {
		f := *c.Error
		f.Message, f.Hint = hideSecrets(f.Message), hideSecrets(f.Hint)
		c.Error = &f
	}
	return &c
}

func tablesForWriting(tables []Table) []Table {
	out := list(tables)
	for i := range out {
		out[i].Findings = list(out[i].Findings)
		for j := range out[i].Findings {
			out[i].Findings[j].Columns = list(out[i].Findings[j].Columns)
		}
		for j, r := range out[i].Repairs {
			if j == 0 {
				out[i].Repairs = list(out[i].Repairs)
			}
			out[i].Repairs[j].At = inUTC(r.At)
		}
		out[i].RepairError, out[i].TierReason = hideSecrets(out[i].RepairError), hideSecrets(out[i].TierReason)
	}
	return out
}

// momentForWriting keeps nil.
func momentForWriting(m *Moment) *Moment {
	if m == nil {
		return nil
	}
	out := *m
	out.TakenAt = inUTC(out.TakenAt)
	return &out
}

// list returns a copy that is never nil, so that it is written as [].
func list[T any](s []T) []T {
	return append(make([]T, 0, len(s)), s...)
}

// inUTC drops what is finer than a millisecond: nobody compares reports with
// other logs more closely.
func inUTC(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Millisecond)
}

// Addresses and driver messages come from code that redacts them itself. These
// patterns are the second net: a report is mailed around, and one password in
// it is one too many. They hide too much rather than too little.
var (
	// The password of an address: all between the first colon and the last @ of the word.
	secretInAddress = regexp.MustCompile(`(://[^\s:/?#@]*):[^\s]*@`)
	secretInDSN     = regexp.MustCompile(`:[^\s:/]+@(tcp|unix)\(`)
	secretSetting   = regexp.MustCompile(`(?i)\b((?:ssl|pg)?password|passwd|pwd)=('[^']*'|"[^"]*"|[^\s&'"]+)`)
)

func hideSecrets(s string) string {
	s = secretInAddress.ReplaceAllString(s, "$1:xxxxx@")
	s = secretInDSN.ReplaceAllString(s, ":xxxxx@$1(")
	return secretSetting.ReplaceAllString(s, "$1=xxxxx")
}

func hideAll(texts []string) []string {
	out := list(texts)
	for i := range out {
		out[i] = hideSecrets(out[i])
	}
	return out
}
