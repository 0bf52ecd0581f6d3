package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"clientele"
	"clientele/internal/api"
	"clientele/internal/privacy"
	"clientele/internal/resolve"
)

// Erase forgets the person of the identifier: rows and tables before it returns, the bytes in log,
// archive and files within erase.purge_within, or at once when the request says so.
func (a *App) Erase(ctx context.Context, by string, req clientele.EraseRequest) (*clientele.EraseResult, error) {
	if err := a.Settle(ctx); err != nil {
		return nil, err
	}
	p, anchors, ids, counts, err := a.survey(clientele.Identifier{Namespace: req.Namespace, Value: req.Value})
	if err != nil {
		return nil, err
	}
	quarantined, err := a.naming(ctx, ids)
	if err != nil {
		return nil, err
	}
	if len(quarantined) > 0 {
		counts["quarantined"] = int64(len(quarantined))
	}
	r := &clientele.EraseResult{Profile: p, DryRun: req.DryRun, Counts: counts, Exports: []string{}}
	r.Exports = a.exported()
	if req.DryRun {
		return r, nil
	}
	asked, err := a.requestsOf(p)
	if err != nil {
		return nil, err
	}
	e, err := a.eraseAnchors(ctx, by, resolve.EraseBody{Anchors: anchors, Quarantine: quarantined}, p.String(), r.Exports...)
	if err != nil {
		return nil, err
	}
	for _, id := range asked {
		if _, err := a.CloseRequest(ctx, by, id, clientele.SubjectRequestEnd{Outcome: clientele.RequestAnswered}); err != nil {
			return nil, err
		}
	}
	r.ID, r.Counts = e.ID, e.Counts
	r.PurgeBy = e.At + clientele.Micros(time.Duration(a.cfg.Erase.PurgeWithin).Microseconds())
	if req.Purge {
		if err := a.purge(ctx); err != nil {
			return r, err
		}
		r.PurgedAt = clientele.MicrosOf(a.o.Now())
	}
	return r, nil
}

// RepeatErasures erases again whom a backup has brought back: after a restore, the erasures that were
// made since the backup (privacy.Book.Since of the newer book). Their numbers and seals hold on.
func (a *App) RepeatErasures(ctx context.Context, made []clientele.Erasure) error {
	backedUp := clientele.Position(a.resolved.get())
	for i := range made {
		e := &made[i]
		body := resolve.EraseBody{Again: e}
		for _, anchor := range e.Anchors {
			if anchor.Position() <= backedUp {
				body.Anchors = append(body.Anchors, anchor)
			}
		}
		for _, q := range e.Quarantined {
			if q.Position <= backedUp {
				body.Quarantine = append(body.Quarantine, resolve.QuarantineID(q.Position, q.Ordinal))
			}
		}
		if _, err := a.eraseAnchors(ctx, "restore", body, ""); err != nil {
			return err
		}
	}
	return nil
}

// pendingErasures is a book, or a part of one, whose erasures a restored directory has to repeat.
const pendingErasures = "erasures.pending.jsonl"

// repeatPending repeats them and forgets the file.
func (a *App) repeatPending(ctx context.Context) error {
	path := filepath.Join(a.cfg.Data, pendingErasures)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return clientele.Errorf(clientele.Unavailable, "erasures to repeat: %w", err)
	}
	made, err := privacy.ReadErasures(text)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, e := range a.register.Erasures() {
		known[fmt.Sprint(e.Position, e.At)] = true
	}
	made = slices.DeleteFunc(made, func(e clientele.Erasure) bool { return known[fmt.Sprint(e.Position, e.At)] })
	if err := a.RepeatErasures(ctx, made); err != nil {
		return err
	}
	a.o.Log.Info("erasures repeated after a restore", "erasures", len(made))
	if err := os.Remove(path); err != nil {
		return clientele.Errorf(clientele.Unavailable, "erasures to repeat: %w", err)
	}
	return nil
}

// carryErasures keeps, of a directory that a backup replaces, the erasures that the backup does not
// have: whoever opens the restored directory repeats them.
func carryErasures(data, fresh string) error {
	text, err := os.ReadFile(filepath.Join(data, privacy.BookFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(fresh, pendingErasures), text, 0o600)
	}
	if err != nil {
		return clientele.Errorf(clientele.Unavailable, "restore: erasures made since the backup: %w", err)
	}
	return nil
}

// eraseAnchors gives the command and enters what it did into the book.
func (a *App) eraseAnchors(ctx context.Context, by string, body resolve.EraseBody, profile string, exports ...string) (*clientele.Erasure, error) {
	at, err := a.command(ctx, clientele.CommandErase, by, body)
	if err != nil {
		return nil, err
	}
	var made *clientele.Erasure
	err = resolve.ScanErasures(a.rows, func(e *clientele.Erasure) error {
		if e.Position != at {
			return nil
		}
		made = e
		return a.register.Add(privacy.Entry{What: privacy.WhatErased, ID: e.ID, At: e.At, By: by, Profile: profile, Erasure: e, Exports: exports})
	})
	if err == nil && made == nil {
		err = clientele.Errorf(clientele.Internal, "the erasure left no entry")
	}
	return made, err
}

// survey is who the identifier is of, and what there is of them.
func (a *App) survey(id clientele.Identifier) (p clientele.ProfileID, anchors []clientele.Anchor, ids []clientele.Identifier, counts map[string]int64, err error) {
	v, err := a.view()
	if err != nil {
		return 0, nil, nil, nil, err
	}
	defer v.Close()
	if p, err = v.find(id); err != nil {
		return 0, nil, nil, nil, err
	}
	if anchors, err = v.graph.Members(p); err != nil {
		return 0, nil, nil, nil, err
	}
	known, err := v.graph.Identifiers(p)
	if err != nil {
		return 0, nil, nil, nil, err
	}
	for _, k := range known {
		ids = append(ids, k.Identifier)
	}
	counts, err = resolve.Survey(v, anchors)
	return p, anchors, ids, counts, err
}

// maxExported is how many exports a certificate lists, the newest first.
const maxExported = 1000

// exported are the exports that were made and may hold any person: they are not in our hands.
func (a *App) exported() []string {
	out := []string{}
	for _, e := range a.ledger.List(maxExported, "") {
		out = append(out, fmt.Sprintf("%s %s: %s to %s", e.ID, e.Asked, e.Table, e.To))
	}
	return out
}

// naming are the quarantined records that name one of the identifiers.
func (a *App) naming(ctx context.Context, ids []clientele.Identifier) ([]string, error) {
	var out []string
	rules := a.inForce.Load().Identity
	var frame *clientele.Frame
	var at clientele.Position
	err := a.rows.Scan(clientele.Prefix(clientele.NewKey(clientele.RowQuarantine)), func(k clientele.Key, _ []byte) (bool, error) {
		r := k.Read()
		p, i := clientele.Position(r.Uint()), int(r.Uint())
		if frame == nil || p != at {
			f, err := a.frame(ctx, p)
			if clientele.ErrorCode(err) == clientele.Unavailable {
				return false, err
			}
			frame, at = f, p // nil when the record is gone: it names nobody
		}
		if frame != nil && i < len(frame.Records) && resolve.Names(frame.Kind, &frame.Records[i], ids, rules, a.source) {
			out = append(out, resolve.QuarantineID(p, i))
		}
		return true, r.Err()
	})
	return out, err
}

// enterErasures brings erasures that the rows know into the book: a crash may have come between.
func (a *App) enterErasures() error {
	return resolve.ScanErasures(a.rows, func(e *clientele.Erasure) error {
		return a.register.Add(privacy.Entry{What: privacy.WhatErased, ID: e.ID, At: e.At, Erasure: e})
	})
}

// erasures are what the resolver must know besides its rows, the oldest first.
func (a *App) erasures() ([]clientele.Erasure, error) {
	all := a.register.Erasures()
	slices.SortFunc(all, func(x, y clientele.Erasure) int { return cmp.Compare(x.Position, y.Position) })
	return all, nil
}

// Erasures are the entries of the book, the oldest first.
func (a *App) Erasures(context.Context) ([]any, error) {
	return certificates(a.register.Entries(), nil)
}

// Waiting are the erasures whose bytes are not purged yet.
func (a *App) Waiting(context.Context) ([]api.WaitingErasure, error) {
	out := []api.WaitingErasure{}
	for _, e := range a.register.Unpurged() {
		out = append(out, api.WaitingErasure{ID: e.ID, PurgeBy: e.At + clientele.Micros(time.Duration(a.cfg.Erase.PurgeWithin).Microseconds())})
	}
	return out, nil
}

// Certificate is all that the book says of one erasure.
func (a *App) Certificate(_ context.Context, id string) ([]any, error) {
	return certificates(a.register.Certificate(id))
}

func certificates(entries []privacy.Entry, err error) ([]any, error) {
	out := make([]any, len(entries))
	for i, e := range entries {
		out[i] = e
	}
	return out, err
}
