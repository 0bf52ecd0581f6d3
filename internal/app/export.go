package app

import (
	"context"
	"io"
	"path/filepath"
	"strings"
	"time"

	"clientele"
	"clientele/internal/config"
	"clientele/internal/exporter"
	"clientele/internal/importer"
	"clientele/internal/objectstore"
	"clientele/internal/observe"
	"clientele/internal/resolve"
)

// What exports keep in the data directory.
const (
	exportsDir    = "exports"       // what the API may always write below
	exportsLedger = "exports.jsonl" // what was exported, when, where to, on whose word
)

// openExports opens the ledger and makes the service.
func (a *App) openExports() error {
	ledger, err := exporter.OpenLedger(filepath.Join(a.cfg.Data, exportsLedger))
	if err != nil {
		return err
	}
	var jobs []exporter.Job
	for _, e := range a.cfg.Exports {
		sel, err := clientele.ParseSelection(e.What)
		if err != nil {
			return err
		}
		sel.Columns, sel.Source = e.Columns, e.Source
		at, _ := e.AtTime()
		jobs = append(jobs, exporter.Job{Name: e.Name, Every: time.Duration(e.Every), At: at, SinceLast: e.SinceLast,
			Request: clientele.ExportRequest{Selection: sel, Format: e.Format, Compression: e.Compression, To: e.To}})
	}
	a.ledger = ledger
	a.exports, err = exporter.NewService(exporter.ServiceOptions{Source: exported{a}, Ledger: ledger, Place: a.placeOf, Jobs: jobs, Now: a.o.Now, Room: a.room, Log: a.o.Log,
		Carries: a.o.Serves})
	return err
}

// exported are the rows of the column store, read on a thread that gives way.
type exported struct{ a *App }

func (x exported) Export(ctx context.Context, sel clientele.Selection, head func(clientele.ExportHead) error, page func(clientele.ExportPage) error) (err error) {
	if err := x.a.selectable(&sel); err != nil {
		return err
	}
	done := make(chan struct{})
	var fault any
	go func() {
		defer close(done)
		defer func() { fault = recover() }()
		aside(niceness["export"])
		err = x.a.columns.Export(ctx, sel, head, page)
	}()
	<-done
	if fault != nil {
		panic(fault)
	}
	return err
}

// selectable says that an audience which is selected exists: NotFound otherwise.
func (a *App) selectable(sel *clientele.Selection) error {
	name, ok := sel.Audience()
	if !ok {
		return nil
	}
	_, err := resolve.LoadAudience(a.rows, name)
	if clientele.ErrorCode(err) == clientele.NotFound {
		return clientele.Errorf(clientele.NotFound, "there is no audience of that name to export").WithHint("clientele audience list names them")
	}
	return err
}

// room says whether the disk has room for an export: intake's is left to it.
func (a *App) room() error {
	if free, known := a.log.Free(); known && free < uint64(a.cfg.Log.Reserve) {
		return clientele.Errorf(clientele.Unavailable, "the disk has less than log.reserve free").WithHint("make room: intake needs what is left")
	}
	return nil
}

// placeOf is where an export goes that was let through: below a folder of the API's nothing leads out.
func (a *App) placeOf(to string) (exporter.Place, error) {
	if objectstore.IsURL(to) {
		return bucket(a.cfg.S3, to)
	}
	for _, base := range a.exportBases() {
		if rel, err := filepath.Rel(base, to); err == nil && !objectstore.IsURL(base) && filepath.IsLocal(rel) {
			return exporter.NewFolderBelow(base, filepath.ToSlash(rel))
		}
	}
	return exporter.NewFolder(to), nil
}

// bucketPlace is a bucket as a place of exports.
type bucketPlace struct{ *objectstore.Bucket }

func (b bucketPlace) Create(ctx context.Context, name string) (exporter.File, error) {
	return b.Bucket.Create(ctx, name)
}

func storeOf(s3 config.S3) (*objectstore.Store, error) {
	return objectstore.Open(objectstore.Options{Endpoint: s3.Endpoint, Region: s3.Region, AccessKey: s3.AccessKey, SecretKey: s3.SecretKey,
		SessionToken: s3.SessionToken, PathStyle: s3.PathStyle})
}

func bucket(s3 config.S3, address string) (exporter.Place, error) {
	store, err := storeOf(s3)
	if err != nil {
		return nil, err
	}
	b, err := store.Bucket(address)
	if err != nil {
		return nil, err
	}
	return bucketPlace{b}, nil
}

// ExportPlace is where a command of this user exports to: any folder, or a bucket.
func ExportPlace(s3 config.S3, to string) (exporter.Place, error) {
	if objectstore.IsURL(to) {
		return bucket(s3, to)
	}
	return exporter.NewFolder(to), nil
}

// objects is an object store as a source of imports. It is opened when it is first needed: files
// need no credentials.
type objects struct{ s3 config.S3 }

// Objects reads objects for an import of this user.
func Objects(s3 config.S3) importer.Objects { return objects{s3} }

func (o objects) List(ctx context.Context, pattern string) (out []importer.Object, err error) {
	store, err := storeOf(o.s3)
	if err != nil {
		return nil, err
	}
	list, err := store.List(ctx, pattern)
	for _, l := range list {
		out = append(out, importer.Object{Path: l.Address, Size: l.Size, Modified: l.Modified})
	}
	return out, err
}

func (o objects) Open(ctx context.Context, path string) (io.ReadCloser, error) {
	store, err := storeOf(o.s3)
	if err != nil {
		return nil, err
	}
	return store.Open(ctx, path)
}

// exportBases are the places that the API may write below: folders absolute, buckets without a
// slash at their end.
func (a *App) exportBases() []string {
	bases := []string{filepath.Join(a.cfg.Data, exportsDir)}
	for _, to := range a.cfg.ExportTo {
		if objectstore.IsURL(to) {
			bases = append(bases, strings.TrimRight(to, "/"))
		} else {
			bases = append(bases, to)
		}
	}
	for i, b := range bases {
		if abs, err := filepath.Abs(b); err == nil && !objectstore.IsURL(b) {
			bases[i] = abs
		}
	}
	return bases
}

// allowed is the place that a request over the API may name: below exports of the data directory,
// or below one of export_to. Denied for all others.
func (a *App) allowed(to string) (string, error) {
	denied := clientele.Errorf(clientele.Denied, "exports to that place are not allowed").
		WithHint("name a folder below exports of the data directory, as reports/march, or have the place added to export_to")
	bases := a.exportBases()
	if objectstore.IsURL(to) {
		if _, _, err := objectstore.Split(to); err != nil {
			return "", err
		}
		to = strings.TrimRight(to, "/")
		for _, b := range bases {
			if objectstore.IsURL(b) && (to == b || strings.HasPrefix(to, b+"/")) {
				return to, nil
			}
		}
		return "", denied
	}
	if strings.ContainsAny(to, "\x00\\") || strings.Contains(to, "://") {
		return "", denied
	}
	if !filepath.IsAbs(to) {
		if !filepath.IsLocal(to) || filepath.Clean(to) == "." {
			return "", denied
		}
		return filepath.Join(bases[0], to), nil
	}
	for _, b := range bases {
		if rel, err := filepath.Rel(b, to); err == nil && !objectstore.IsURL(b) && filepath.IsLocal(rel) {
			return filepath.Clean(to), nil
		}
	}
	return "", denied
}

// StartExport has the export carried out to a place that is allowed.
func (a *App) StartExport(_ context.Context, by string, req clientele.ExportRequest) (*clientele.Export, error) {
	to, err := a.allowed(req.To)
	if err != nil {
		return nil, err
	}
	req.To = to
	if err := a.selectable(&req.Selection); err != nil {
		return nil, err
	}
	e, err := a.exports.Ask(by, req)
	if err != nil {
		return nil, err
	}
	return &e, nil
}

// Exports lists exports, the newest first.
func (a *App) Exports(_ context.Context, limit int, cursor string) ([]clientele.Export, string, error) {
	list, next := a.ledger.List(limit+1, cursor), ""
	if len(list) > limit {
		list, next = list[:limit], list[limit-1].ID
	}
	return list, next, nil
}

// ScheduledExports are those that the configuration repeats.
func (a *App) ScheduledExports() []clientele.ScheduledExport { return a.exports.Scheduled() }

// ExportStatus is how an export is doing.
func (a *App) ExportStatus(_ context.Context, id string) (*clientele.Export, error) {
	e, err := a.ledger.Get(id)
	if err != nil {
		return nil, err
	}
	return &e, nil
}

// CancelExport ends an export.
func (a *App) CancelExport(_ context.Context, id string) (*clientele.Export, error) {
	e, err := a.exports.Cancel(id)
	if err != nil {
		return nil, err
	}
	return &e, nil
}

// StreamExport writes all rows as one file; begin is called before its first byte.
func (a *App) StreamExport(ctx context.Context, by string, req clientele.ExportRequest, w io.Writer) error {
	req.To = exporter.ToStream("")
	return a.exports.Stream(ctx, by, req, w)
}

// ExportRows hands the rows to whoever writes them himself, and records that.
func (a *App) ExportRows(ctx context.Context, by string, sel clientele.Selection, head func(clientele.ExportHead) error, page func(clientele.ExportPage) error) error {
	req := clientele.ExportRequest{Selection: sel, Format: "rows", To: exporter.ToStream("")}
	return a.exports.Record(ctx, by, req, func(ctx context.Context, show func(exporter.Progress)) (p exporter.Progress, err error) {
		err = exported{a}.Export(ctx, sel, func(h clientele.ExportHead) error {
			p.Total, p.Position = h.Rows, h.Position
			return head(h)
		}, func(rows clientele.ExportPage) error {
			p.Rows += int64(len(rows.Rows))
			show(p)
			return page(rows)
		})
		return p, err
	})
}

// export carries out the exports that are asked for or due.
func (a *App) export(ctx context.Context) error { return a.exports.Run(ctx) }

// exportProblems are the scheduled exports whose last run has failed.
func (a *App) exportProblems() []string {
	var out []string
	for _, s := range a.exports.Scheduled() {
		if s.Last != nil && s.Last.Error != "" && s.Last.State != clientele.ExportDone {
			out = append(out, "export "+s.Name+": "+string(s.Last.State)+": "+s.Last.Error)
		}
	}
	return out
}

func (a *App) exportsState() observe.ExportsState {
	t, running, waiting := a.exports.Totals()
	s := observe.ExportsState{Running: float64(running), Waiting: float64(waiting), Retries: float64(t.Retries), Rows: float64(t.Rows), Bytes: float64(t.Bytes),
		Ended: map[string]float64{}, LastDone: map[string]float64{}}
	for state, n := range t.Ended {
		s.Ended[string(state)] = float64(n)
	}
	for name, at := range a.exports.LastDone() {
		if s.LastDone[name] = 0; !at.IsZero() {
			s.LastDone[name] = float64(at.Unix())
		}
	}
	return s
}
