package app

import (
	"context"
	"slices"
	"strings"
	"time"

	"clientele"
	"clientele/internal/resolve"
	"clientele/internal/store/duckstore"
	"clientele/internal/webhook"
)

// Query answers one SELECT over the contract's tables.
func (a *App) Query(ctx context.Context, sql string, params []any, maxRows int) (r *clientele.QueryResult, err error) {
	return a.query(sql, maxRows, func(l duckstore.Limits) (*clientele.QueryResult, error) { return a.columns.Query(ctx, sql, params, l) })
}

// QueryMasked is Query with nothing in columns that are personal, nor in documents.
func (a *App) QueryMasked(ctx context.Context, sql string, params []any, maxRows int) (r *clientele.QueryResult, err error) {
	hides := func(table, column string) bool {
		return a.personal.Field(table, column) || table == "identifiers" && column == "value" || table == "consents" && column == "identifier"
	}
	return a.query(sql, maxRows, func(l duckstore.Limits) (*clientele.QueryResult, error) {
		return a.columns.QueryMasked(ctx, sql, params, l, hides)
	})
}

func (a *App) query(sql string, maxRows int, ask func(duckstore.Limits) (*clientele.QueryResult, error)) (r *clientele.QueryResult, err error) {
	done := make(chan struct{})
	var fault any
	go func() {
		defer close(done)
		defer func() { fault = recover() }()
		aside(niceness["sql"])
		r, err = ask(duckstore.Limits{Rows: maxRows, Time: time.Duration(a.cfg.Query.Timeout)})
		if err == nil {
			a.reads.NoteSQL(sql, clientele.MicrosOf(a.o.Now()))
		}
	}()
	<-done
	if fault != nil {
		panic(fault) // of the request alone, as in its own goroutine: the API answers and logs it
	}
	return r, err
}

// Digests are checksums of every table of the SQL schema, after all that is in the log.
func (a *App) Digests(ctx context.Context) (map[string]string, error) {
	if err := a.Settle(ctx); err != nil {
		return nil, err
	}
	return a.columns.Digests(ctx)
}

// Import appends records that a client has mapped.
func (a *App) Import(ctx context.Context, source string, kind clientele.Kind, records []clientele.Record) (*clientele.ImportResult, error) {
	if kind != clientele.KindEvent && kind != clientele.KindRow {
		return nil, clientele.Errorf(clientele.Invalid, "imports bring events and rows, not %ss", kind)
	}
	if source == "" || len(source) > clientele.MaxNamespaceBytes {
		return nil, clientele.Errorf(clientele.Invalid, "a source's name has 1 to %d bytes", clientele.MaxNamespaceBytes)
	}
	if len(records) == 0 {
		return &clientele.ImportResult{}, nil
	}
	now := clientele.MicrosOf(a.o.Now())
	for i := range records {
		records[i].Source = source
		if records[i].ReceivedAt == 0 {
			records[i].ReceivedAt = now
		}
	}
	if _, err := a.imports.Append(ctx, kind, records); err != nil {
		return nil, err
	}
	return &clientele.ImportResult{Accepted: len(records)}, nil
}

// maxQuarantineRaw is how much of a quarantined record a listing shows.
const maxQuarantineRaw = 4 << 10

// maxSearch is how many rows one page of a search looks at: a page may be short, and go on.
const maxSearch = 100_000

// Quarantine lists the records that the query asks for, the newest first.
func (a *App) Quarantine(ctx context.Context, q clientele.QuarantineQuery, limit int, cursor string) ([]clientele.Quarantined, string, error) {
	out := []clientele.Quarantined{}
	frames := map[clientele.Position]*clientele.Frame{}
	next, err := a.search(q, limit, cursor, func(item clientele.Quarantined, p clientele.Position, i int) {
		f := frames[p]
		if f == nil {
			var err error
			if f, err = a.frame(ctx, p); err == nil {
				frames[p] = f
			}
		}
		if f != nil && i < len(f.Records) {
			raw := f.Records[i].Raw
			item.Raw = strings.ToValidUTF8(string(raw[:min(len(raw), maxQuarantineRaw)]), "\ufffd")
		}
		out = append(out, item)
	})
	return out, next, err
}

// search gives the records that the query asks for to found, the newest first, up to limit, and answers the cursor
// of the next page.
func (a *App) search(q clientele.QuarantineQuery, limit int, cursor string, found func(clientele.Quarantined, clientele.Position, int)) (next string, err error) {
	table, key := clientele.RowQuarantine, clientele.QuarantineKey
	if q.Dropped {
		table, key = clientele.RowDropped, clientele.DroppedKey
	}
	r := clientele.Prefix(clientele.NewKey(table))
	r.Reverse = true
	if cursor != "" {
		p, i, err := resolve.ParseQuarantineID(cursor)
		if err != nil {
			return "", clientele.Errorf(clientele.Invalid, "cursor is not one of ours")
		}
		r.End = key(p, i)
	}
	text, last, looked, n := strings.ToLower(q.Text), "", 0, 0
	err = a.rows.Scan(r, func(k clientele.Key, v []byte) (bool, error) {
		if n == limit || looked == maxSearch {
			next = last
			return false, nil
		}
		item, p, i, err := resolve.ReadQuarantine(k, v)
		if err != nil {
			return false, err
		}
		last = item.ID
		looked++
		if q.Source != "" && q.Source != item.Source || q.Code != "" && q.Code != item.Code || q.From != 0 && item.ReceivedAt < q.From ||
			q.To != 0 && item.ReceivedAt >= q.To || text != "" && !strings.Contains(strings.ToLower(item.Reason), text) {
			return true, nil
		}
		n++
		found(item, p, i)
		return true, nil
	})
	return next, err
}

// ReplayFound tries again the records that the query asks for, and answers how many were accepted now.
func (a *App) ReplayFound(ctx context.Context, by string, q clientele.QuarantineQuery) (int, error) {
	var ids []string
	for cursor := ""; ; {
		next, err := a.search(q, maxSearch, cursor, func(item clientele.Quarantined, _ clientele.Position, _ int) { ids = append(ids, item.ID) })
		if err != nil {
			return 0, err
		}
		if cursor = next; next == "" {
			break
		}
	}
	if len(ids) == 0 {
		return 0, nil
	}
	return a.Replay(ctx, by, ids)
}

// maxReplay is how many records one replay command names.
const maxReplay = 1000

// Replay tries quarantined records again, all of them when ids is empty; it answers how many
// were accepted now.
func (a *App) Replay(ctx context.Context, by string, ids []string) (int, error) {
	for _, id := range ids {
		if _, _, err := resolve.ParseQuarantineID(id); err != nil {
			return 0, err
		}
	}
	ids = slices.Compact(slices.Sorted(slices.Values(ids))) // named twice is tried once
	if len(ids) == 0 {
		err := a.rows.Scan(clientele.Prefix(clientele.NewKey(clientele.RowQuarantine)), func(k clientele.Key, _ []byte) (bool, error) {
			r := k.Read()
			ids = append(ids, resolve.QuarantineID(clientele.Position(r.Uint()), int(r.Uint())))
			return true, r.Err()
		})
		if err != nil {
			return 0, err
		}
	}
	before, err := resolve.LoadTotals(a.rows)
	if err != nil {
		return 0, err
	}
	for some := range slices.Chunk(ids, maxReplay) {
		body, err := a.mapAgain(ctx, some)
		if err != nil {
			return 0, err
		}
		if _, err := a.command(ctx, clientele.CommandReplay, by, body); err != nil {
			return 0, err
		}
	}
	after, err := resolve.LoadTotals(a.rows)
	return int(after.Replayed - before.Replayed), err
}

// mapAgain maps those of the quarantined records that are documents of webhooks, by the mappings
// of now, and answers the command that settles all of them.
func (a *App) mapAgain(ctx context.Context, ids []string) (body resolve.ReplayBody, err error) {
	var frame *clientele.Frame
	var at clientele.Position
	for _, id := range ids {
		p, i, err := resolve.ParseQuarantineID(id)
		if err != nil {
			return body, err
		}
		// Only what is in quarantine now is mapped: an id may be of any record.
		if v, err := a.rows.Get(clientele.QuarantineKey(p, i)); err != nil {
			return body, err
		} else if v == nil {
			if v, err = a.rows.Get(clientele.DroppedKey(p, i)); err != nil {
				return body, err
			} else if v == nil {
				continue
			}
		}
		if p != at || frame == nil {
			if frame, err = a.frame(ctx, p); err != nil && clientele.ErrorCode(err) != clientele.NotFound {
				return body, err
			}
			at = p
		}
		if frame == nil || i >= len(frame.Records) || frame.Kind != clientele.KindRow || !webhook.IsDocument(&frame.Records[i]) {
			body.IDs = append(body.IDs, id)
			continue
		}
		switch err := a.hooks.Replay(ctx, &frame.Records[i]); clientele.ErrorCode(err) {
		case "":
			body.Mapped = append(body.Mapped, id)
		case clientele.Invalid, clientele.NotFound, clientele.TooLarge:
			reason := err.Error()
			if hint := clientele.ErrorHint(err); hint != "" {
				reason += "; " + hint
			}
			body.Refused = append(body.Refused, resolve.RefusedReplay{ID: id, Code: clientele.ErrorCode(err), Reason: reason})
		default:
			return body, err
		}
	}
	return body, nil
}

// Ready is nil when requests can be served.
func (a *App) Ready() error {
	if !a.ready.Load() {
		return clientele.Errorf(clientele.Unavailable, "the stages are not running")
	}
	return nil
}

// Status is how the program is doing.
func (a *App) Status(ctx context.Context) (*clientele.Status, error) {
	v, err := a.view()
	if err != nil {
		return nil, err
	}
	defer v.Close()
	totals, err := resolve.LoadTotals(v)
	if err != nil {
		return nil, err
	}
	graph := v.graph.Count()
	s := &clientele.Status{Version: a.o.Version, StartedAt: clientele.MicrosOf(a.started), State: "ready", Problems: a.trouble.list(), Log: a.log.Status(),
		Counts: map[string]int64{"events": totals.Events, "duplicates": totals.Duplicates, "quarantined": totals.Quarantined, "replayed": totals.Replayed,
			"filtered": totals.Filtered, "dropped": totals.Dropped, "plan_violations": totals.Violations, "held_enrichment": totals.Held,
			"commands": totals.Commands, "profiles": graph.Profiles, "evidence": graph.Evidence, "blocked_merges": graph.Refused, "blocked_identifiers": graph.Generic},
		Sizes: a.sizes()}
	for table, n := range totals.Rows {
		s.Counts["imported_"+table] = n
	}
	for _, n := range graph.ByNS {
		s.Counts["identifiers"] += n
	}
	s.Log.Archived = a.archive.Last()
	if s.Log.Full {
		s.Problems = append(s.Problems, "log: it takes nothing more: it is at log.max_size, or its disk has less than log.reserve free; make room, it goes on by itself")
	}
	s.Problems = append(s.Problems, a.standing()...)
	// Asked after the counts, which are so never ahead of the commit that they are told with.
	resolved, commit, err := a.rows.Position()
	if err != nil {
		return nil, err
	}
	applied := a.applied.get()
	s.Resolver = clientele.StageStatus{Position: resolved, Commit: commit, Lag: behind(uint64(s.Log.Last), uint64(resolved)), Error: a.trouble.of("resolve")}
	s.Columns = clientele.StageStatus{Commit: applied, Lag: behind(commit, applied), Error: a.trouble.of("follow")}
	s.Memberships = a.memberships()
	if _, p, err := a.columns.Position(ctx); err == nil {
		s.Columns.Position = p
	}
	switch {
	case !a.ready.Load():
		s.State = "starting"
	case len(s.Problems) > 0:
		s.State = "degraded"
	}
	return s, nil
}

func behind(of, have uint64) uint64 {
	if have >= of {
		return 0
	}
	return of - have
}

// sizes are bytes on disk.
func (a *App) sizes() map[string]int64 {
	return map[string]int64{"log": a.log.Size(), "archive": a.archive.Size(), "rows": a.rows.Size(), "columns": a.columns.Size()}
}
