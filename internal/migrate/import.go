package migrate

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"

	"leap/internal/checkpoint"
	"leap/internal/copy"
	"leap/internal/event"
	"leap/internal/fault"
	"leap/internal/feed"
	"leap/internal/schema"
	"leap/internal/target"
)

// DefaultImportAbove is how many rows, by the source's estimate, make an import
// worth its job: that takes about a second, in which a copy moves as many.
const DefaultImportAbove = 50_000

// importer is the target as copy.Importer.
type importer struct {
	writer
	feed *feed.Server
	form target.ImportForm
}

func (i importer) Encoder(m *schema.Mapping) copy.Encoder {
	encoder := target.NewImportEncoder(m, i.form)
	if i.wrap == nil {
		return encoder
	}
	return i.wrap(m, encoder)
}

func (i importer) Import(
	ctx context.Context, m *schema.Mapping, mark string, write func(context.Context, io.Writer) error,
) (int64, error) {
	return load(ctx, i.feed, stream{mark, write}, func(url string) (int64, error) { return i.DB.Import(ctx, m, i.form, url) })
}

func (i importer) Settle(ctx context.Context, mark string) error { return i.EndImports(ctx, mark) }

// refuseImport refuses targets that have no IMPORT.
func (s *session) refuseImport() error {
	if s.target.Capabilities().Import {
		return nil
	}
	return fault.New(fault.Refused, "use --ingest=copy",
		"--ingest=import needs CockroachDB's IMPORT INTO; the target is %s %s", s.target.Info().Product, s.target.Info().Version)
}

// importTables imports what is worth it and returns the tables that are left to copy.
func (s *session) importTables(ctx context.Context, cfg copy.Config) (rest []*schema.Mapping, err error) {
	if s.cfg.Ingest != IngestImport {
		return s.mappings(), nil
	}
	server, err := s.serveRows(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	to := importer{writer: s.writer(), feed: server}
	whole, rest := s.worthImporting()
	if len(whole) > 0 {
		forms := target.PlainImportForms()
		if slices.ContainsFunc(whole, hasArrays) {
			forms = target.ImportForms()
		}
		if to.form, err = s.tryImport(ctx, server, forms); err != nil {
			return nil, err
		}
	}
	if to.form.Arrays == target.ArrayNone {
		var moved []*schema.Mapping
		whole, moved = split(whole, hasArrays)
		rest = append(rest, moved...)
		for _, m := range moved {
			s.cfg.Events.Emit(event.Event{
				Kind: event.Warned, Phase: string(Copy), Table: m.SourceName,
				Message: m.SourceName + " is copied: this server's IMPORT cannot read arrays",
			})
		}
	}
	s.step("importing %s from %s; they are offline meanwhile; %s copied",
		english.Plural(len(whole), "table", ""), server.Address(), english.Plural(len(rest), "smaller one is", "smaller ones are"))
	imported, err := copy.Import(ctx, views{s}, to, whole, cfg)
	s.copied = append(s.copied, imported...)
	for _, m := range whole {
		if !slices.ContainsFunc(imported, func(r copy.TableResult) bool { return r.Table == m.SourceName }) {
			rest = append(rest, m) // a copy had begun it, or an earlier import ended
		}
	}
	return rest, err
}

// worthImporting divides the tables by size.
func (s *session) worthImporting() (whole, rest []*schema.Mapping) {
	return split(s.mappings(), func(m *schema.Mapping) bool {
		return m.Source == nil || m.Source.EstimatedRows < int64(s.cfg.ImportAbove)
	})
}

// split divides a list into those for which apart is false, and the others.
func split(all []*schema.Mapping, apart func(*schema.Mapping) bool) (keep, others []*schema.Mapping) {
	for _, m := range all {
		if apart(m) {
			others = append(others, m)
		} else {
			keep = append(keep, m)
		}
	}
	return keep, others
}

func hasArrays(m *schema.Mapping) bool {
	return slices.ContainsFunc(m.Copied(), func(c schema.ColumnMapping) bool { return c.Kind == schema.Set && !c.AsText })
}

// serveRows starts the server that the cluster fetches rows from. They travel
// unencrypted; where the connection to the target is encrypted, somebody has to
// say that this is all right, by giving the address.
func (s *session) serveRows(ctx context.Context) (*feed.Server, error) {
	address := s.cfg.ImportAddress
	if address == "" {
		peer, err := s.target.Peer(ctx)
		if err != nil {
			return nil, err
		}
		if peer.Encrypted && !peer.Loopback {
			return nil, fault.New(fault.Refused,
				"give --import-address "+peer.Host+" if the network between here and the cluster is trusted, or use --ingest=copy",
				"--ingest=import sends rows to the cluster unencrypted, and the connection to this target is encrypted")
		}
		address = peer.Host
	}
	return feed.Listen(ctx, address)
}

// tryImport imports two rows into a scratch table: whether the cluster reaches
// the address, may import, and reads values as they are written.
func (s *session) tryImport(ctx context.Context, server *feed.Server, forms []target.ImportForm) (target.ImportForm, error) {
	var first error
	for _, form := range forms {
		err := s.tryForm(ctx, server, form)
		if err == nil {
			return form, nil
		}
		if ctx.Err() != nil {
			return form, err
		}
		if first == nil {
			first = err
		}
		if errors.Is(err, errUnreached) {
			break
		}
	}
	return target.ImportForm{}, fault.Wrap(fault.Refused,
		"the cluster must reach "+server.Address()+" (see --import-address) and the target user must be allowed to IMPORT; or use --ingest=copy",
		fmt.Errorf("a trial import of two rows: %w", first))
}

// trialFor is how long a trial import may take. It takes half a second; a
// cluster that cannot reach an address tries for minutes.
const trialFor = 20 * time.Second

var errUnreached = errors.New("the cluster did not fetch them from the address that it was given")

func (s *session) tryForm(ctx context.Context, server *feed.Server, form target.ImportForm) (err error) {
	store, suffix := s.target.Store(), strings.ToLower(rand.Text())
	// The note comes first: whoever finds it after a crash removes the probe.
	if err = checkpoint.BeginImport(ctx, store, s.jobID(), trialNote, suffix); err != nil {
		return err
	}
	defer func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), trialFor)
		defer cancel()
		err = errors.Join(err, s.endTrial(ending, suffix))
	}()
	probe := s.target.ImportProbe(checkpoint.Schema, suffix)
	if err = probe.Make(ctx, form); err != nil {
		return err
	}
	trying, cancel := context.WithTimeout(ctx, trialFor)
	defer cancel()
	offer := server.Offer(trying, probe.Mark(), func(_ context.Context, w io.Writer) error {
		_, writeErr := io.WriteString(w, probe.Rows())
		return writeErr
	})
	err = probe.Try(trying, offer.URL())
	if sent := offer.Withdraw(); err == nil {
		return sent
	}
	if !offer.Fetched() && ctx.Err() == nil {
		return fmt.Errorf("%w: %w", errUnreached, err)
	}
	return err
}

// trialNote is where the checkpoint keeps the suffix of the trial's table: it
// stands among the tables, none of which has an empty name.
const trialNote = ""

// endTrial removes the table of a trial, this one's or a killed one's, and then
// its note.
func (s *session) endTrial(ctx context.Context, suffix string) error {
	if err := s.target.ImportProbe(checkpoint.Schema, suffix).Remove(ctx); err != nil {
		return fmt.Errorf("remove what is left of a trial import: %w", err)
	}
	return checkpoint.EndImport(ctx, s.target.Store(), s.jobID(), trialNote)
}

// stream is what a job of the target fetches; mark is in its address.
type stream struct {
	mark  string
	write feed.Write
}

// load offers a stream while the target loads it. When both fail, the cause is
// the stream's, unless it ended because the target did not want it any more.
func load(ctx context.Context, from *feed.Server, s stream, fetch func(url string) (int64, error)) (int64, error) {
	offer := from.Offer(ctx, s.mark, s.write)
	rows, err := fetch(offer.URL())
	sent := offer.Withdraw()
	if err != nil && (errors.Is(sent, feed.ErrReaderGone) || errors.Is(sent, feed.ErrWithdrawn)) {
		return rows, err
	}
	if sent != nil {
		return rows, sent
	}
	return rows, err
}

// settleLeftovers undoes imports that an earlier run left unfinished: their
// tables are offline or half full. It takes the job for that, so a run that is
// alive is refused and not disturbed.
func (s *session) settleLeftovers(ctx context.Context) error {
	store := s.target.Store()
	can, err := checkpoint.HasImports(ctx, store)
	if err != nil || !can {
		return err
	}
	left, err := checkpoint.Imports(ctx, store, s.jobID())
	if err != nil || len(left) == 0 {
		return err
	}
	release, err := s.holdJob(ctx)
	if err != nil {
		return err
	}
	defer release()
	return s.settleImports(ctx)
}

// settleImports is settleLeftovers for who holds the job.
func (s *session) settleImports(ctx context.Context) error {
	left, err := checkpoint.Imports(ctx, s.target.Store(), s.jobID())
	if err != nil {
		return err
	}
	if suffix, tried := left[trialNote]; tried {
		if err = s.endTrial(ctx, suffix); err != nil {
			return err
		}
	}
	return copy.SettleImports(ctx, importer{writer: s.writer()}, s.mappings(), copy.Config{
		Lease: s.lease, RetryFor: s.cfg.RetryFor, Events: s.cfg.Events,
	})
}
